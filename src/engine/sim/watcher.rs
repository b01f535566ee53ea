//! Who carries out effects: each once, whatever is delivered twice.

use std::collections::BTreeSet;

use aqueduct_core::run::{Effect, EffectKind, Status};

/// What the outside knows of the pipeline by its effects alone.
#[derive(Debug)]
pub(super) struct Watcher {
    done: BTreeSet<u64>,
    /// Where it believes the jobs and the pipeline to be.
    pub(super) jobs: Vec<Status>,
    pub(super) pipeline: Status,
    /// How often each job ended otherwise than by being skipped.
    pub(super) ends: Vec<u32>,
    /// Tokens of attempts it has been asked to stop.
    pub(super) stopped: BTreeSet<u64>,
}

impl Watcher {
    pub(super) fn new(jobs: usize) -> Self {
        Self {
            done: BTreeSet::new(),
            jobs: vec![Status::Created; jobs],
            pipeline: Status::Created,
            ends: vec![0; jobs],
            stopped: BTreeSet::new(),
        }
    }

    /// Carries an effect out, unless it has done so before. An effect that doesn't follow from the last one
    /// means that one was lost, doubled or reordered.
    pub(super) fn carry_out(&mut self, effect: &Effect) -> Result<(), String> {
        if !self.done.insert(effect.key) {
            return Ok(());
        }
        match &effect.kind {
            EffectKind::JobMoved { job, from, to, .. } => {
                let at = job.0 as usize - 1;
                if self.jobs[at] != *from {
                    return Err(format!(
                        "job {job} moves from {from}, but is {}",
                        self.jobs[at]
                    ));
                }
                self.jobs[at] = *to;
                self.ends[at] += u32::from(to.is_terminal() && *to != Status::Skipped);
            }
            EffectKind::PipelineMoved { from, to } => {
                if self.pipeline != *from {
                    return Err(format!(
                        "the pipeline moves from {from}, but is {}",
                        self.pipeline
                    ));
                }
                self.pipeline = *to;
            }
            EffectKind::StopAttempt { token, .. } => {
                self.stopped.insert(*token);
            }
            EffectKind::Retrying { .. } => {}
            EffectKind::RequestResource { .. } | EffectKind::ReleaseResource { .. } => {
                return Err("a resource group left the pipeline".into());
            }
        }
        Ok(())
    }
}
