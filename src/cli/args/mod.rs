//! The command line as clap reads it. Options are raw here; [`crate::settings`] decides them.

mod context;
mod pipeline;
mod project;
mod release;
mod remote;
mod run;
mod runner;
mod serve;

pub(crate) use context::{ContextArgs, Source};
pub(crate) use pipeline::{
    CancelArgs, JobCommand, JobLogArgs, NumberArgs, NumberShowArgs, PipelineCommand,
    PipelineListArgs,
};
pub(crate) use project::{
    BranchCommand, EnvCommand, ProjectAddArgs, ProjectArgs, ProjectCommand, ProjectShowArgs,
    RegistrationTokenCommand, RegistrationTokenCreateArgs, RunnerTokenCommand,
    RunnerTokenCreateArgs, RunnerTokenRemoveArgs,
};
pub(crate) use release::{
    ImageArgs, ImageCommand, IndexArgs, IndexCommand, IndexCreateArgs, IndexInspectArgs, PackArgs,
    PublishArgs,
};
pub(crate) use remote::{ContextAddArgs, ContextCommand, CoordinatorArgs, Group, Output, ShowArgs};
pub(crate) use run::{ExecutorChoice, LintArgs, PlanArgs, RunArgs};
pub(crate) use runner::{
    RunnerArgs, RunnerCommand, RunnerRegisterArgs, RunnerRunArgs, RunnerServerArgs,
};
pub(crate) use serve::ServeArgs;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Multi-architecture CI runner and package publisher.
#[derive(Debug, Parser)]
#[command(
    name = "aqueduct",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Work as if started in this directory.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, env = "AQUEDUCT_COLOR", value_name = "WHEN")]
    pub(crate) color: ColorChoice,

    /// Tell more on standard error; repeat for still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How the program's own log lines look on standard error: for people, or an object a line.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "AQUEDUCT_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// JSON, an object a line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the pipeline on this machine
    Run(RunArgs),
    /// Check pipeline files and say everything that is wrong with them
    Lint(LintArgs),
    /// Show what the pipeline would do, without doing it
    Plan(PlanArgs),
    /// Check this machine and say what to do about what is missing
    Doctor(DoctorArgs),
    /// Assemble and inspect multi-platform OCI image indexes
    Index(IndexArgs),
    /// Make small images from files
    Image(ImageArgs),
    /// Publish Python distributions to several repositories
    Publish(PublishArgs),
    /// Start the coordinator: it hears of pushes, keeps pipelines, hands out jobs
    Serve(ServeArgs),
    /// Work off jobs of a server on this machine
    Runner(RunnerArgs),
    /// Remember coordinators, and say which one the commands below speak to
    Context(Group<ContextCommand>),
    /// Projects whose repositories a coordinator watches
    Project(Group<ProjectCommand>),
    /// Pipelines of a coordinator
    Pipeline(Group<PipelineCommand>),
    /// Jobs of a coordinator, and their logs
    Job(Group<JobCommand>),
    /// Branches and tags that a coordinator knows
    Branch(Group<BranchCommand>),
    /// Environments that pipelines deployed to
    Env(Group<EnvCommand>),
    /// Runners of a coordinator, and their tokens
    RunnerToken(Group<RunnerTokenCommand>),
    /// Tokens with which runners register themselves
    RegistrationToken(Group<RegistrationTokenCommand>),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Splits `KEY=VALUE`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".into()),
    }
}
