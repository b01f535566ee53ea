//! What jobs in containers and on the machine hand to each other.

use aqueduct_testkit::images;

use crate::support::Project;

/// A project whose file has `IMAGE` for an index of a small image.
pub(super) fn project(text: &str) -> Project {
    let index = images::busybox_index().expect("the image");
    let text = text.replace("IMAGE", &index.reference(images::TAG));
    Project::new(&[(".aqueduct.yml", &text)])
}

fn runs(project: &Project, args: &[&str]) -> String {
    let done = project.aqueduct(&[&["run"], args].concat());
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    done.stdout
}

fn assert_has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
}

#[test]
fn an_arch_list_runs_each_image_of_an_index() {
    let project = project(
        "job:\n  arch: [amd64, arm64]\n  image: IMAGE\n  script: [uname -m]\n  after_script: [echo after $CI_JOB_STATUS]\n",
    );
    let told = runs(&project, &[]);
    assert_has(
        &told,
        &[
            "job: [amd64] | x86_64",
            "job: [arm64] | aarch64",
            "job: [arm64] | after success",
        ],
    );
}

#[test]
fn an_image_chooses_the_platform_of_a_job_that_names_none() {
    let project = project(
        "job:\n  image: {name: IMAGE, entrypoint: [''], pull_policy: if-not-present, docker: {platform: linux/arm64}}\n  \
         script: [uname -m]\n",
    );
    assert_has(&runs(&project, &[]), &["job | aarch64"]);
}

#[test]
fn artifacts_and_dotenv_go_through_containers_and_the_machine() {
    let project = project(
        "stages: [make, look, end]\n\
         make:\n  stage: make\n  image: IMAGE\n  script:\n    - mkdir out\n    - echo hello > out/file\n    - chmod 750 out/file\n    \
         - ln -s file out/link\n    - echo VERSION=1.2 > build.env\n  artifacts: {paths: [out], reports: {dotenv: build.env}}\n\
         look:\n  stage: look\n  script:\n    - echo $VERSION $(stat -c %a out/file) $(readlink out/link)\n    - echo seen > seen\n  \
         artifacts: {paths: [seen]}\n\
         end:\n  stage: end\n  image: IMAGE\n  script: ['echo $VERSION $(cat out/link seen)']\n",
    );
    assert_has(
        &runs(&project, &[]),
        &["look | 1.2 750 file", "end  | 1.2 hello seen"],
    );
}

#[test]
fn a_user_of_the_image_writes_into_the_project() {
    let project = project(
        "user:\n  image: {name: IMAGE, docker: {user: '1000:1000'}}\n  script: ['id -u', 'mkdir sub', 'echo x > sub/file', \
         'rm .aqueduct.yml']\n  artifacts: {paths: [sub]}\n  cache: {key: k, paths: [sub]}\n\
         root:\n  image: IMAGE\n  needs: [user]\n  script: ['cat sub/file', 'rm -r sub']\n",
    );
    assert_has(&runs(&project, &[]), &["user | 1000", "root | x"]);
    assert!(
        project.root().join(".aqueduct.yml").exists(),
        "the user's own tree is not the job's"
    );
}

#[test]
fn a_cache_lasts_from_run_to_run() {
    let project = project(
        "job:\n  image: IMAGE\n  cache: {key: k, paths: [kept/]}\n  script: ['mkdir -p kept', 'echo x >> kept/file', \
         'echo lines $(wc -l < kept/file)']\n",
    );
    assert_has(&runs(&project, &[]), &["job | lines 1"]);
    assert_has(&runs(&project, &[]), &["job | lines 2"]);
}

#[test]
fn limits_end_a_job() {
    let project = project(
        "slow:\n  image: IMAGE\n  timeout: 2s\n  script: [sleep 100]\n\
         big:\n  image: IMAGE\n  script: ['x=a; while true; do x=$x$x; done']\n",
    );
    project.write("aqueduct.toml", "[run]\nmemory_limit = \"64MiB\"\n");
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 1);
    assert_has(
        &done.stderr,
        &[
            "script.timeout: the job ran longer than its timeout of 2.0s",
            "script.oom: the kernel killed the job for its memory use (peak 64 MiB, limit 64 MiB)",
        ],
    );
}

#[test]
fn what_an_executor_can_t_run_is_refused() {
    let table: [(&str, &[&str], i32, &str); 4] = [
        (
            "job: {script: [echo]}",
            &["--executor", "oci"],
            1,
            "help: give the job an `image`, or allow the executor `host`",
        ),
        (
            "job: {image: IMAGE, arch: [amd64, arm64], script: [echo]}",
            &["--executor", "host"],
            1,
            "runner.unsupported: the job is for ",
        ),
        (
            "job: {image: IMAGE, services: ['redis:7'], script: [echo]}",
            &[],
            2,
            "can't run yet: services",
        ),
        (
            "job: {image: IMAGE, arch: riscv64, script: [echo]}",
            &[],
            2,
            "arch must be `amd64` or `arm64`",
        ),
    ];
    for (text, args, code, says) in table {
        let done = project(text).aqueduct(&[&["run"], args].concat());
        assert_eq!(done.code, code, "{text}: {}", done.stderr);
        assert_has(&done.stderr, &[says]);
    }
}

#[test]
fn a_script_runs_behind_any_entrypoint() {
    for (entrypoint, says) in [
        ("['']", "ran"),
        ("['/bin/sh', '-c']", "ran"),
        ("['/bin/sh', '-c', 'exec \"$0\" \"$@\"']", "ran"),
        ("['/bin/sh', '-c', 'sh -c $0']", "ran"),
        ("['env', 'FROM=entrypoint']", "ran entrypoint"),
    ] {
        let project = project(&format!(
            "job:\n  image: {{name: IMAGE, entrypoint: {entrypoint}}}\n  script: ['cat', 'echo ran $FROM']\n"
        ));
        assert_has(&runs(&project, &[]), &[&format!("job | {says}")]);
    }
}
