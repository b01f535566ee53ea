//! Stopping, limiting, removing, refusing.

use std::time::{Duration, Instant};

use aqueduct_core::{platform::Arch, time::Millis, verdict::VerdictKind};

use super::{Lacking, Subject, file, follow, must, refusal, run, spec, start, until_output};
use crate::executor::ExecEvent;

/// A cancel is SIGTERM first: a script that handles it ends in its own way, and `after_script` still runs.
pub async fn cancel_asks_first(subject: &dyn Subject) {
    let script = "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let handle = start(
        subject,
        &spec(subject, 0, &[script, "echo after $CI_JOB_STATUS"]),
    )
    .await;
    until_output(subject, &handle, "ready").await;
    must(
        subject
            .executor()
            .cancel(&handle, Millis::from_secs(20))
            .await,
    );
    let told = follow(subject, &handle).await;
    assert_eq!(told.verdict(), Some(VerdictKind::Canceled));
    assert_eq!(told.outcome.exit_code, Some(5));
    // bash adds a line of its own about what it waited for.
    let text = told.text();
    assert!(text.ends_with("asked\nafter canceled\n"), "{text}");
    must(subject.executor().cancel(&handle, Millis(0)).await);
    must(subject.executor().destroy(&handle).await);
}

/// After the grace period everything is killed, also what ignores SIGTERM or left the process group.
pub async fn cancel_kills_the_whole_group(subject: &dyn Subject) {
    let script = "trap '' TERM; sleep 7653 & (setsid sleep 7653 || sleep 7653) > /dev/null 2>&1 & \
                  echo ready; while :; do sleep 7653; done";
    let handle = start(subject, &spec(subject, 0, &[script])).await;
    until_output(subject, &handle, "ready").await;
    let started = Instant::now();
    must(subject.executor().cancel(&handle, Millis(300)).await);
    let told = follow(subject, &handle).await;
    assert_eq!(told.verdict(), Some(VerdictKind::Canceled));
    assert_eq!(told.outcome.exit_code, Some(137));
    let took = started.elapsed();
    assert!(
        (Duration::from_millis(250)..Duration::from_secs(10)).contains(&took),
        "{took:?}"
    );
    must(subject.executor().destroy(&handle).await);
    assert_eq!(subject.processes("sleep 7653"), 0);
}

/// A cancel during `after_script` ends that too; a cancel without grace keeps it from starting.
pub async fn a_second_cancel_stops_the_after_script(subject: &dyn Subject) {
    let scripts = ["echo one; sleep 60", "echo two; sleep 60"];
    let handle = start(subject, &spec(subject, 0, &scripts)).await;
    for word in ["one", "two"] {
        until_output(subject, &handle, word).await;
        must(subject.executor().cancel(&handle, Millis(200)).await);
    }
    let told = follow(subject, &handle).await;
    assert_eq!(
        (told.text().as_str(), told.phases().len()),
        ("one\ntwo\n", 2)
    );
    must(subject.executor().destroy(&handle).await);

    let handle = start(subject, &spec(subject, 1, &scripts)).await;
    until_output(subject, &handle, "one").await;
    must(subject.executor().cancel(&handle, Millis(0)).await);
    let told = follow(subject, &handle).await;
    assert_eq!((told.text().as_str(), told.phases().len()), ("one\n", 1));
    must(subject.executor().destroy(&handle).await);
}

/// A timeout is a verdict of its own; `after_script` follows only if it says so.
pub async fn timeout_is_told_apart(subject: &dyn Subject) {
    for (number, after_timeout) in [(0, false), (1, true)] {
        let mut spec = spec(subject, number, &["echo one; sleep 60", "echo two"]);
        spec.timeout = Millis(1500);
        spec.grace = Millis(500);
        spec.phases[1].after_timeout = after_timeout;
        let told = run(subject, &spec).await;
        assert_eq!(told.verdict(), Some(VerdictKind::ScriptTimeout));
        assert_eq!(told.text().contains("two"), after_timeout);
    }
}

