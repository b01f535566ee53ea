//! `run`, `lint`, `plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ContextArgs;

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Jobs to run, with all they need; otherwise the whole pipeline. `build` means all instances of `build`
    #[arg(value_name = "JOB")]
    pub(crate) jobs: Vec<String>,

    /// Play this manual job; may be repeated
    #[arg(long, value_name = "JOB")]
    pub(crate) manual: Vec<String>,

    /// How many jobs may run at once; otherwise the number of processors
    #[arg(short = 'j', long = "jobs", value_name = "N", env = "AQUEDUCT_JOBS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrency: Option<u32>,

    /// What to run jobs with
    #[arg(long, value_enum, value_name = "EXECUTOR", env = "AQUEDUCT_EXECUTOR")]
    pub(crate) executor: Option<ExecutorChoice>,

    /// Print events on standard output, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,

    /// Copy the artifacts and reports of all jobs into this directory: a folder per job, whatever `artifacts:name` says
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,

    /// The pipeline's context.
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}

/// `--executor`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExecutorChoice {
    /// Containers for jobs with an image, the machine itself for the others
    #[default]
    Auto,
    /// The machine itself, also for jobs with an image
    Host,
    /// Containers only
    Oci,
}

/// Options of `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Pipeline files; otherwise .aqueduct.yml, then .gitlab-ci.yml. `-` reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Set an input of each file (`spec:inputs`); may be repeated
    #[arg(long = "input", value_name = "KEY=VALUE", value_parser = super::key_value)]
    pub(crate) inputs: Vec<(String, String)>,

    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// The pipeline's context.
    #[command(flatten)]
    pub(crate) context: ContextArgs,
}
