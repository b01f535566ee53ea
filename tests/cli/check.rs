//! `lint` and `plan`.

use serde_json::Value;

use crate::support::Project;

const SMALL: &str = "stages: [build, test]\nbuild:\n  stage: build\n  arch: [amd64, arm64]\n  image: debian\n  script: make\ntest:\n  stage: test\n  needs: [{job: build, arch: same}]\n  arch: arm64\n  image: debian\n  script: make check\n  rules: [{if: $CI_COMMIT_BRANCH}]\ndocs:\n  script: make docs\n  rules: [{changes: [docs/**/*]}]\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object")
}

#[test]
fn lint_names_every_mistake_with_its_place() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "stages: [build, test]\nbuild:\n  stgae: build\n  script: make\nunit:\n  stage: tset\n  script: 5\n",
    )]);
    let done = project.aqueduct(&["lint", "--json", ".gitlab-ci.yml"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    let report = json(&done.stdout);
    assert_eq!(report["valid"], false);
    let errors = report["errors"].as_array().expect("errors");
    assert!(errors.len() >= 2, "{report:#}");
    let first = &errors[0];
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&".gitlab-ci.yml".into(), &3.into(), &3.into())
    );
    assert!(
        first["help"]
            .as_str()
            .is_some_and(|help| help.contains("stage")),
        "{first:#}"
    );

    let person = project.aqueduct(&["lint"]);
    assert_eq!(person.code, 2);
    insta::assert_snapshot!(person.stderr);
}

#[test]
fn lint_reads_standard_input_and_several_files() {
    use std::io::Write as _;
    let project = Project::new(&[
        ("a.yml", "a: {script: x}\n"),
        ("b.yml", "b: {script: [x, {y: z}]}\n"),
    ]);
    let done = project.aqueduct(&["lint", "--json", "a.yml", "b.yml"]);
    assert_eq!(done.code, 2);
    let files: Vec<_> = json(&done.stdout)["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| e["file"].clone())
        .collect();
    assert_eq!(files, ["b.yml"]);

    let mut child = project
        .command(&["lint", "-"])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("stdin")
        .write_all(b"a: {script: x}\n")
        .expect("written");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn garbage_is_an_error_and_never_a_crash() {
    let project = Project::new(&[]);
    let garbage: [(&str, Vec<u8>); 6] = [
        ("empty.yml", Vec::new()),
        ("binary.yml", (0..=255).cycle().take(100_000).collect()),
        ("tabs.yml", b"job:\n\tscript: x\n".to_vec()),
        ("deep.yml", [b"a: ".to_vec(), vec![b'['; 50_000]].concat()),
        ("list.yml", b"- a\n- b\n".to_vec()),
        ("large.yml", vec![b'#'; 11 << 20]),
    ];
    for (name, bytes) in garbage {
        std::fs::write(project.root().join(name), bytes).expect("written");
        let done = project.aqueduct(&["lint", "--json", name]);
        assert_eq!(done.code, 2, "{name}: {}{}", done.stdout, done.stderr);
        assert_eq!(json(&done.stdout)["valid"], false, "{name}");
        assert!(!done.stderr.contains("panicked"), "{name}: {}", done.stderr);
    }
}

#[test]
fn a_file_is_called_what_the_user_called_it() {
    let project = Project::new(&[("sub/bad.yml", "b: {stgae: test, script: x}\n")]);
    for (arguments, place) in [
        (["-C", "sub", "lint", "bad.yml"], "--> bad.yml:1:5"),
        (["-C", ".", "lint", "sub/bad.yml"], "--> sub/bad.yml:1:5"),
        (
            ["-C", "sub", "lint", "../sub/bad.yml"],
            "--> ../sub/bad.yml:1:5",
        ),
    ] {
        let done = project.aqueduct(&arguments);
        assert_eq!(done.code, 2);
        assert!(done.stderr.contains(place), "{place}: {}", done.stderr);
    }
}

#[test]
fn what_cannot_be_read_is_a_finding_too() {
    let project = Project::new(&[
        ("good.yml", "a: {script: x}\n"),
        ("bad.yml", "b: {stgae: test, script: x}\n"),
    ]);
    std::fs::create_dir(project.root().join("folder")).expect("made");
    let args = [
        "lint",
        "--json",
        "folder",
        "gone.yml",
        "/dev/zero",
        "good.yml",
        "bad.yml",
    ];
    let done = project.aqueduct(&args);
    assert_eq!(done.code, 2, "{}", done.stderr);
    let report = json(&done.stdout);
    let found: Vec<_> = report["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| {
            (
                error["file"].as_str().unwrap_or("-"),
                error["code"].as_str().unwrap_or("-"),
            )
        })
        .collect();
    let expected = [
        ("folder", "invalid-input"),
        ("gone.yml", "invalid-input"),
        ("/dev/zero", "yaml-too-large"),
        ("bad.yml", "unknown-keyword"),
    ];
    assert_eq!(found, expected);

    let person = project.aqueduct(&["lint", "folder"]);
    assert_eq!(person.code, 2);
    assert!(
        person.stderr.contains("folder is a directory"),
        "{}",
        person.stderr
    );
    for command in ["lint", "plan"] {
        let done = project.aqueduct(&[command, "--json"]);
        assert_eq!(done.code, 2, "{command}");
        let report = json(&done.stdout);
        assert_eq!(report["errors"][0]["code"], "invalid-input", "{command}");
    }
}

#[test]
fn lint_takes_inputs() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "spec:\n  inputs:\n    stage: {options: [test, deploy]}\n---\nj: {stage: $[[ inputs.stage ]], script: x}\n",
    )]);
    let code = |args: &[&str]| project.aqueduct(&[&["lint"], args].concat()).code;
    assert_eq!(code(&["--input", "stage=deploy"]), 0);
    assert_eq!(code(&["--input", "stage=other"]), 2);
    assert_eq!(code(&[]), 2);
}

