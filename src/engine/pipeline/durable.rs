//! What of a pipeline must survive a crash.

use std::collections::{BTreeMap, VecDeque};

use aqueduct_core::{
    id::JobId,
    run::{Effect, PipelineState},
};
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
            outbox: VecDeque::new(),
        }
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
}
