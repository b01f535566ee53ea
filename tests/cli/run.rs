//! `run` as a person and as a program see it.

use std::path::Path;

use crate::support::{Project, events};

#[test]
fn a_failure_shows_its_verdict_its_last_lines_and_a_hint() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "good:\n  script: echo fine\nbad:\n  script:\n    - echo about to fail\n    - exit 7\n",
    )]);
    let done = project.aqueduct(&["run", "-j", "1"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    let told = [done.stdout, done.stderr].concat();
    insta::with_settings!({filters => vec![
        (r"\d+(\.\d+)?m?s\b", "TIME"),
        (r" +TIME", " TIME"),
        (r"(logs|artifacts): .*", "$1: PATH"),
    ]}, {
        insta::assert_snapshot!(told);
    });
}

#[test]
fn events_come_one_object_a_line_in_order() {
    let project = Project::new(&[(".gitlab-ci.yml", "job:\n  script: printf 'no line end'\n")]);
    let done = project.aqueduct(&["run", "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told = events(&done.stdout);
    let names: Vec<&str> = told
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(names.first(), Some(&"pipeline_started"));
    assert_eq!(names.last(), Some(&"pipeline_finished"));
    let started = told
        .iter()
        .find(|event| event["event"] == "job_started")
        .expect("job_started");
    assert_eq!(started["executor"], "host");
    assert_eq!(started["emulated"], false);
    let finished = told
        .iter()
        .find(|event| event["event"] == "job_finished")
        .expect("job_finished");
    assert_eq!(
        (&finished["status"], &finished["exit_code"]),
        (&"success".into(), &0.into())
    );
    assert!(
        told.iter().any(|event| event["line"] == "no line end"),
        "{}",
        done.stdout
    );
    assert!(told.iter().all(|event| event["time"].is_string()));
}

#[test]
fn secrets_never_show() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "job:\n  script:\n    - echo \"token is $TOKEN\"\n    - printf 'hunter'; sleep 0.2; printf '2hunter2\\n'\n",
    )]);
    let output = project
        .command(&["run", "--json", "--secret", "TOKEN"])
        .env("TOKEN", "hunter2hunter2")
        .output()
        .expect("it starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    assert!(!stdout.contains("hunter2hunter2"), "{stdout}");
    assert!(stdout.contains("token is [MASKED]"), "{stdout}");
    let plan = project
        .command(&["plan", "--json", "--secret", "TOKEN"])
        .env("TOKEN", "hunter2hunter2")
        .output()
        .expect("it starts");
    assert!(!String::from_utf8_lossy(&plan.stdout).contains("hunter2"));
}

#[test]
fn a_secret_that_will_show_is_told() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: \"true\"}\n")]);
    let output = project
        .command(&["run", "--secret", "PIN", "--secret", "TOKEN"])
        .env("PIN", "123")
        .env("TOKEN", "hunter2hunter2")
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the value of --secret PIN is too short to be masked"),
        "{stderr}"
    );
    assert!(!stderr.contains("--secret TOKEN"), "{stderr}");
}

#[test]
fn what_cannot_run_yet_is_refused_before_anything_starts() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "first:\n  script: touch started\nsecond:\n  image: debian\n  services: [postgres]\n  script: echo\n\
         third:\n  trigger: group/other\n",
    )]);
    let done = project.aqueduct(&["run", "--json"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(
        done.stderr
            .contains("second: services (.gitlab-ci.yml:5:3)")
            && done.stderr.contains("third: trigger (.gitlab-ci.yml:8:3)"),
        "{}",
        done.stderr
    );
    assert!(!done.stdout.contains("job_started"));
}

#[test]
fn jobs_of_the_host_find_the_program_that_runs_them() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: aqueduct --version}\n")]);
    let done = project
        .command(&["run"])
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("it runs");
    let shown = String::from_utf8_lossy(&done.stdout);
    assert!(
        shown.contains(concat!("aqueduct ", env!("CARGO_PKG_VERSION"))),
        "{shown}"
    );
}

#[test]
fn an_unknown_job_is_named() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: echo}\n")]);
    let done = project.aqueduct(&["run", "jbo"]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("jbo") && done.stderr.contains("aqueduct plan"),
        "{}",
        done.stderr
    );
}

