//! One image for two architectures, in a registry.

use aqueduct_core::platform::{Arch, Platform};
use aqueduct_testkit::{podman::Podman, project::Project, registry::Registry};

use crate::{aqueduct, base_images};

#[test]
fn podman_runs_the_released_image_on_both_architectures() {
    let registry = Registry::start().unwrap();
    let project = Project::example("hello-multiarch", aqueduct(), None).unwrap();
    project.commit().unwrap();
    let repository = format!("{}/hello", registry.host());
    let image = format!("IMAGE={repository}");
    let events = project
        .run(&["--var", &base_images(), "--var", &image], &[])
        .unwrap();

    for job in ["build", "test", "pack"] {
        for arch in Arch::ALL {
            assert_eq!(
                events.status(&format!("{job}: [{arch}]")).unwrap(),
                "success"
            );
        }
    }
    let emulated = events
        .of_kind("job_started")
        .filter(|event| event["emulated"] == true)
        .count();
    assert_eq!(emulated, 2, "build and test of one architecture");

    let podman = Podman::new().unwrap();
    for arch in Arch::ALL {
        let (platform, latest) = (Platform::linux(arch), format!("{repository}:latest"));
        let printed = podman.run(&platform, &latest, &[]).unwrap();
        let machine = arch.uname();
        assert_eq!(
            printed,
            format!("hello, built for {machine}, running on {machine}\n")
        );
    }
}