/// A second `ensure` starts nothing and gives the same handle.
pub async fn ensure_is_idempotent(subject: &dyn Subject) {
    let spec = spec(subject, 0, &["echo x >> count; sleep 0.3"]);
    let first = start(subject, &spec).await;
    let second = start(subject, &spec).await;
    assert_eq!(first, second);
    follow(subject, &first).await;
    assert_eq!(start(subject, &spec).await, first, "also after its end");
    let count = std::fs::read_to_string(file(&spec, "count")).unwrap_or_default();
    assert_eq!(count, "x\n");
    must(subject.executor().destroy(&first).await);
}

/// An attempt is listed until it is destroyed; the working copy stays; a second destroy is legal.
pub async fn destroy_is_idempotent_and_listed(subject: &dyn Subject) {
    let spec = spec(subject, 0, &["touch made"]);
    let handle = start(subject, &spec).await;
    follow(subject, &handle).await;
    assert!(must(subject.executor().list().await).contains(&handle));
    for _ in 0..2 {
        must(subject.executor().destroy(&handle).await);
        assert!(!must(subject.executor().list().await).contains(&handle));
    }
    assert!(file(&spec, "made").exists());
    assert!(subject.executor().attach(&handle).await.is_err());
}

/// Destroying a running attempt ends it, for its readers too.
pub async fn destroy_kills_what_runs(subject: &dyn Subject) {
    let handle = start(
        subject,
        &spec(subject, 0, &["echo ready; sleep 7652", "echo never"]),
    )
    .await;
    until_output(subject, &handle, "ready").await;
    let mut reader = must(subject.executor().attach(&handle).await);
    must(subject.executor().destroy(&handle).await);
    assert_eq!(subject.processes("sleep 7652"), 0);
    let mut last = None;
    while let Some(event) = reader.recv().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(ExecEvent::Ended(_))), "{last:?}");
}

/// More memory than the limit is `script.oom` with the peak; less is reported.
pub async fn memory_limit_is_enforced(subject: &dyn Subject) {
    if !subject.limits_memory() {
        return;
    }
    let mut greedy = spec(
        subject,
        0,
        &["dd if=/dev/zero of=/dev/null bs=256M count=1; exit $?"],
    );
    greedy.memory_limit = Some(64 << 20);
    let told = run(subject, &greedy).await;
    assert_eq!(told.verdict(), Some(VerdictKind::ScriptOom), "{told:?}");
    let peak = told.outcome.peak_memory.unwrap_or(0);
    assert!((32 << 20..=64 << 20).contains(&peak), "{peak}");
    let mut modest = spec(
        subject,
        1,
        &["dd if=/dev/zero of=/dev/null bs=16M count=1 2>/dev/null"],
    );
    modest.memory_limit = Some(256 << 20);
    let told = run(subject, &modest).await;
    assert_eq!(told.outcome.verdict, None);
    let peak = told.outcome.peak_memory.unwrap_or(0);
    assert!((8 << 20..256 << 20).contains(&peak), "{peak}");
}

/// An image that isn't there, or not for the architecture, is told as exactly that, with a way out.
pub async fn missing_images_are_the_pipelines_fault(subject: &dyn Subject) {
    let (Some(absent), Some(partial)) = (
        subject.image_without(Lacking::Everything),
        subject.image_without(Lacking::Arm64),
    ) else {
        return;
    };
    let mut missing = spec(subject, 0, &["true"]);
    missing.image = Some(absent);
    let verdict = refusal(subject, &missing).await;
    assert_eq!(verdict.kind, VerdictKind::ImageNotFound, "{verdict}");
    assert!(!verdict.hint().is_empty());

    let mut foreign = spec(subject, 1, &["true"]);
    foreign.image = Some(partial);
    foreign.arch = Some(Arch::Arm64);
    let verdict = refusal(subject, &foreign).await;
    assert_eq!(verdict.kind, VerdictKind::ImageNoPlatform, "{verdict}");
    assert!(verdict.cause.contains("linux/arm64"), "{verdict}");
}
