//! Scripts, variables, after_script, verdicts.

use aqueduct_core::{time::Millis, verdict::VerdictKind};

use super::rig::{JobBuilder, Rig, git, job, key, only_end, output_of, readable};

fn kind(end: &aqueduct_ports::work::JobEnd) -> Option<VerdictKind> {
    end.verdict.as_ref().map(|verdict| verdict.kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_become_verdicts() {
    let rig = Rig::new(&[]);
    let table = [
        ("true", Some(0), None),
        ("exit 3", Some(3), Some(VerdictKind::ScriptExit)),
        ("kill -9 $$", Some(137), Some(VerdictKind::ScriptExit)),
        ("no-such-command", Some(127), Some(VerdictKind::ScriptExit)),
    ];
    for (script, exit_code, verdict) in table {
        let (end, trace) = rig.run_one(job(1, &[script])).await;
        assert_eq!(
            (end.exit_code, kind(&end)),
            (exit_code, verdict),
            "{script}: {trace}"
        );
        assert_eq!(end.trace_bytes, trace.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_is_what_gitlab_shows() {
    let rig = Rig::new(&[]);
    let (_, trace) = rig
        .run_one(job(1, &["echo one", "printf no-newline"]).after_script(&["echo after"]))
        .await;
    insta::assert_snapshot!(trace.replace('\x1b', "␛").replace('\r', "␍"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_script_runs_apart_and_changes_nothing() {
    let rig = Rig::new(&[]);
    let after = &[
        "echo \"status $CI_JOB_STATUS, x is '$X', in $(pwd)\"",
        "exit 9",
    ];
    for (script, status, exit_code) in [("true", "success", 0), ("exit 4", "failed", 4)] {
        let (end, trace) = rig
            .run_one(job(1, &["X=1; cd /", script]).after_script(after))
            .await;
        assert_eq!(end.exit_code, Some(exit_code), "{trace}");
        assert_eq!(end.verdict.is_some(), exit_code != 0);
        let output = output_of(&trace);
        assert!(
            output.contains(&format!("status {status}, x is '', in /")),
            "{output}"
        );
        assert!(!output.contains("in /\n"), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_script_counts_where_the_job_wants_it() {
    let rig = Rig::new(&[]);
    let (end, _) = rig
        .run_one(
            job(1, &["true"])
                .after_script(&["exit 9"])
                .variable("AFTER_SCRIPT_IGNORE_ERRORS", "false"),
        )
        .await;
    assert_eq!(
        (end.exit_code, kind(&end)),
        (Some(9), Some(VerdictKind::ScriptExit))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn timeouts_end_the_script_and_leave_time_for_after_script_if_it_was_shorter() {
    let rig = Rig::new(&[]);
    let sleeper = || job(1, &["sleep 60"]).after_script(&["echo after $CI_JOB_STATUS"]);
    let (end, trace) = rig.run_one(sleeper().timeout(Millis(300))).await;
    assert_eq!(kind(&end), Some(VerdictKind::ScriptTimeout));
    assert!(!trace.contains("after failed"), "{trace}");
    let (end, trace) = rig
        .run_one(sleeper().variable("RUNNER_SCRIPT_TIMEOUT", "1s"))
        .await;
    assert_eq!(kind(&end), Some(VerdictKind::ScriptTimeout));
    assert!(trace.contains("after failed"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_reach_the_script() {
    let rig = Rig::new(&[]);
    let show = |name: &str| format!("echo \"{name}=<${name}>\"");
    let names = ["NESTED", "RAW", "FILE_COPY", "UNKNOWN", "QUOTES"];
    let lines: Vec<String> = names.iter().map(|name| show(name)).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.push("cat \"$FILE\"");
    lines.push("test \"$CI_PROJECT_DIR\" = \"$PWD\" && echo here; echo \"$CI_SERVER\"");
    let built = job(1, &lines)
        .variable("BASE", "b")
        .variable("NESTED", "$BASE/${BASE} $$x $CI_CONCURRENT_ID $nothing.")
        .variable("RAW", "$BASE")
        .change(|assignment| assignment.variables.last_mut().unwrap().raw = true)
        .file("FILE", "content of $BASE\n")
        .variable("FILE_COPY", "$FILE")
        .variable("QUOTES", "'\"\\ `x` $")
        .variable("CI_PROJECT_DIR", "/somewhere/else");
    let (end, trace) = rig.run_one(built).await;
    assert_eq!(end.exit_code, Some(0), "{trace}");
    let output = output_of(&trace);
    for expected in [
        "NESTED=<b/b $x 0 .>",
        "RAW=<$BASE>",
        "UNKNOWN=<>",
        "QUOTES=<'\"\\ `x` $>",
        "content of $BASE",
        "here",
        "yes",
    ] {
        assert!(output.contains(expected), "{expected} in {output}");
    }
    assert!(output.contains(".tmp/FILE>"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_too_long_for_a_process_is_still_a_shell_variable() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo ${#LONG}", "/bin/true"]).variable("LONG", &"x".repeat(200_000));
    let (end, trace) = rig.run_one(built).await;
    assert_eq!(end.exit_code, Some(0), "{trace}");
    assert!(trace.contains("200000"), "{trace}");
    assert!(
        trace.contains("WARNING: the variable LONG is longer"),
        "{trace}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zero_byte_is_told_and_harms_nothing() {
    let rig = Rig::new(&[]);
    let (end, trace) = rig
        .run_one(job(1, &["true"]).variable("ZERO", "a\0b"))
        .await;
    assert_eq!(end.exit_code, Some(0), "{trace}");
    assert!(
        trace.contains("the variable 'ZERO' can't be handed to a process"),
        "{trace}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_have_a_working_git_and_touch_only_their_own() {
    let rig = Rig::new(&[("file", "one")]);
    git(&rig.project(), &["tag", "-a", "v1.0", "-m", "one"]);
    let rig = rig.again();
    std::fs::write(rig.project().join("file"), "one").unwrap();
    let (end, trace) = rig
        .run_one(job(
            1,
            &[
                "git describe --exact-match",
                "git status --porcelain",
                "echo changed >file; rm -rf .git/objects/*; git init -q; echo done",
            ],
        ))
        .await;
    assert_eq!(end.exit_code, Some(0), "{trace}");
    assert!(output_of(&trace).contains("v1.0\ndone\n"), "{trace}");
    assert_eq!(git(&rig.project(), &["fsck"]), "");
    assert_eq!(
        std::fs::read_to_string(rig.project().join("file")).unwrap(),
        "one"
    );
    let (_, trace) = rig.run_one(job(2, &["cat file"])).await;
    assert!(output_of(&trace).ends_with("one\n"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn git_strategy_none_starts_empty() {
    let rig = Rig::new(&[("file", "one")]);
    let (_, trace) = rig
        .run_one(job(1, &["ls -A", "echo end"]).variable("GIT_STRATEGY", "none"))
        .await;
    assert_eq!(output_of(&trace), "end\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_is_the_last_match() {
    let rig = Rig::new(&[]);
    let built = job(1, &["echo 'Coverage: 10.5%'", "echo 'Coverage: 81.25%'"])
        .change(|assignment| assignment.job.coverage = Some(r"Coverage: \d+\.\d+".into()));
    let (end, _) = rig.run_one(built).await;
    assert_eq!(end.coverage.as_deref(), Some("81.25"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_executor_fails_its_job_alone() {
    let rig = Rig::new(&[]);
    let jobs: Vec<_> = [
        job(1, &["true"]).change(|assignment| assignment.executor = "moon".into()),
        job(2, &["true"]),
    ]
    .map(JobBuilder::build)
    .into();
    let source = rig.run(jobs).await;
    let [first, second] = [1, 2].map(|number| only_end(&source.record(key(number))));
    assert_eq!(kind(&first), Some(VerdictKind::Internal));
    assert_eq!(second.verdict, None);
    assert!(readable(&source.record(key(1))).contains("no executor 'moon'"));
}
