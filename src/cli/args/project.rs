//! `project`, `branch`, `env`, and the tokens of runners.

use clap::{Args, Subcommand};

use super::remote::{CoordinatorArgs, ShowArgs};

/// `project`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Show all projects
    List(ShowArgs),
    /// Have a repository watched
    Add(ProjectAddArgs),
    /// Show a project, and how the watch of its repository goes
    Show(ProjectShowArgs),
    /// Forget a project; its repository stays as it is
    Remove(ProjectArgs),
    /// Look at the repository now instead of after its interval
    Look(ProjectArgs),
}

/// Options of `project add`.
#[derive(Debug, Args)]
pub(crate) struct ProjectAddArgs {
    /// `GROUP/NAME`
    pub(crate) path: String,

    /// The repository's address, as the coordinator reaches it
    #[arg(long, value_name = "URL")]
    pub(crate) git_url: String,

    /// Its default branch; otherwise what the repository says
    #[arg(long, value_name = "BRANCH")]
    pub(crate) default_branch: Option<String>,

    /// Seconds between two looks at the repository
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) interval: u32,

    /// Say where that forge's webhook goes, and its secret: github, gitlab, gitea or forgejo
    #[arg(long, value_name = "FORGE", value_parser = ["github", "gitlab", "gitea", "forgejo"])]
    pub(crate) forge: Option<String>,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Names a project.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// Path or number
    pub(crate) project: String,

    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,
}

/// Names a project of which something is shown.
#[derive(Debug, Args)]
pub(crate) struct ProjectShowArgs {
    /// Path or number
    pub(crate) project: String,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// `branch`.
#[derive(Debug, Subcommand)]
pub(crate) enum BranchCommand {
    /// Show branches and tags as they were last seen
    List(ProjectShowArgs),
}

/// `env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// Show what pipelines deployed to
    List(ProjectShowArgs),
}

/// `runner-token`.
#[derive(Debug, Subcommand)]
pub(crate) enum RunnerTokenCommand {
    /// Make a runner and print its token, which is told only now
    Create(RunnerTokenCreateArgs),
    /// Show all runners
    List(ShowArgs),
    /// Remove a runner: its token opens nothing any more
    Remove(RunnerTokenRemoveArgs),
}

/// Options of `runner-token create`.
#[derive(Debug, Args)]
pub(crate) struct RunnerTokenCreateArgs {
    /// Words about the runner
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,

    /// Tags, separated by commas
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tag_list: Vec<String>,

    /// Whether it takes jobs without tags; otherwise it does if it has none
    #[arg(long, value_name = "BOOL")]
    pub(crate) run_untagged: Option<bool>,

    /// Only for this project, path or number
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Options of `runner-token remove`.
#[derive(Debug, Args)]
pub(crate) struct RunnerTokenRemoveArgs {
    /// The runner's number
    pub(crate) runner: u64,

    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,
}

/// `registration-token`.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationTokenCommand {
    /// Make a token with which runners register themselves, and print it; it is told only now
    Create(RegistrationTokenCreateArgs),
}

/// Options of `registration-token create`.
#[derive(Debug, Args)]
pub(crate) struct RegistrationTokenCreateArgs {
    /// Words about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,

    /// Only for this project, path or number
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// Which coordinator, and how to print.
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}
