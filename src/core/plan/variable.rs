//! Variables in a plan.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A variable as the plan knows it; the value is unexpanded. Texts are shared: most variables are the same for every job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanVariable {
    /// Name: letters, digits, `_`.
    pub key: Arc<str>,
    /// Value as written; empty for a secret, whose value is looked up by name when the job is leased.
    pub value: Arc<str>,
    /// Where it comes from, which is also its precedence.
    pub origin: VariableOrigin,
    /// `expand: false`: the value holds no references.
    #[serde(default)]
    pub raw: bool,
    /// The job sees the path of a file that holds the value.
    #[serde(default)]
    pub file: bool,
    /// The value is not in the plan and is masked in traces.
    #[serde(default)]
    pub secret: bool,
}

/// Where a variable comes from, lowest precedence first (pipeline-yaml section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableOrigin {
    /// `CI_*` and friends.
    Predefined,
    /// Global `variables` and those of `workflow:rules`.
    Global,
    /// The job's `variables`, its matched rule's, its matrix values.
    Job,
    /// dotenv reports of needed jobs.
    Dotenv,
    /// The project's settings: here `--env-file` and `aqueduct.toml`.
    Project,
    /// Given for this pipeline: `--var`, trigger, schedule.
    Pipeline,
}
