//! The same wheels in three repositories.

use aqueduct_testkit::{
    project::Project,
    regions::{PASSWORD, PASSWORD_VARIABLE, Regions, pip_install},
};

use crate::{aqueduct, base_images};

#[test]
fn three_regions_serve_the_same_bytes_and_a_second_run_changes_nothing() {
    let regions = Regions::start(None).unwrap();
    let project = Project::example("python-wheels", aqueduct(), None).unwrap();
    regions.configure(&project).unwrap();
    project.commit().unwrap();
    let base_images = base_images();
    let run = || {
        let password = [(PASSWORD_VARIABLE, PASSWORD)];
        project.run(&["--var", &base_images], &password).unwrap()
    };
    run();

    let contents = regions.contents().unwrap();
    let first = &contents["us-east-1"];
    let names: Vec<_> = first.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for end in ["linux_aarch64.whl", "linux_x86_64.whl", "1.0.0.tar.gz"] {
        assert!(names.iter().any(|name| name.ends_with(end)), "{names:?}");
    }
    for (region, files) in &contents {
        assert_eq!(files, first, "{region} differs");
    }

    let program = "import confluence; print(confluence.merge([1, 9], [4]))";
    for (region, server) in regions.servers() {
        let index = ["--index-url", &server.index_url()];
        let printed = pip_install(&index, "confluence==1.0.0", program).unwrap();
        assert_eq!(printed, "[1, 4, 9]", "{region}");
    }

    // Built again from the same commit: the same bytes, so nothing is left to publish.
    run();
    assert_eq!(regions.contents().unwrap(), contents);
}
