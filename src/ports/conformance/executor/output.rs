//! Not a byte of output is lost, added or moved.

use std::time::{Duration, Instant};

use super::{Subject, follow, must, run, spec, start};

/// Standard output and error come as one stream in the order written.
pub async fn streams_share_one_order(subject: &dyn Subject) {
    let script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    let told = run(subject, &spec(subject, 0, &[script])).await;
    assert_eq!(told.text(), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
}

/// The last line needs no end.
pub async fn output_without_newline_arrives(subject: &dyn Subject) {
    let told = run(subject, &spec(subject, 0, &["printf 'no end'"])).await;
    assert_eq!(told.text(), "no end");
}

/// 200 MB come byte for byte, however slow the reader.
pub async fn much_output_is_exact(subject: &dyn Subject) {
    const LINE: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
    let lines = 200_000_000 / LINE.len();
    // Doubles a file up to a mebibyte, then prints it often enough: quick in every shell.
    let script = format!(
        "printf '{}\\n' > f; n=64; while [ $n -lt 1048576 ]; do cat f f > g; mv g f; n=$((n*2)); done; \
         i=0; while [ $i -lt {} ]; do cat f; i=$((i+1)); done; head -c {} f",
        String::from_utf8_lossy(&LINE[..63]),
        lines / 16384,
        lines % 16384 * 64,
    );
    let told = run(subject, &spec(subject, 0, &[&script])).await;
    assert_eq!(told.outcome.verdict, None);
    assert_eq!(told.output.len(), lines * LINE.len());
    assert!(
        told.output
            .chunks_exact(LINE.len())
            .all(|line| line == LINE)
    );
}

/// A process left in the background that keeps the output open doesn't keep the job, and doesn't outlive it.
pub async fn background_processes_dont_hold_the_job(subject: &dyn Subject) {
    let started = Instant::now();
    let told = run(subject, &spec(subject, 0, &["sleep 7654 & echo done"])).await;
    assert_eq!(told.text(), "done\n");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(subject.processes("sleep 7654"), 0);
}

/// Who attaches late, or a second time, gets all events from the first on.
pub async fn every_reader_gets_everything(subject: &dyn Subject) {
    let handle = start(
        subject,
        &spec(subject, 0, &["echo one; sleep 0.2; echo two"]),
    )
    .await;
    let (first, second) = tokio::join!(follow(subject, &handle), follow(subject, &handle));
    let late = follow(subject, &handle).await;
    for told in [&first, &second, &late] {
        assert_eq!(told.text(), "one\ntwo\n");
        assert_eq!(told.phases(), first.phases());
    }
    must(subject.executor().destroy(&handle).await);
}