#[test]
fn artifacts_and_reports_are_found_under_their_jobs_names() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "make:\n  parallel: {matrix: [{V: [a, b]}]}\n  script: echo $V > out.txt\n  artifacts: {paths: [out.txt]}\n\
         check:\n  script: [mkdir log, echo ok > log/junit.xml, exit 1]\n  retry: 1\n  \
         artifacts: {paths: [out.txt], reports: {junit: log/*.xml}}\n",
    )]);
    let done = project.aqueduct(&["run", "--artifacts", "got"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    let kept = done
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("artifacts: "))
        .expect("where they are kept");
    for folder in [&project.root().join("got"), Path::new(kept)] {
        let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect(path);
        assert_eq!(read("make-a/out.txt"), "a\n");
        assert_eq!(read("make-b/out.txt"), "b\n");
        assert_eq!(read("check/log/junit.xml"), "ok\n");
        let names = std::fs::read_dir(folder).expect("a folder").count();
        assert_eq!(names, 3, "{}", folder.display());
    }
}

#[test]
fn a_place_that_can_t_take_artifacts_is_told_before_any_job_starts() {
    let project = Project::new(&[
        (".gitlab-ci.yml", "job: {script: echo started}\n"),
        ("file", ""),
    ]);
    for place in ["file", "file/below"] {
        let done = project.aqueduct(&["run", "--artifacts", place]);
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert_eq!(done.stdout, "");
        assert!(
            done.stderr.contains("is a file") && done.stderr.contains("--artifacts"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn without_git_the_files_as_they_lie_are_run() {
    let project = Project::new(&[
        (".gitlab-ci.yml", "job: {script: cat here}\n"),
        ("here", "found\n"),
    ]);
    std::fs::remove_dir_all(project.root().join(".git")).expect("removed");
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("found"), "{}", done.stdout);
}

#[test]
fn a_commit_can_be_run_instead_of_the_working_tree() {
    let project = Project::new(&[
        (".gitlab-ci.yml", "job: {script: cat file}\n"),
        ("file", "committed\n"),
    ]);
    project.write("file", "changed\n");
    project.write(".gitlab-ci.yml", "other: {script: cat file}\n");
    let done = project.aqueduct(&["run", "--commit", "HEAD"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("committed"), "{}", done.stdout);
}

#[test]
fn a_read_only_cache_is_a_clear_word() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: echo}\n")]);
    project.write("file", "");
    let output = project
        .command(&["run"])
        .env("XDG_CACHE_HOME", project.root().join("file"))
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("file") && !stderr.contains("panicked"),
        "{stderr}"
    );
}

#[test]
fn an_unusable_state_directory_is_told_before_any_job_starts() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: echo started}\n")]);
    let output = project
        .command(&["run"])
        .env("XDG_STATE_HOME", "/dev/null")
        .output()
        .expect("it starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        output.stdout.is_empty() && stderr.contains("/dev/null"),
        "{stderr}"
    );
}

#[test]
fn a_detached_head_is_told() {
    let project = Project::new(&[(".gitlab-ci.yml", "job: {script: echo $CI_COMMIT_BRANCH}\n")]);
    project.run("git", &["checkout", "--quiet", "--detach"]);
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr
            .contains("the pipeline is made for main; --branch or --tag"),
        "{}",
        done.stderr
    );
}

#[test]
fn jobs_that_wait_for_somebody_are_named() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "build: {script: echo}\ndeploy: {when: manual, allow_failure: false, script: echo}\n\
         clean: {stage: .post, script: echo}\n",
    )]);
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains(
            "manual   deploy  (play it with --manual)\ncreated  clean   (waits for deploy)"
        ),
        "{}",
        done.stderr
    );
}

#[test]
fn who_commits_here_started_the_pipeline() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "job: {script: 'echo \"$GITLAB_USER_NAME <$GITLAB_USER_EMAIL> $GITLAB_USER_LOGIN\"'}\n",
    )]);
    let done = project.aqueduct(&["run"]);
    assert!(
        done.stdout.contains("Test <test@example.com> test"),
        "{}",
        done.stdout
    );
}
