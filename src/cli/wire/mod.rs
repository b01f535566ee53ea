//! The only place that names concrete adapters and hands them to the engine and the runner as ports.

mod clock;
mod local;
mod preflight;
#[cfg(test)]
mod preflight_tests;
mod random;
mod release;
mod release_worker;
mod remote_runner;
mod serve;

pub(crate) use local::{
    INTERRUPTED, LocalRun, Options, arch_problem, container_problem, container_starter,
    enter_private_mounts,
};
pub(crate) use release::{
    StderrLog, anchored, block_on, image_registries, read_env, registry_client, release_backend,
    release_env,
};
pub(crate) use remote_runner::{RemoteOptions, RemoteRunner, info as runner_info};
pub(crate) use serve::{ServeOptions, serve};