#[test]
fn refs_that_git_would_not_have_are_refused() {
    let project = Project::new(&[(".gitlab-ci.yml", "j: {script: x}\n")]);
    for option in ["--branch", "--tag"] {
        let done = project.aqueduct(&["plan", option, "a b~^:"]);
        assert_eq!(done.code, 2);
        assert!(
            done.stderr.contains("Git allows no such name"),
            "{}",
            done.stderr
        );
    }
}

/// Only who asks for files gets a list of them: outside of a repository that may be a whole home directory.
#[test]
fn files_are_listed_where_a_rule_asks_for_them() {
    let project = Project::new(&[
        ("a/Dockerfile", "FROM scratch\n"),
        (
            ".gitlab-ci.yml",
            "j: {script: x, rules: [{exists: ['**/Dockerfile']}]}\nk: {script: x, rules: [{exists: [gone]}]}\n",
        ),
    ]);
    let done = project.aqueduct(&["plan", "--json"]);
    let plan = json(&done.stdout);
    assert_eq!(plan["jobs"][0]["name"], "j", "{}", done.stderr);
    assert_eq!(plan["skipped"][0]["name"], "k");
}

#[test]
fn plan_shows_what_would_run_and_why_not() {
    let project = Project::new(&[(".gitlab-ci.yml", SMALL)]);
    let done = project.aqueduct(&["plan", "--json", "--changed", "src/a.c"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let plan = json(&done.stdout);
    let names: Vec<_> = plan["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| job["name"].clone())
        .collect();
    assert_eq!(names, ["build: [amd64]", "build: [arm64]", "test"]);
    assert_eq!(plan["jobs"][2]["needs"][0]["job"], "build: [arm64]");
    assert_eq!(plan["skipped"][0]["name"], "docs");
    assert!(
        plan["hash"]
            .as_str()
            .is_some_and(|hash| hash.starts_with("sha256:")),
        "{plan:#}"
    );
    assert_eq!(plan["valid"], true);

    let again = project.aqueduct(&["plan", "--json", "--changed", "src/a.c"]);
    assert_eq!(
        json(&again.stdout)["hash"],
        plan["hash"],
        "the same inputs give the same hash"
    );

    let person = project.aqueduct(&["plan", "--changed", "src/a.c"]);
    insta::with_settings!({filters => vec![(r"sha256:[0-9a-f]{64}", "sha256:HASH")]}, {
        insta::assert_snapshot!(person.stdout);
    });
}

#[test]
fn a_context_without_a_pipeline_is_told_once_and_no_failure() {
    let table = [
        "workflow: {rules: [{if: $CI_COMMIT_TAG}]}\njob: {script: echo}\n",
        "job: {script: echo, rules: [{if: $CI_COMMIT_TAG}]}\n",
    ];
    for text in table {
        let project = Project::new(&[(".gitlab-ci.yml", text)]);
        let done = project.aqueduct(&["run"]);
        assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{text}");
        assert!(
            done.stderr.starts_with("warning[empty-pipeline]: "),
            "{}",
            done.stderr
        );
        assert_eq!(done.stderr.lines().count(), 2, "{}", done.stderr);
    }
}

#[test]
fn without_a_pipeline_file_the_way_out_is_named() {
    let project = Project::new(&[]);
    let done = project.aqueduct(&["plan"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains(".gitlab-ci.yml") && done.stderr.contains("--file"),
        "{}",
        done.stderr
    );
}

#[test]
fn the_shipped_templates_make_release_jobs() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "include:\n  - template: multi-arch-image.yml\n    inputs: {from: pack, image: 'oci:out:$CI_COMMIT_REF_SLUG'}\n  - template: python-release.yml\n    inputs: {needs: [wheel], to: [one, two]}\npack: {script: make, parallel: 2, artifacts: {paths: [image]}}\nwheel: {script: make, artifacts: {paths: [dist]}}\n",
    )]);
    let done = project.aqueduct(&["plan", "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let plan = json(&done.stdout);
    let kind = |name: &str| {
        let jobs = plan["jobs"].as_array().expect("jobs");
        jobs.iter()
            .find(|job| job["name"] == name)
            .map(|job| job["kind"].clone())
    };
    assert_eq!(
        (kind("image"), kind("release")),
        (Some("index".into()), Some("publish".into()))
    );

    project.write(
        ".gitlab-ci.yml",
        "include: {template: Nothing.gitlab-ci.yml}\nj: {script: x}\n",
    );
    let missing = project.aqueduct(&["lint"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("Nothing.gitlab-ci.yml"),
        "{}",
        missing.stderr
    );
}

#[test]
fn changes_are_compared_with_a_branch_of_the_repository() {
    let project = Project::new(&[
        ("lib/a", "1"),
        ("docs/a", "1"),
        (
            ".gitlab-ci.yml",
            "include: [{local: more.yml, rules: [{changes: {paths: [docs/*], compare_to: main}}]}]\n\
             j: {script: x}\n\
             lib: {script: x, rules: [{changes: {paths: [lib/*], compare_to: refs/heads/main}}]}\n\
             docs: {script: x, rules: [{changes: {paths: [docs/*], compare_to: $CI_DEFAULT_BRANCH}}]}\n",
        ),
        ("more.yml", "more: {script: x}\n"),
    ]);
    let jobs = |args: &[&str]| -> Vec<String> {
        let done = project.aqueduct(&[&["plan", "--json"], args].concat());
        assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
        json(&done.stdout)["jobs"]
            .as_array()
            .expect("jobs")
            .iter()
            .map(|job| job["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(jobs(&[]), ["j"]);
    project.run("git", &["checkout", "--quiet", "-b", "feature"]);
    project.write("lib/a", "2");
    project.run("git", &["commit", "--quiet", "--all", "--message", "lib"]);
    assert_eq!(jobs(&[]), ["j", "lib"]);
    project.write("docs/new", "untracked");
    assert_eq!(jobs(&[]), ["more", "j", "lib", "docs"]);
    assert_eq!(jobs(&["--commit", "HEAD"]), ["j", "lib"]);
    assert_eq!(jobs(&["--changed", "docs/b"]), ["more", "j", "docs"]);

    project.write(
        ".gitlab-ci.yml",
        "j: {script: x, rules: [{changes: {paths: [a], compare_to: gone}}]}\n",
    );
    let done = project.aqueduct(&["plan"]);
    assert_eq!(done.code, 2, "{}", done.stdout);
    assert!(
        done.stderr.contains("names `gone`, which is no branch"),
        "{}",
        done.stderr
    );
}
