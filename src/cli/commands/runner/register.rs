//! `aqueduct runner register`, `verify` and `unregister`.

use aqueduct_core::api::runner::lifecycle::Register;

use super::{Server, identity::Remembered, refused, runtime};
use crate::{
    args::{RunnerRegisterArgs, RunnerServerArgs},
    error::CliError,
    exit::Exit,
    output,
    wire::runner_info,
};

/// Tokens that name a runner which the server has already.
const OF_SERVER: &str = "glrt-";

/// Gets or checks the runner's token, and remembers it.
pub(super) fn register(args: &RunnerRegisterArgs) -> Result<Exit, CliError> {
    let server = Server::of(&args.server)?;
    let registration = server.registration()?;
    let info = runner_info("host", false);
    let given = server.token.expose().starts_with(OF_SERVER);
    if given {
        refuse_settings(args)?;
    }
    let settings = Register {
        info: info.clone(),
        description: args.description.clone().unwrap_or_default(),
        tag_list: args.tag_list.clone().unwrap_or_default().into(),
        run_untagged: args.run_untagged,
        ..Register::default()
    };
    let runtime = runtime()?;
    let registered = runtime.block_on(async {
        if given {
            registration.verify(info).await
        } else {
            registration.register(settings).await
        }
    });
    let registered = registered.map_err(|error| refused(&error))?;
    let token = if given {
        server.token.clone()
    } else {
        registered.token
    };
    if token.is_empty() {
        return Err(CliError::infrastructure(
            "the server answered without a token",
        ));
    }
    server.state.remember(&Remembered {
        url: server.url.clone(),
        token,
    })?;
    let number = registered
        .id
        .map_or_else(String::new, |id| format!(" {id}"));
    output::note(&format!(
        "runner{number} is registered at {}; `aqueduct runner run` starts it",
        server.url
    ));
    Ok(Exit::Success)
}

/// What the server knows already can't be said again.
fn refuse_settings(args: &RunnerRegisterArgs) -> Result<(), CliError> {
    let given = [
        ("--description", args.description.is_some()),
        ("--tag-list", args.tag_list.is_some()),
        ("--run-untagged", args.run_untagged.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(CliError::invalid(format!(
            "{option} can't be given with a token of the kind {OF_SERVER}"
        ))
        .with_help("change it on the server, where this runner was made")),
        None => Ok(()),
    }
}

/// Asks whether the token is valid.
pub(super) fn verify(args: &RunnerServerArgs) -> Result<Exit, CliError> {
    let server = Server::of(args)?;
    let registration = server.registration()?;
    let verified = runtime()?.block_on(registration.verify(runner_info("host", false)));
    verified.map_err(|error| refused(&error))?;
    output::note(&format!("{} knows this runner", server.url));
    Ok(Exit::Success)
}

/// Ends the registration, and forgets it.
pub(super) fn unregister(args: &RunnerServerArgs) -> Result<Exit, CliError> {
    let server = Server::of(args)?;
    let registration = server.registration()?;
    let ended = runtime()?.block_on(registration.unregister());
    match ended {
        Ok(()) => {}
        // It is gone already: what is left is to forget it here.
        Err(error) if matches!(error.status(), Some(403 | 404)) => {
            output::note(&format!("{} did not know this runner any more", server.url));
        }
        Err(error) => return Err(refused(&error)),
    }
    let known = server.state.remembered()?;
    if known.is_some_and(|known| known.url == server.url) {
        server.state.forget()?;
    }
    output::note(&format!(
        "the runner is no longer registered at {}",
        server.url
    ));
    Ok(Exit::Success)
}
