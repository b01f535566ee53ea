//! What of a pipeline must survive a crash.

use std::collections::{BTreeMap, VecDeque};

use aqueduct_core::{
    id::JobId,
    release::ReleaseReport,
    run::{Effect, JobState, PipelineState, Rules},
};
use aqueduct_ports::executor::Placement;
use serde::{Deserialize, Serialize};

use super::{Resources, Trace};

/// What of a pipeline must survive a crash. One value, so that it is stored whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Durable {
    /// The state machine's part.
    pub(super) state: PipelineState,
    /// Who has which resource group.
    pub(super) resources: Resources,
    /// The trace of each job's last attempt.
    pub(super) traces: BTreeMap<JobId, Trace>,
    /// What ended jobs left to later ones.
    pub(super) outputs: BTreeMap<JobId, Output>,
    /// Where the last attempts run, or ran.
    #[serde(default)]
    pub(super) places: BTreeMap<JobId, Place>,
    /// Effects that have not been carried out.
    pub(super) outbox: VecDeque<Effect>,
}

impl Durable {
    pub(super) fn new(state: PipelineState) -> Self {
        Self {
            state,
            resources: Resources::default(),
            traces: BTreeMap::new(),
            outputs: BTreeMap::new(),
            places: BTreeMap::new(),
            outbox: VecDeque::new(),
        }
    }
}

/// A job's part of [`Durable`], for a store with a row a job. Its trace is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPart {
    /// Where it stands.
    pub state: JobState,
    /// What it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Where its last attempt runs, or ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where an attempt runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The attempt.
    pub attempt: u32,
    /// What its runner told.
    pub placement: Placement,
}

/// What of [`Durable`] is no job's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadPart {
    state: PipelineState,
    resources: Resources,
}

impl Durable {
    /// What is no job's.
    pub fn head_part(&self) -> HeadPart {
        HeadPart {
            state: self.state.without_jobs(),
            resources: self.resources.clone(),
        }
    }

    /// The part of the job at a position of the plan; there must be one.
    pub fn job_part(&self, at: usize) -> JobPart {
        JobPart {
            state: self.state.jobs[at].clone(),
            output: self.outputs.get(&Rules::id(at)).cloned(),
            place: self.places.get(&Rules::id(at)).cloned(),
        }
    }

    /// Puts the parts together again; the jobs in the plan's order.
    pub fn join(head: HeadPart, jobs: Vec<JobPart>) -> Self {
        let mut durable = Self::new(head.state);
        durable.resources = head.resources;
        for (at, job) in jobs.into_iter().enumerate() {
            durable.state.jobs.push(job.state);
            if let Some(output) = job.output {
                durable.outputs.insert(Rules::id(at), output);
            }
            if let Some(place) = job.place {
                durable.places.insert(Rules::id(at), place);
            }
        }
        durable
    }
}

/// What an ended job left to later ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its last attempt.
    pub attempt: u32,
    /// Variables of its dotenv reports.
    pub dotenv: Vec<(String, String)>,
    /// Whether it left artifacts.
    pub has_artifacts: bool,
    /// What `coverage` found.
    pub coverage: Option<String>,
    /// What became of its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Box<ReleaseReport>>,
}
