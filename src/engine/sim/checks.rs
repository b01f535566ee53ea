//! What must hold after every step.

use std::collections::BTreeMap;

use aqueduct_core::{
    run::{Graph, Status, composite, machine},
    time::Timestamp,
};

use super::engine_side::EngineSide;
use crate::pipeline::Pipeline;

/// The first invariant that doesn't hold.
pub(super) fn check(side: &EngineSide, now: Timestamp) -> Result<(), String> {
    if let Some(broken) = &side.broken {
        return Err(broken.clone());
    }
    let pipeline = &side.pipeline;
    deadlines(pipeline, now)?;
    resources(pipeline)?;
    fold(pipeline)?;
    ends(side)?;
    stops(side)
}

/// Every job that has not ended has a deadline, and nobody keeps a lease that has run out.
fn deadlines(pipeline: &Pipeline, now: Timestamp) -> Result<(), String> {
    for (at, job) in pipeline.state().jobs.iter().enumerate() {
        let deadline = machine::deadline(pipeline.rules(), pipeline.state(), at);
        if deadline.is_some() == job.status.is_terminal() {
            return Err(format!(
                "job {at} is {} with deadline {deadline:?}",
                job.status
            ));
        }
        if job.lease.is_some() != job.status.is_leased() {
            return Err(format!(
                "job {at} is {} with lease {:?}",
                job.status, job.lease
            ));
        }
        if job.lease.is_some_and(|lease| lease.expires < now) {
            return Err(format!("job {at} keeps a lease that has run out"));
        }
    }
    Ok(())
}

/// A group is held by one job, which is on its way; who waits, waits for another one.
fn resources(pipeline: &Pipeline) -> Result<(), String> {
    let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, job) in pipeline.state().jobs.iter().enumerate() {
        let Some(group) = &pipeline.rules().jobs[at].resource_group else {
            continue;
        };
        let holder = pipeline.holder(group);
        let active = matches!(
            job.status,
            Status::Pending | Status::Preparing | Status::Running
        );
        if active && (holder != Some(at) || busy.insert(group, at).is_some()) {
            return Err(format!(
                "job {at} is {} without having group {group}",
                job.status
            ));
        }
        let waits = job.status == Status::WaitingForResource;
        if waits && holder.is_none_or(|holder| holder == at) {
            return Err(format!("job {at} waits for group {group}, which is free"));
        }
        if !active && !waits && holder == Some(at) {
            return Err(format!(
                "job {at} is {} and keeps group {group}",
                job.status
            ));
        }
    }
    Ok(())
}

/// The pipeline's status is the fold over its jobs.
fn fold(pipeline: &Pipeline) -> Result<(), String> {
    let seen = |at| machine::seen(pipeline.rules(), pipeline.state(), at);
    let jobs = 0..pipeline.state().jobs.len();
    let folded = composite(jobs.map(seen).collect(), Graph::Stages);
    if folded == pipeline.state().status {
        Ok(())
    } else {
        Err(format!(
            "the pipeline is {}, its jobs are {folded}",
            pipeline.state().status
        ))
    }
}

/// No job ends twice, and where nothing waits to be told, the outside knows the truth.
fn ends(side: &EngineSide) -> Result<(), String> {
    if let Some(at) = side.watcher.ends.iter().position(|ends| *ends > 1) {
        return Err(format!("job {at} ended twice"));
    }
    if side.pipeline.outbox().next().is_some() {
        return Ok(());
    }
    let state = side.pipeline.state();
    let jobs: Vec<Status> = state.jobs.iter().map(|job| job.status).collect();
    if jobs != side.watcher.jobs || state.status != side.watcher.pipeline {
        return Err("an effect was lost".into());
    }
    Ok(())
}

/// Every attempt that was cancelled is stopped, or waits in the outbox to be.
fn stops(side: &EngineSide) -> Result<(), String> {
    if side.pipeline.outbox().next().is_some() {
        return Ok(());
    }
    for (at, job) in side.pipeline.state().jobs.iter().enumerate() {
        if let (Some(_), Some(lease)) = (&job.cancel, job.lease)
            && !side.watcher.stopped.contains(&lease.token)
        {
            return Err(format!("nobody was told to stop job {at}"));
        }
    }
    Ok(())
}
