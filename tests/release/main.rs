//! The main job on one machine, killed in the middle and run again.
#![expect(clippy::unwrap_used, reason = "a test's helpers stop it")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
};

use aqueduct_core::platform::{Arch, Platform};
use aqueduct_testkit::{
    images,
    podman::Podman,
    project::{Events, Project},
    regions::pip_install,
    registry::Registry,
};

const DESTINATIONS: &str = "\
[destinations.east]\ntype = \"directory\"\npath = \"east\"\n\n\
[destinations.west]\ntype = \"directory\"\npath = \"west\"\n";

/// Runs the pipeline and kills it without warning once `after` jobs have ended.
fn run_and_kill(project: &Project, arguments: &[&str], after: usize) -> usize {
    let mut command = project.command(&[&["run", "--json"], arguments].concat());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ended = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        ended += Events::read(&line.unwrap()).of_kind("job_finished").count();
        if ended == after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    ended
}

#[test]
fn a_killed_release_is_completed_by_the_next_run() {
    let registry = Registry::start().unwrap();
    let project = Project::new(Path::new(env!("CARGO_BIN_EXE_aqueduct")), None).unwrap();
    project
        .write(".aqueduct.yml", include_str!("pipeline.yml"))
        .unwrap();
    project
        .write("make_wheel.py", include_str!("make_wheel.py"))
        .unwrap();
    project.write("aqueduct.toml", DESTINATIONS).unwrap();
    project.write(".gitignore", "east/\nwest/\n").unwrap();
    project.commit().unwrap();

    let repository = format!("{}/machine", registry.host());
    let image = format!("IMAGE={repository}:1");
    let busybox = images::busybox_index().unwrap().reference(images::TAG);
    let busybox = format!("BUSYBOX={busybox}");
    let arguments = ["--var", &image, "--var", &busybox];

    // In the middle of building, and with everything built but not all of it released.
    for after in [1, 5] {
        assert!(run_and_kill(&project, &arguments, after) >= after);
    }
    let events = project.run(&arguments, &[]).unwrap();
    for job in ["index", "publish"] {
        assert_eq!(events.status(job).unwrap(), "success");
    }

    let podman = Podman::new().unwrap();
    for arch in Arch::ALL {
        let (platform, image) = (Platform::linux(arch), format!("{repository}:1"));
        let printed = podman
            .run(&platform, &image, &["/bin/busybox", "cat", "/machine"])
            .unwrap();
        assert_eq!(printed.trim(), arch.uname());
    }
    for place in ["east", "west"] {
        let simple = format!("file://{}", project.path().join(place).display());
        let printed = pip_install(
            &["--index-url", &simple],
            "weir",
            "import weir; print(weir.HEIGHT)",
        );
        assert_eq!(printed.unwrap(), "3", "{place}");
    }
}
