//! Which jobs of a plan a run is about.

use std::collections::BTreeSet;

use aqueduct_core::plan::{Plan, PlanJob, When};

use crate::{EngineError, UnsupportedJob};

/// The plan of the jobs that were named and of all that they wait for, and the names of those to play.
pub(crate) fn select(
    plan: &Plan,
    jobs: &[String],
    manual: &[String],
) -> Result<(Plan, BTreeSet<String>), EngineError> {
    let named = positions(plan, jobs)?;
    let mut played = positions(plan, manual)?;
    let is_held = |at: &usize| matches!(plan.jobs[*at].when, When::Manual | When::Delayed);
    played.extend(named.iter().copied().filter(is_held));
    let wanted = if named.is_empty() {
        (0..plan.jobs.len()).collect()
    } else {
        closure(plan, named.union(&played).copied().collect())
    };
    let kept = wanted.iter().map(|&at| plan.jobs[at].clone()).collect();
    let selected = restrict(plan, kept);
    check(&selected)?;
    let played = played.iter().map(|&at| plan.jobs[at].name.clone());
    Ok((selected, played.collect()))
}

fn check(plan: &Plan) -> Result<(), EngineError> {
    if plan.jobs.is_empty() {
        return Err(EngineError::NoJobs);
    }
    let mut refused: Vec<UnsupportedJob> = Vec::new();
    for job in plan.jobs.iter().filter(|job| !job.unsupported.is_empty()) {
        if refused.iter().all(|known| known.job != job.base) {
            refused.push(UnsupportedJob {
                job: job.base.clone(),
                keywords: job.unsupported.clone(),
            });
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(EngineError::Unsupported(refused))
    }
}

/// Positions of the jobs that `names` mean: a full name, or the name in the file for all its instances.
fn positions(plan: &Plan, names: &[String]) -> Result<BTreeSet<usize>, EngineError> {
    let mut found = BTreeSet::new();
    for name in names {
        let meant = |job: &PlanJob| job.name == *name || job.base == *name;
        let all: Vec<usize> = (0..plan.jobs.len())
            .filter(|&at| meant(&plan.jobs[at]))
            .collect();
        if all.is_empty() {
            return Err(EngineError::UnknownJob(name.clone()));
        }
        found.extend(all);
    }
    Ok(found)
}

/// Adds whatever the jobs wait for, and what that waits for.
fn closure(plan: &Plan, mut wanted: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut open: Vec<usize> = wanted.iter().copied().collect();
    while let Some(at) = open.pop() {
        for other in 0..plan.jobs.len() {
            if waits_for(&plan.jobs[at], &plan.jobs[other]) && wanted.insert(other) {
                open.push(other);
            }
        }
    }
    wanted
}

fn waits_for(job: &PlanJob, other: &PlanJob) -> bool {
    match &job.needs {
        Some(needs) => needs.iter().any(|need| need.job == other.name),
        None => other.stage_index < job.stage_index,
    }
}

/// The plan with `jobs` alone; its hash stays that of the whole.
fn restrict(plan: &Plan, jobs: Vec<PlanJob>) -> Plan {
    let has = |stage: &String| jobs.iter().any(|job| job.stage == *stage);
    Plan {
        pipeline: plan.pipeline.clone(),
        variables: plan.variables.clone(),
        stages: plan
            .stages
            .iter()
            .filter(|stage| has(stage))
            .cloned()
            .collect(),
        skipped: plan.skipped.clone(),
        hash: plan.hash.clone(),
        jobs,
    }
}
