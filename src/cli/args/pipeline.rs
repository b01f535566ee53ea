//! `pipeline` and `job`.

use aqueduct_core::run::Status;
use clap::{Args, Subcommand};

use super::remote::{CoordinatorArgs, ShowArgs};

/// `pipeline`.
#[derive(Debug, Subcommand)]
pub(crate) enum PipelineCommand {
    /// Show pipelines, the newest first
    List(PipelineListArgs),
    /// Show a pipeline and its jobs, and why those that wait do
    Show(NumberShowArgs),
    /// Say what happens until the pipeline has ended; 0 if it went well, 1 if not
    Watch(NumberArgs),
    /// Stop what runs, and start no more
    Cancel(CancelArgs),
    /// Run the jobs that failed or were stopped once more
    Retry(NumberArgs),
}

/// `job`.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Show a job, and why it waits or failed
    Show(NumberShowArgs),
    /// Print a job's log as it is
    Log(JobLogArgs),
    /// Stop a job
    Cancel(CancelArgs),
    /// Run a job that has ended once more
    Retry(NumberArgs),
    /// Start a manual job
    Play(NumberArgs),
}

/// Options of `pipeline list`.
#[derive(Debug, Args)]
pub(crate) struct PipelineListArgs {
    /// Only of this project, path or number
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// Only of this branch, or of this ref if it is written in full (`refs/tags/v1`)
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) git_ref: Option<String>,

    /// Only in this state
    #[arg(long, value_name = "STATUS", value_parser = status)]
    pub(crate) status: Option<Status>,

    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,

    /// Only those with smaller numbers
    #[arg(long, value_name = "PIPELINE")]
    pub(crate) before: Option<u64>,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Names a pipeline or job.
#[derive(Debug, Args)]
pub(crate) struct NumberArgs {
    /// Its number
    pub(crate) id: u64,

    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,
}

/// Names a pipeline or job that is shown.
#[derive(Debug, Args)]
pub(crate) struct NumberShowArgs {
    /// Its number
    pub(crate) id: u64,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Names a pipeline or job that is to stop.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// Its number
    pub(crate) id: u64,

    /// Don't wait for the runner to agree
    #[arg(long)]
    pub(crate) force: bool,

    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,
}

/// Options of `job log`.
#[derive(Debug, Args)]
pub(crate) struct JobLogArgs {
    /// The job's number
    pub(crate) id: u64,

    /// Go on until the job has ended
    #[arg(short, long)]
    pub(crate) follow: bool,

    /// The log of an earlier attempt
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    pub(crate) attempt: Option<u32>,

    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,
}

fn status(text: &str) -> Result<Status, String> {
    let known = || Status::ALL.into_iter();
    known().find(|one| one.name() == text).ok_or_else(|| {
        let names: Vec<_> = known().map(Status::name).collect();
        format!("known are {}", names.join(", "))
    })
}
