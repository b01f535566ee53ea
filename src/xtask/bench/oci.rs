//! Starting a container job whose image is present.
//!
//! What one more job costs a pipeline is compared with `podman run` of the same image: both on the
//! host's network, with the default capabilities and seccomp profile.

use std::path::Path;

use aqueduct_core::platform::Arch;
use aqueduct_testkit::{command::run as call, images, podman::Podman, registry::Registry};

use super::{
    compare,
    measure::{in_turn, seconds},
    pipelines::{containers, project},
};
use crate::{error::Result, stage::Count};

const JOBS: usize = 21;
const ROUNDS: usize = 7;
const BUDGET: f64 = 5.0;

/// Runs the benchmark.
pub(crate) fn run(aqueduct: &Path) -> Result<Count> {
    let native = Arch::parse(std::env::consts::ARCH).unwrap_or(Arch::Amd64);
    let layout = images::busybox(native)?;
    let podman = Podman::new()?;
    let image = podman_image(&podman, &layout.reference(images::TAG))?;

    let many = project(aqueduct, &containers(JOBS))?;
    let one = project(aqueduct, &containers(1))?;
    let variable = format!("IMAGE={}", layout.reference(images::TAG));
    let arguments = ["run", "--var", &variable];
    let (ours, peer) = in_turn(
        ROUNDS,
        || {
            let many = seconds(&mut many.command(&arguments))?;
            let one = seconds(&mut one.command(&arguments))?;
            Ok((many - one) / (JOBS - 1) as f64)
        },
        || {
            let mut command = podman.command();
            command.args(["run", "--rm", "--network=host"]);
            command.args(["--ulimit=nofile=4096:4096", "--ulimit=nproc=30000:30000"]);
            seconds(command.arg(&image).arg("true"))
        },
    )?;
    Ok(compare(
        "one more container job",
        ours,
        ("podman run", peer),
        BUDGET,
    ))
}

/// Brings the image into podman's storage by way of a registry: podman reads no layout whose path
/// has a component that begins with a dot.
fn podman_image(podman: &Podman, reference: &str) -> Result<String> {
    let registry = Registry::start()?;
    let image = format!("{}/busybox:bench", registry.host());
    let mut copy = std::process::Command::new("skopeo");
    copy.args(["copy", "--quiet", "--dest-tls-verify=false", reference]);
    call(copy.arg(format!("docker://{image}")), "skopeo")?;
    let mut pull = podman.command();
    pull.args(["pull", "--quiet", "--tls-verify=false", &image]);
    call(&mut pull, "podman")?;
    Ok(image)
}
