//! Images that are there, that are not, and those of registries that want a login.

use aqueduct_testkit::{images, registry};

use crate::{pipelines::project, support::Project};

const LOGIN: (&str, &str) = ("user", "pass");
/// `user:pass` and `user:wrong`, as docker files them.
const AUTH: &str = "dXNlcjpwYXNz";
const WRONG: &str = "dXNlcjp3cm9uZw==";

fn verdict_of(project: &Project) -> String {
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    done.stderr
}

#[test]
fn an_image_that_is_not_there_is_told_apart() {
    let amd64 = images::busybox(aqueduct_core::platform::Arch::Amd64).expect("the image");
    let path = amd64.path().display();
    let table = [
        (
            format!("'oci:{path}:nope'"),
            "image.not-found",
            "the layout holds latest",
        ),
        (
            "'oci:no/where:latest'".to_owned(),
            "image.not-found",
            "there is no OCI layout in ",
        ),
        (
            format!("'oci:{path}:latest', arch: arm64"),
            "image.no-platform",
            "no image for linux/arm64; there is linux/amd64",
        ),
        (
            "{name: '127.0.0.1:1/app:1', pull_policy: never}".to_owned(),
            "image.not-found",
            "`pull_policy: never`",
        ),
        (
            "'Not An Image'".to_owned(),
            "config.invalid",
            "is not an image reference",
        ),
    ];
    for (image, kind, cause) in table {
        let told = verdict_of(&project(&format!(
            "job: {{image: {image}, script: [echo]}}"
        )));
        assert!(
            told.contains(&format!("{kind}: ")) && told.contains(cause),
            "{image}: {told}"
        );
    }
}

#[test]
fn an_image_name_is_made_of_variables() {
    let index = images::busybox_index().expect("the image");
    let text = format!(
        "variables: {{DIR: '{}', TAG: {}}}\njob: {{image: 'oci:$DIR:${{TAG}}', script: [echo ran]}}",
        index.path().display(),
        images::TAG
    );
    let done = project(&text).aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("job | ran"), "{}", done.stdout);
}

/// A registry with a login and an image.
fn private() -> (registry::Registry, String) {
    let registry = registry::Options::default()
        .login(LOGIN.0, LOGIN.1)
        .start()
        .expect("a registry");
    let image = format!("{}/private/app:1", registry.host());
    let index = images::busybox_index().expect("the image");
    let project = project("job: {script: [echo]}");
    project.run(
        "skopeo",
        &[
            "copy",
            "--all",
            "--quiet",
            "--dest-tls-verify=false",
            "--dest-creds",
            &format!("{}:{}", LOGIN.0, LOGIN.1),
            &index.reference(images::TAG),
            &format!("docker://{image}"),
        ],
    );
    (registry, image)
}

fn auths(host: &str, auth: &str) -> String {
    format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}")
}

#[test]
fn logins_come_from_files_variables_and_settings() {
    let (registry, image) = private();
    let text = format!("job: {{image: '{image}', script: [echo ran]}}");
    let run = |prepare: &dyn Fn(&Project, &mut std::process::Command)| {
        // A store of its own each time: an image that is there needs no login.
        let project = project(&text);
        let mut command = project.command(&["run"]);
        command
            .env("DOCKER_CONFIG", project.root())
            .env_remove("DOCKER_AUTH_CONFIG");
        prepare(&project, &mut command);
        let output = command.output().expect("the program starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let host = registry.host();
    let refused = run(&|_, _| {});
    assert_eq!(refused.0, Some(1));
    assert!(refused.1.contains("image.auth: "), "{}", refused.1);
    let wrong = run(&|_, command| {
        command.env("DOCKER_AUTH_CONFIG", auths(host, WRONG));
    });
    assert!(wrong.1.contains("image.auth: "), "{}", wrong.1);
    let garbage = run(&|_, command| {
        command.env("DOCKER_AUTH_CONFIG", "{secret");
    });
    assert!(
        garbage.1.contains("DOCKER_AUTH_CONFIG: ") && !garbage.1.contains("{secret"),
        "{}",
        garbage.1
    );
    for (code, told) in [
        run(&|_, command| {
            command.env("DOCKER_AUTH_CONFIG", auths(host, AUTH));
        }),
        run(&|_, command| {
            let variable = format!("DOCKER_AUTH_CONFIG={}", auths(host, AUTH));
            command.args(["--var", &variable]);
        }),
        run(&|project, _| project.write("config.json", &auths(host, AUTH))),
        run(&|project, command| {
            let settings = format!(
                "[registries.here]\nhost = \"{host}\"\nusername = \"user\"\npassword = {{ env = \"REGISTRY_PASSWORD\" }}\n"
            );
            project.write("aqueduct.toml", &settings);
            command.env("REGISTRY_PASSWORD", LOGIN.1);
        }),
    ] {
        assert_eq!(code, Some(0), "{told}");
    }
}
