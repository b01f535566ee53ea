//! Placement: which runner may take which job, as a pure function of both.
//!
//! A job asks for an architecture (its `arch`, or a tag that names one), for tags, and for an executor (a container
//! if it names an image, the machine itself if it names none, `release` for `index` and `publish`). Who comes first is not
//! decided here: the engine hands out jobs in order.

mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::refusal;

use serde::{Deserialize, Serialize};

use crate::{
    plan::{JobKind, PlanJob},
    platform::Arch,
};

/// The executor that works off `index` and `publish` jobs.
pub const RELEASE: &str = "release";

/// Keywords that only some runners work off, as [`PlanJob::unsupported`] names them.
pub const RUNNER_KEYWORDS: [&str; 2] = ["services", "more than one cache"];

/// What a runner can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The runner's name.
    pub runner: String,
    /// Executors it has, the preferred one first; `release` takes `index` and `publish` jobs.
    pub executors: Vec<ExecutorOffer>,
    /// Which tags a job may ask it for.
    pub tags: TagPolicy,
    /// Takes jobs without tags. A tag that names an architecture counts as none.
    pub run_untagged: bool,
}

/// Which tags a runner satisfies. Tags that name an architecture are never looked at here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagPolicy {
    /// Every one: the policy of a local run, where tags like `docker` or `saas-linux-small` name machines that a
    /// laptop stands in for.
    #[default]
    Any,
    /// Only these: a job must ask for no other.
    Only(Vec<String>),
}

/// One executor of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorOffer {
    /// `host`, `oci`, `release`, …
    pub name: String,
    /// Architectures it takes, natively or emulated; none are known of a runner that says nothing of them. Irrelevant for `release`.
    pub archs: Vec<Arch>,
    /// Takes jobs that name an image.
    pub with_image: bool,
    /// Takes jobs that name none.
    pub without_image: bool,
    /// Those of [`RUNNER_KEYWORDS`] that it works off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
}

impl ExecutorOffer {
    /// A container executor: it takes jobs that name an image, and no others.
    pub fn container(name: impl Into<String>, archs: Vec<Arch>) -> Self {
        Self {
            name: name.into(),
            archs,
            with_image: true,
            without_image: false,
            keywords: Vec::new(),
        }
    }

    /// The machine itself, for jobs without an image; `forced` (`--executor host`) also takes those with one, and
    /// ignores it.
    pub fn host(archs: Vec<Arch>, forced: bool) -> Self {
        Self {
            name: "host".into(),
            archs,
            with_image: forced,
            without_image: true,
            keywords: Vec::new(),
        }
    }

    /// The release worker.
    pub fn release() -> Self {
        Self {
            name: RELEASE.into(),
            archs: Vec::new(),
            with_image: false,
            without_image: false,
            keywords: Vec::new(),
        }
    }
}

/// What a job asks of a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    work: Work,
    arch: Option<Arch>,
    tags: &'a [String],
    keywords: &'a [String],
}

/// Which kind of executor a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    WithImage,
    WithoutImage,
    Release,
    Trigger,
}

impl<'a> Request<'a> {
    /// What `job` asks for.
    pub fn of(job: &'a PlanJob) -> Self {
        let work = match job.kind {
            JobKind::Script(_) if job.image.is_some() => Work::WithImage,
            JobKind::Script(_) => Work::WithoutImage,
            JobKind::Index(_) | JobKind::Publish(_) => Work::Release,
            JobKind::Trigger => Work::Trigger,
        };
        Self {
            work,
            arch: job
                .arch
                .or_else(|| job.tags.iter().find_map(|tag| Arch::parse(tag))),
            tags: &job.tags,
            keywords: &job.unsupported,
        }
    }

    /// Names of the keywords that not every runner works off.
    fn keywords(&self) -> impl Iterator<Item = &'a str> {
        self.keywords.iter().map(|place| keyword(place))
    }

    /// Tags other than names of architectures.
    fn plain_tags(&self) -> impl Iterator<Item = &'a str> {
        self.tags
            .iter()
            .map(String::as_str)
            .filter(|tag| Arch::parse(tag).is_none())
    }
}

/// The executor of `offer` that takes `job`, or `None`. Tags don't count for the release worker: it is a
/// service, not a machine.
pub fn place<'a>(job: &PlanJob, offer: &'a Offer) -> Option<&'a str> {
    let request = Request::of(job);
    if request.work != Work::Release && !tags_fit(&request, offer) {
        return None;
    }
    offer
        .executors
        .iter()
        .find(|executor| executor_fits(&request, executor))
        .map(|executor| executor.name.as_str())
}

fn tags_fit(request: &Request<'_>, offer: &Offer) -> bool {
    let mut tags = request.plain_tags().peekable();
    let untagged = tags.peek().is_none();
    match &offer.tags {
        _ if untagged && offer.run_untagged => true,
        TagPolicy::Any => !untagged,
        // An architecture is as good as the tag that names it.
        TagPolicy::Only(own) if untagged => {
            let named = |arch| own.iter().any(|tag| Arch::parse(tag) == Some(arch));
            request.arch.is_some_and(named)
        }
        TagPolicy::Only(own) => tags.all(|tag| own.iter().any(|has| has == tag)),
    }
}

fn executor_fits(request: &Request<'_>, executor: &ExecutorOffer) -> bool {
    work_fits(request.work, executor)
        && keywords_fit(request, executor)
        && (request.work == Work::Release || arch_fits(request.arch, executor))
}

fn work_fits(work: Work, executor: &ExecutorOffer) -> bool {
    match work {
        Work::WithImage => executor.with_image,
        Work::WithoutImage => executor.without_image,
        Work::Release => executor.name == RELEASE,
        Work::Trigger => false,
    }
}

fn keywords_fit(request: &Request<'_>, executor: &ExecutorOffer) -> bool {
    let works_off = |keyword: &str| executor.keywords.iter().any(|own| own == keyword);
    request.keywords().all(works_off)
}

/// The keyword of an entry of [`PlanJob::unsupported`]: what stands before its place.
pub fn keyword(entry: &str) -> &str {
    entry.split_once(" (").map_or(entry, |(keyword, _)| keyword)
}

/// An executor that says nothing of architectures (a runner of another make) takes what runs anywhere.
fn arch_fits(arch: Option<Arch>, executor: &ExecutorOffer) -> bool {
    arch.is_none_or(|arch| executor.archs.contains(&arch))
}
