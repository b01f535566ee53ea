//! `aqueduct serve`.

use crate::{
    args::ServeArgs,
    dirs,
    error::CliError,
    exit::Exit,
    settings,
    wire::{ServeOptions, serve},
};

/// Serves until somebody says stop.
pub(crate) fn run(args: &ServeArgs) -> Result<Exit, CliError> {
    let url = args
        .url
        .clone()
        .unwrap_or_else(|| format!("http://{}", args.listen));
    check_url(&url)?;
    let options = ServeOptions {
        listen: args.listen,
        data: args
            .data
            .clone()
            .unwrap_or_else(|| dirs::state().join("coordinator")),
        url: url.trim_end_matches('/').to_owned(),
        database: args.database.clone(),
        new_admin_token: args.new_admin_token,
        settings: settings::operator(args.config.as_deref())?,
    };
    serve(&options)?;
    Ok(Exit::Success)
}

/// It becomes a part of clone URLs and of what jobs see.
fn check_url(url: &str) -> Result<(), CliError> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(host) if !host.is_empty() && !host.contains(['@', '?', '#', ' ']) => Ok(()),
        _ => Err(
            CliError::invalid(format!("--url {url} is not the address of a coordinator"))
                .with_help("write http://HOST:PORT or https://HOST, without user and query"),
        ),
    }
}
