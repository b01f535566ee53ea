//! What a script gets, and what its end means.

use aqueduct_core::verdict::VerdictKind;

use super::{Subject, file, phase, run, spec};
use crate::executor::ExecEvent;

/// Every exit code is passed on as it is.
pub async fn exit_codes_are_exact(subject: &dyn Subject) {
    for (number, code) in [0, 1, 2, 42, 127, 255].into_iter().enumerate() {
        let told = run(
            subject,
            &spec(subject, number as u32, &[&format!("exit {code}")]),
        )
        .await;
        let expected = (code != 0).then_some(VerdictKind::ScriptExit);
        assert_eq!(told.verdict(), expected, "exit {code}");
        assert_eq!(told.outcome.exit_code, Some(code));
        assert_eq!(told.phases(), [("step_script".to_owned(), code)]);
    }
}

/// A script without output succeeds, and says first where it runs.
pub async fn stops_at_no_output(subject: &dyn Subject) {
    let told = run(subject, &spec(subject, 0, &[":"])).await;
    assert_eq!(told.outcome.verdict, None);
    assert!(told.output.is_empty());
    let placed = told
        .events
        .iter()
        .find(|event| !matches!(event, ExecEvent::Notice(_)));
    assert!(matches!(placed, Some(ExecEvent::Placed(_))), "{placed:?}");
}

/// A shell that a signal killed ended with 128 + n.
pub async fn signals_become_128_plus_n(subject: &dyn Subject) {
    // Not `$$` alone: the first process of a container ignores signals it has no handler for.
    let told = run(subject, &spec(subject, 0, &["sh -c 'kill -9 $$'; exit $?"])).await;
    assert_eq!(told.outcome.exit_code, Some(137));
    let told = run(
        subject,
        &spec(subject, 1, &["(sh -c 'kill -15 $$'); exit $?"]),
    )
    .await;
    assert_eq!(told.outcome.exit_code, Some(143));
}

/// Variables arrive byte for byte, nothing of the runner's own does, and files lie where the job is told.
pub async fn environment_and_files_arrive(subject: &dyn Subject) {
    let mut spec = spec(
        subject,
        0,
        &[
            "printf '%s|' \"$PLAIN\" \"$LINES_\" \"$EMPTY\" \"${CARGO_MANIFEST_DIR-none}\"; cat \"$FILE\"; cat input",
        ],
    );
    let inside = spec.tmp_dir_inside.join("FILE");
    spec.env = vec![
        ("PLAIN".into(), "a 'b' \"c\" $d é".into()),
        ("LINES_".into(), "one\ntwo\n".into()),
        ("EMPTY".into(), String::new()),
        ("FILE".into(), inside.display().to_string()),
    ];
    write(&spec.tmp_dir.join("FILE"), "content of the file");
    write(&file(&spec, "input"), " and of the copy");
    let told = run(subject, &spec).await;
    assert_eq!(
        told.text(),
        "a 'b' \"c\" $d é|one\ntwo\n||none|content of the file and of the copy"
    );
}

/// A script may be far longer than a command line.
pub async fn scripts_longer_than_a_command_line(subject: &dyn Subject) {
    let mut script = "true # padding padding padding padding padding padding\n".repeat(60_000);
    script.push_str("echo done");
    let told = run(subject, &spec(subject, 0, &[&script])).await;
    assert_eq!(told.text(), "done\n");
}

/// Phases run in order, each in a shell of its own, on the same files.
pub async fn phases_follow_each_other(subject: &dyn Subject) {
    let scripts = [
        "V=1; echo first; echo made > made; echo x > /tmp/aqueduct-conformance",
        "echo second ${V-unset}; cat made; cat /tmp/aqueduct-conformance; rm /tmp/aqueduct-conformance; exit 9",
    ];
    let told = run(subject, &spec(subject, 0, &scripts)).await;
    assert_eq!(told.text(), "first\nsecond unset\nmade\nx\n");
    assert_eq!(told.outcome.verdict, None, "only the first phase decides");
    assert_eq!(
        told.phases(),
        [
            ("step_script".to_owned(), 0),
            ("after_script".to_owned(), 9)
        ]
    );
}

/// A later phase runs after a failure and is told of it; the first one isn't told anything.
pub async fn later_phases_follow_failure_and_know_the_status(subject: &dyn Subject) {
    let script = "echo ${CI_JOB_STATUS-unset}";
    let told = run(
        subject,
        &spec(subject, 0, &[&format!("{script}; exit 3"), script]),
    )
    .await;
    assert_eq!(told.text(), "unset\nfailed\n");
    assert_eq!(told.outcome.exit_code, Some(3));
    let told = run(subject, &spec(subject, 1, &[script, script])).await;
    assert_eq!(told.text(), "unset\nsuccess\n");
}

/// Two attempts at the same time don't see each other's files.
pub async fn working_copies_are_isolated(subject: &dyn Subject) {
    let script = |name: &str| format!("touch {name}; sleep 0.3; ls");
    let (one, two) = (
        spec(subject, 0, &[&script("one")]),
        spec(subject, 1, &[&script("two")]),
    );
    let (one, two) = tokio::join!(run(subject, &one), run(subject, &two));
    assert_eq!((one.text(), two.text()), ("one\n".into(), "two\n".into()));
}

/// The shell starts in the project's directory, under the name the job was given.
pub async fn the_script_runs_in_project_dir(subject: &dyn Subject) {
    let mut spec = spec(subject, 0, &["pwd"]);
    spec.phases.push(phase("after_script", "pwd"));
    let told = run(subject, &spec).await;
    let dir = spec.project_dir.display();
    assert_eq!(told.text(), format!("{dir}\n{dir}\n"));
}

fn write(path: &std::path::Path, text: &str) {
    if let Err(error) = std::fs::write(path, text) {
        panic!("{}: {error}", path.display());
    }
}
