//! What the commands against a coordinator have in common, and `context`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Which coordinator, and as whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CoordinatorArgs {
    /// The coordinator's address; otherwise `AQUEDUCT_URL`, else the context in use
    #[arg(long, value_name = "URL", conflicts_with = "context")]
    pub(crate) url: Option<String>,

    /// A file that holds the access token; otherwise `AQUEDUCT_TOKEN` or `AQUEDUCT_TOKEN_FILE`, else the context's
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Certificates to trust besides the system's, PEM; otherwise the context's
    #[arg(long, value_name = "FILE", env = "AQUEDUCT_TLS_CA_FILE")]
    pub(crate) tls_ca_file: Option<PathBuf>,

    /// A context of `aqueduct context add`
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// As [`CoordinatorArgs`], for commands that print something.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// Which coordinator, and as whom.
    #[command(flatten)]
    pub(crate) coordinator: CoordinatorArgs,

    /// How to print
    #[arg(short, long, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    pub(crate) output: Output,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Columns for people
    Table,
    /// The coordinator's answer, one JSON value
    Json,
}

/// A group of commands.
#[derive(Debug, Args)]
pub(crate) struct Group<C: Subcommand> {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: C,
}

/// `context`.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Remember a coordinator under a name, and use it if none is in use
    Add(ContextAddArgs),
    /// Use this one where nothing else is said
    Use(ContextName),
    /// Show all, and which one is in use
    List(ContextListArgs),
    /// Forget one
    Remove(ContextName),
}

/// Options of `context add`.
#[derive(Debug, Args)]
pub(crate) struct ContextAddArgs {
    /// Its name
    pub(crate) name: String,

    /// The coordinator's address
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,

    /// A file that holds the access token, or `-` for standard input; it is copied
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,

    /// Certificates to trust besides the system's, PEM; the path is remembered
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca_file: Option<PathBuf>,
}

/// Names a context.
#[derive(Debug, Args)]
pub(crate) struct ContextName {
    /// Its name
    pub(crate) name: String,
}

/// Options of `context list`.
#[derive(Debug, Args)]
pub(crate) struct ContextListArgs {
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    pub(crate) output: Output,
}
