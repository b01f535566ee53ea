//! Artifacts and reports.

use aqueduct_core::{plan::StoreWhen, verdict::VerdictKind};

use super::rig::{JobBuilder, Rig, job, key, only_end, output_of, readable};

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_reach_later_jobs_with_modes_and_links() {
    let mut rig = Rig::new(&[("dist/tracked", "old")]);
    rig.slots = 1;
    let make = "mkdir -p dist/sub; echo new >dist/tracked; echo x >dist/sub/run; chmod 755 dist/sub/run; \
                ln -s sub/run dist/link; echo no >dist/skip.log; touch -d @1000000000 dist/sub/run";
    let first = job(1, &[make])
        .artifacts(StoreWhen::OnSuccess, &["dist"])
        .change(|assignment| {
            assignment.job.artifacts.as_mut().unwrap().exclude = vec!["**/*.log".into()];
        });
    let look = "cat dist/tracked; stat -c '%a %Y' dist/sub/run; readlink dist/link; ls dist";
    let second = job(2, &[look]).needs(1);
    let source = rig.run(vec![first.build(), second.build()]).await;
    assert!(only_end(&source.record(key(1))).has_artifacts);
    let trace = readable(&source.record(key(2)));
    assert!(
        output_of(&trace).ends_with("new\n755 1000000000\nsub/run\nlink\nsub\ntracked\n"),
        "{trace}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_decides_about_the_archive() {
    let rig = Rig::new(&[]);
    let table = [
        (StoreWhen::OnSuccess, "true", true),
        (StoreWhen::OnSuccess, "false", false),
        (StoreWhen::OnFailure, "true", false),
        (StoreWhen::OnFailure, "false", true),
        (StoreWhen::Always, "true", true),
        (StoreWhen::Always, "false", true),
    ];
    for (when, last, expected) in table {
        let built = job(1, &["echo x >out", last]).artifacts(when, &["out"]);
        let (end, trace) = rig.run_one(built).await;
        assert_eq!(
            end.has_artifacts, expected,
            "{when:?} after {last}: {trace}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_without_match_warns_and_fails_nothing() {
    let rig = Rig::new(&[]);
    let built = job(1, &["true"]).artifacts(StoreWhen::OnSuccess, &["dist/*.whl", "../up"]);
    let (end, trace) = rig.run_one(built).await;
    assert_eq!((end.exit_code, end.has_artifacts), (Some(0), false));
    assert!(
        trace.contains("WARNING: dist/*.whl: no matching files. Ensure that the artifact path is relative to the working directory ("),
        "{trace}"
    );
    assert!(
        trace.contains("../up: the path lies outside of the project's directory"),
        "{trace}"
    );
    assert!(trace.contains("ERROR: No files to upload"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_artifacts_fail_the_job_before_its_script() {
    let rig = Rig::new(&[]);
    let (end, trace) = rig.run_one(job(2, &["echo ran"]).needs(1)).await;
    assert_eq!(end.verdict.unwrap().kind, VerdictKind::ArtifactMissing);
    assert!(!trace.contains("ran\n"), "{trace}");
    assert!(
        trace.contains("the artifacts of job 1: [amd64] are gone"),
        "{trace}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_may_name_the_project_directory_and_variables() {
    let rig = Rig::new(&[]);
    let built = job(1, &["mkdir out; echo x >out/$NAME"])
        .variable("NAME", "thing")
        .artifacts(StoreWhen::OnSuccess, &["$CI_PROJECT_DIR/out/${NAME}"]);
    let (end, trace) = rig.run_one(built).await;
    assert!(end.has_artifacts, "{trace}");
    let stored = rig.workspace.artifacts_dir(key(1)).unwrap();
    assert_eq!(
        std::fs::read_to_string(stored.join("out/thing")).unwrap(),
        "x\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn untracked_takes_what_git_does_not_know() {
    let rig = Rig::new(&[("tracked", "1"), (".gitignore", "*.o\n")]);
    std::fs::write(rig.project().join("new"), "2").unwrap();
    let rig = rig.again();
    let built = job(1, &["echo 3 >made; echo 4 >ignored.o; echo 5 >tracked"])
        .artifacts(StoreWhen::OnSuccess, &[])
        .change(|assignment| assignment.job.artifacts.as_mut().unwrap().untracked = true);
    let (end, trace) = rig.run_one(built).await;
    assert!(end.has_artifacts, "{trace}");
    let stored = rig.workspace.artifacts_dir(key(1)).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(stored)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["ignored.o", "made", "new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dotenv_reports_are_read_whatever_the_end() {
    let rig = Rig::new(&[]);
    let write = "printf 'VERSION=1.2\\nURL=https://x/?a=b\\n' >build.env";
    for last in ["true", "false"] {
        let (end, trace) = rig
            .run_one(job(1, &[write, last]).dotenv("build.env"))
            .await;
        let expected = [("VERSION", "1.2"), ("URL", "https://x/?a=b")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(end.dotenv, expected, "{trace}");
        assert!(!end.has_artifacts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_dotenv_reports_fail_the_job_with_the_line() {
    let rig = Rig::new(&[]);
    let table = [
        (
            "echo nonsense >e",
            "dotenv report e, line 1: expected KEY=value",
        ),
        (
            "seq -f 'V%g=1' 21 >e",
            "the dotenv reports hold 21 variables, more than 20",
        ),
        (
            "printf 'A=%05000d\\nB=%0500d\\n' 1 1 >e",
            "the dotenv reports are larger than 5120 bytes",
        ),
    ];
    for (script, cause) in table {
        let (end, trace) = rig.run_one(job(1, &[script]).dotenv("e")).await;
        let verdict = end.verdict.unwrap();
        assert_eq!(
            (verdict.kind, verdict.cause.as_str()),
            (VerdictKind::ConfigInvalid, cause),
            "{trace}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_a_link_is_not_followed() {
    let rig = Rig::new(&[]);
    let (end, _) = rig
        .run_one(job(1, &["ln -s /etc/passwd e"]).dotenv("e"))
        .await;
    assert_eq!((end.dotenv, end.verdict), (Vec::new(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_dependency_wins() {
    let mut rig = Rig::new(&[]);
    rig.slots = 1;
    let make = |number| {
        job(number, &[&format!("echo {number} >out")]).artifacts(StoreWhen::OnSuccess, &["out"])
    };
    let jobs = [make(1), make(2), job(3, &["cat out"]).needs(2).needs(1)];
    let source = rig.run(jobs.map(JobBuilder::build).into()).await;
    let trace = readable(&source.record(key(3)));
    assert!(output_of(&trace).ends_with("1\n"), "{trace}");
}
