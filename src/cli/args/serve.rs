//! Options of `serve`.

use std::{net::SocketAddr, path::PathBuf};

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on
    #[arg(
        long,
        env = "AQUEDUCT_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT"
    )]
    pub(crate) listen: SocketAddr,

    /// Directory of the database, the objects and the mirrors; one coordinator has it at a time
    /// [default: $XDG_STATE_HOME/aqueduct/coordinator]
    #[arg(long, env = "AQUEDUCT_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Where runners and people reach this coordinator [default: http://ADDRESS:PORT]
    #[arg(long, env = "AQUEDUCT_URL", value_name = "URL")]
    pub(crate) url: Option<String>,

    /// `postgres://…` instead of a SQLite file in the data directory
    #[arg(
        long,
        env = "AQUEDUCT_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database: Option<String>,

    /// Operator's aqueduct.toml: destinations and registries of releases, and which project may use which
    #[arg(long, env = "AQUEDUCT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Make another token for administrators and print it
    #[arg(long)]
    pub(crate) new_admin_token: bool,
}
