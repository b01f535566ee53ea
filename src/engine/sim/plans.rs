//! Random plans: stages, needs, every `when`, allowed failures, retries, resource groups.

use aqueduct_core::{
    plan::{
        AllowFailure, JobKind, Need, OnNewCommit, PipelineHead, Plan, PlanJob, Retry, ScriptSpec,
        When,
    },
    time::Millis,
};

use super::rng::Rng;

pub(super) fn plan(rng: &mut Rng) -> Plan {
    let stages = 1 + rng.below(3);
    let count = 1 + rng.below(7);
    let mut jobs: Vec<PlanJob> = Vec::new();
    for at in 0..count {
        // By stage, as in a real plan, so that needs only point back.
        let stage = at * stages / count;
        let job = job(rng, at, stage as u32, &jobs);
        jobs.push(job);
    }
    Plan {
        pipeline: PipelineHead {
            source: "push".into(),
            ref_name: "main".into(),
            sha: "0".repeat(40),
            run: true,
            name: None,
            cancel_on_job_failure: rng.chance(10),
            on_new_commit: OnNewCommit::default(),
        },
        variables: Vec::new(),
        stages: (0..stages).map(|stage| format!("s{stage}")).collect(),
        jobs,
        skipped: Vec::new(),
        hash: String::new(),
    }
}

fn job(rng: &mut Rng, at: u64, stage: u32, earlier: &[PlanJob]) -> PlanJob {
    let when = when(rng);
    let kind = JobKind::Script(ScriptSpec::default());
    PlanJob {
        when,
        allow_failure: allow_failure(rng, when),
        start_in: Some(Millis(1000 + rng.below(20_000))),
        needs: needs(rng, earlier),
        artifacts_from: earlier.iter().map(|job| job.name.clone()).collect(),
        // Nobody has the second tag.
        tags: match rng.below(20) {
            0 => vec!["gpu".into()],
            1..=4 => vec!["docker".into()],
            _ => Vec::new(),
        },
        retry: Retry {
            max: rng.below(3) as u32,
            when: Vec::new(),
            exit_codes: if rng.chance(20) { vec![42] } else { Vec::new() },
        },
        timeout: Millis(20_000 + rng.below(60_000)),
        resource_group: rng.chance(30).then(|| (*rng.pick(&["a", "b"])).to_owned()),
        ..PlanJob::new(&format!("j{at}"), &format!("s{stage}"), stage, kind)
    }
}

fn when(rng: &mut Rng) -> When {
    match rng.below(20) {
        0 | 1 => When::Manual,
        2 => When::Delayed,
        3 | 4 => When::OnFailure,
        5 | 6 => When::Always,
        _ => When::OnSuccess,
    }
}

fn allow_failure(rng: &mut Rng, when: When) -> AllowFailure {
    match rng.below(10) {
        0 | 1 => AllowFailure::Yes,
        2 => AllowFailure::ExitCodes(vec![42]),
        3..=6 if when == When::Manual => AllowFailure::Yes,
        _ => AllowFailure::No,
    }
}

fn needs(rng: &mut Rng, earlier: &[PlanJob]) -> Option<Vec<Need>> {
    if rng.chance(60) {
        return None;
    }
    let mut needs: Vec<Need> = Vec::new();
    for _ in 0..rng.below(3) {
        if earlier.is_empty() {
            break;
        }
        let job = rng.pick(earlier).name.clone();
        if !needs.iter().any(|need| need.job == job) {
            needs.push(Need {
                job,
                artifacts: true,
                optional: false,
            });
        }
    }
    Some(needs)
}
