//! What a runner takes, from what it says of itself.

use aqueduct_core::{
    api::runner::{Info, JobRequest},
    platform::Arch,
    sched::{ExecutorOffer, Offer, RELEASE, RUNNER_KEYWORDS, TagPolicy},
};
use aqueduct_ports::store::RunnerRow;

/// The offer of a request. Ours says what it takes; of others it is told by their executor's name and features. Tags are the
/// coordinator's knowledge in both cases, unless the runner's registration has none and it brings its own.
///
/// Nobody is taken for a release worker on their own word: who is handed a release can report it as done without having pushed a
/// thing. The worker in this process doesn't come this way, and no runner can be marked for it yet.
pub(super) fn offer(request: &JobRequest, runner: &RunnerRow) -> Offer {
    let settings = &runner.settings;
    let mut offer = request
        .aqueduct
        .as_ref()
        .map_or_else(|| foreign(&request.info, runner), |own| own.offer.clone());
    offer.tags = TagPolicy::Only(settings.tags.clone());
    offer.run_untagged = settings.run_untagged;
    offer.executors.retain(|executor| executor.name != RELEASE);
    offer
}

/// What a stock runner takes: whatever its tags and its architecture allow, as GitLab hands jobs out. One whose executor knows no
/// images or services ignores them, and whoever registers it without tags wants that.
fn foreign(info: &Info, runner: &RunnerRow) -> Offer {
    let executor = ExecutorOffer {
        name: info.executor.clone(),
        archs: archs(info, runner),
        with_image: true,
        without_image: true,
        keywords: RUNNER_KEYWORDS.map(str::to_owned).to_vec(),
    };
    Offer {
        runner: runner.settings.description.clone(),
        executors: vec![executor],
        tags: TagPolicy::default(),
        run_untagged: true,
    }
}

/// Architectures that its tags name, else that of its process (runner-protocol 3.2).
fn archs(info: &Info, runner: &RunnerRow) -> Vec<Arch> {
    let tags = runner.settings.tags.iter();
    let tagged: Vec<Arch> = tags.filter_map(|tag| Arch::parse(tag)).collect();
    if tagged.is_empty() {
        Arch::parse(&info.architecture).into_iter().collect()
    } else {
        tagged
    }
}
