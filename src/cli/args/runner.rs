//! `runner`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ExecutorChoice;

/// Options of `runner`.
#[derive(Debug, Args)]
pub(crate) struct RunnerArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: RunnerCommand,
}

/// What to do with a runner.
#[derive(Debug, Subcommand)]
pub(crate) enum RunnerCommand {
    /// Take jobs from a server and work them off on this machine
    ///
    /// SIGTERM and Ctrl-C stop the running jobs with grace and hand them back; SIGQUIT takes no more jobs and lets the
    /// running ones end.
    Run(RunnerRunArgs),
    /// Exchange a registration token for a runner's own, or check a runner's own, and remember it
    Register(RunnerRegisterArgs),
    /// Ask the server whether the runner's token is valid
    Verify(RunnerServerArgs),
    /// End the registration of this machine, and forget it
    Unregister(RunnerServerArgs),
}

/// Which server, and as whom.
#[derive(Debug, Args)]
pub(crate) struct RunnerServerArgs {
    /// The server's address; otherwise the one of `runner register`
    #[arg(long, value_name = "URL", env = "AQUEDUCT_RUNNER_URL")]
    pub(crate) url: Option<String>,

    /// The token; otherwise the one of `runner register`. Others can see it in the list of processes: prefer --token-file
    #[arg(
        long,
        value_name = "TOKEN",
        env = "AQUEDUCT_RUNNER_TOKEN",
        hide_env_values = true,
        conflicts_with = "token_file"
    )]
    pub(crate) token: Option<String>,

    /// A file that holds the token
    #[arg(long, value_name = "FILE", env = "AQUEDUCT_RUNNER_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Certificates to trust besides the system's, PEM
    #[arg(long, value_name = "FILE", env = "AQUEDUCT_RUNNER_TLS_CA_FILE")]
    pub(crate) tls_ca_file: Option<PathBuf>,

    /// Where the runner remembers who it is; one runner a directory
    #[arg(long, value_name = "DIR", env = "AQUEDUCT_RUNNER_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// Options of `runner run`.
#[derive(Debug, Args)]
pub(crate) struct RunnerRunArgs {
    /// Which server, and as whom.
    #[command(flatten)]
    pub(crate) server: RunnerServerArgs,

    /// What to run jobs with
    #[arg(
        long,
        value_enum,
        value_name = "EXECUTOR",
        env = "AQUEDUCT_RUNNER_EXECUTOR"
    )]
    pub(crate) executor: Option<ExecutorChoice>,

    /// How many jobs may run at once
    #[arg(long, value_name = "N", env = "AQUEDUCT_RUNNER_CONCURRENT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) concurrent: u32,

    /// The runner's name; otherwise the machine's
    #[arg(long, value_name = "NAME", env = "AQUEDUCT_RUNNER_NAME")]
    pub(crate) name: Option<String>,

    /// Take only jobs that ask for no other tags than these, separated by commas; otherwise the server's record decides
    #[arg(
        long,
        value_name = "TAGS",
        env = "AQUEDUCT_RUNNER_TAG_LIST",
        value_delimiter = ','
    )]
    pub(crate) tag_list: Vec<String>,

    /// Where working copies are made; otherwise below the state directory
    #[arg(long, value_name = "DIR", env = "AQUEDUCT_RUNNER_BUILDS_DIR")]
    pub(crate) builds_dir: Option<PathBuf>,

    /// Where fetched objects, images and caches of jobs are kept; otherwise the user's cache directory
    #[arg(long, value_name = "DIR", env = "AQUEDUCT_RUNNER_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// Options of `runner register`.
#[derive(Debug, Args)]
pub(crate) struct RunnerRegisterArgs {
    /// Which server, and as whom.
    #[command(flatten)]
    pub(crate) server: RunnerServerArgs,

    /// Words about the runner; only with a registration token
    #[arg(long, value_name = "TEXT", env = "AQUEDUCT_RUNNER_DESCRIPTION")]
    pub(crate) description: Option<String>,

    /// Tags, separated by commas; only with a registration token
    #[arg(long, value_name = "TAGS", env = "AQUEDUCT_RUNNER_TAG_LIST")]
    pub(crate) tag_list: Option<String>,

    /// Whether it takes jobs without tags; only with a registration token
    #[arg(long, value_name = "BOOL", env = "AQUEDUCT_RUNNER_RUN_UNTAGGED")]
    pub(crate) run_untagged: Option<bool>,
}
