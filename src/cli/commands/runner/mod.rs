//! `aqueduct runner`.

mod identity;
mod register;
mod run;

use std::path::PathBuf;

use aqueduct_client::{Api, ApiOptions, ClientError, Registration};
use aqueduct_core::api::runner::Secret;

use crate::{
    args::{RunnerArgs, RunnerCommand, RunnerServerArgs},
    dirs,
    error::CliError,
    exit::Exit,
};

use self::identity::{Remembered, StateDir};

/// What goes wrong with a server's answer, with the way out.
const CHECK_TOKEN: &str = "check --url and the token; `aqueduct runner verify` asks the server";

/// Does what it says.
pub(crate) fn runner(args: &RunnerArgs) -> Result<Exit, CliError> {
    match &args.command {
        RunnerCommand::Run(args) => run::run(args),
        RunnerCommand::Register(args) => register::register(args),
        RunnerCommand::Verify(args) => register::verify(args),
        RunnerCommand::Unregister(args) => register::unregister(args),
    }
}

/// A server, a token, and who we are to it.
struct Server {
    state: StateDir,
    url: String,
    token: Secret,
    api: Api,
}

impl Server {
    /// From options and environment, else from what `register` remembered.
    fn of(args: &RunnerServerArgs) -> Result<Self, CliError> {
        let state = StateDir::open(&state_dir(args))?;
        let remembered = state.remembered()?;
        let url = args
            .url
            .clone()
            .or_else(|| Some(remembered.as_ref()?.url.clone()));
        let url = url.ok_or_else(|| {
            CliError::invalid("no server is named")
                .with_help("give --url, or register once with `aqueduct runner register`")
        })?;
        let token = match given_token(args)? {
            Some(token) => token,
            None => remembered_token(remembered.as_ref(), &url)?,
        };
        let api = Api::new(&ApiOptions {
            ca_file: args.tls_ca_file.clone(),
            ..ApiOptions::new(url.clone())
        })
        .map_err(CliError::invalid)?;
        Ok(Self {
            state,
            url,
            token,
            api,
        })
    }

    fn registration(&self) -> Result<Registration, CliError> {
        Ok(Registration {
            api: self.api.clone(),
            token: self.token.clone(),
            system_id: self.state.system_id()?,
        })
    }
}

fn state_dir(args: &RunnerServerArgs) -> PathBuf {
    let usual = || dirs::state().join("runner");
    args.state_dir.clone().unwrap_or_else(usual)
}

fn given_token(args: &RunnerServerArgs) -> Result<Option<Secret>, CliError> {
    if let Some(token) = &args.token {
        return Ok(Some(token.trim().into()));
    }
    let Some(path) = &args.token_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|error| CliError::io("read", path, &error))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(CliError::invalid(format!(
            "{} holds no token",
            path.display()
        )));
    }
    Ok(Some(token.into()))
}

/// A token is for the server that gave it, and for no other.
fn remembered_token(remembered: Option<&Remembered>, url: &str) -> Result<Secret, CliError> {
    let same = |one: &&Remembered| one.url.trim_end_matches('/') == url.trim_end_matches('/');
    let known = remembered.filter(same).map(|one| one.token.clone());
    known.ok_or_else(|| {
        CliError::invalid(format!("no token for {url} is known"))
            .with_help("give --token-file, or register once with `aqueduct runner register`")
    })
}

/// A server's no as a person's error.
fn refused(error: &ClientError) -> CliError {
    match error {
        ClientError::Invalid(_) => CliError::invalid(error),
        ClientError::Refused { status, .. } if (400..500).contains(status) => {
            CliError::failed(error).with_help(CHECK_TOKEN)
        }
        _ => CliError::infrastructure(error).with_help("check that the server runs, and --url"),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::infrastructure(format!("can't start: {error}")))
}
