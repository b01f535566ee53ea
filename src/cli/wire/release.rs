//! The release backend and the registry client, with the logins of the settings and of the environment.

use std::{collections::BTreeMap, future::Future, path::Path, sync::Arc};

use aqueduct_core::lang::context::ContextVariable;
use aqueduct_ports::release::{ReleaseBackend, ReleaseLog};
use aqueduct_publish::{Release, Settings as ReleaseSettings};
use aqueduct_registry::{Client, ClientOptions};

use super::preflight::Env;
use crate::{error::CliError, output, render, settings::Settings};

/// A variable of the environment.
pub(crate) fn read_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What reads the secrets of the settings: in the variables that the pipeline was given, then in the environment.
pub(crate) fn release_env(variables: &[ContextVariable]) -> Env {
    Arc::new(given_or_env(variables))
}

/// What does `index` and `publish` jobs, with the logins of the settings, of the environment, and of the variables that
/// the pipeline was given; relative paths in the settings are relative to their file.
pub(crate) fn release_backend(
    settings: &Settings,
    project: &Path,
    variables: &[ContextVariable],
) -> Arc<dyn ReleaseBackend> {
    Arc::new(Release::new(
        anchored(settings, project),
        given_or_env(variables),
    ))
}

/// How images of jobs are pulled: with the logins of the settings, of the environment, and of the variables that the
/// pipeline was given.
pub(crate) fn image_registries(
    settings: &Settings,
    project: &Path,
    variables: &[ContextVariable],
) -> ClientOptions {
    let env = given_or_env(variables);
    aqueduct_publish::registry_options(&anchored(settings, project), env, [])
}

/// Reads a variable that the pipeline was given, else one of the environment.
fn given_or_env(
    variables: &[ContextVariable],
) -> impl Fn(&str) -> Option<String> + Send + Sync + 'static {
    let given: BTreeMap<String, String> = variables
        .iter()
        .map(|variable| (variable.key.clone(), variable.value.clone()))
        .collect();
    move |name: &str| given.get(name).cloned().or_else(|| read_env(name))
}

/// The destinations; relative paths in the settings are relative to their file.
pub(crate) fn anchored(settings: &Settings, project: &Path) -> ReleaseSettings {
    let mut release = settings.release.clone();
    if release.base_dir.as_os_str().is_empty() {
        release.base_dir = project.to_path_buf();
    }
    release
}

/// A client for registries and layouts.
pub(crate) fn registry_client(
    settings: &Settings,
    plain_http: &[String],
) -> Result<Client, CliError> {
    aqueduct_publish::registry_client(&settings.release, read_env, plain_http.iter().cloned())
        .map_err(CliError::infrastructure)
}

/// Runs one piece of work to its end; Ctrl-C stops the program, and what it did not finish is safe to run again.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::infrastructure(format!("can't start: {error}")))?;
    Ok(runtime.block_on(work))
}

/// Progress on standard error.
pub(crate) struct StderrLog;

impl ReleaseLog for StderrLog {
    fn line(&self, text: &str) {
        output::note(&render::harmless(text));
    }
}
