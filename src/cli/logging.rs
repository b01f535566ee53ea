//! What the program says of itself on standard error, apart from what a command has to say.

use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    args::{Cli, Command, LogFormat, RunnerCommand},
    render,
};

/// What the TLS library has to say of a certificate is told by the error that follows.
const QUIET: &str = "rustls_platform_verifier=off";

/// Starts the log: warnings by default, of a service also what became of jobs; more with `-v`, all with `RUST_LOG`.
pub(crate) fn start(cli: &Cli) {
    let service = is_service(&cli.command);
    let level = match (cli.verbose, service) {
        (0, false) => format!("warn,{QUIET}"),
        (0, true) => format!("warn,aqueduct=info,{QUIET}"),
        (1, false) => "info".to_owned(),
        (1, true) => "info,aqueduct=debug".to_owned(),
        (2, _) => "debug".to_owned(),
        _ => "trace".to_owned(),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(render::stderr_color());
    match (cli.log_format, service) {
        (LogFormat::Json, _) => log.json().flatten_event(true).with_span_list(false).init(),
        (LogFormat::Text, true) => log.with_target(false).init(),
        (LogFormat::Text, false) => log.without_time().init(),
    }
}

/// Whether somebody reads the log later, or not at all: its lines need a time.
fn is_service(command: &Command) -> bool {
    match command {
        Command::Serve(_) => true,
        Command::Runner(runner) => matches!(runner.command, RunnerCommand::Run(_)),
        _ => false,
    }
}
