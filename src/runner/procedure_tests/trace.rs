//! The trace arrives byte for byte, whatever happens on the way.

use super::{
    rig::{Rig, job, key, only_end, output_of, readable},
    source::Trouble,
};

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_is_lost_or_doubled_when_the_source_fails() {
    for trouble in [Trouble::Appends, Trouble::ShortAppends, Trouble::Reports] {
        let mut rig = Rig::new(&[]);
        rig.trouble = trouble;
        let built = job(1, &["seq 1 5000; sleep 0.2; seq 5001 10000; printf end"]).build();
        let source = rig.run(vec![built]).await;
        let record = source.record(key(1));
        let end = only_end(&record);
        assert_eq!(end.trace_bytes, record.trace.len() as u64, "{trouble:?}");
        let numbers: Vec<String> = (1..=10_000).map(|number: u32| number.to_string()).collect();
        let expected = numbers.join("\n");
        assert!(
            output_of(&readable(&record)).starts_with(&expected),
            "{trouble:?}"
        );
        assert!(record.started >= 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_lost_the_whole_trace_is_sent_it_again() {
    let mut rig = Rig::new(&[]);
    rig.trouble = Trouble::Forgets;
    let built = job(1, &["seq 1 700000"]).build();
    let source = rig.run(vec![built]).await;
    let record = source.record(key(1));
    assert_eq!(record.forgotten, 2);
    let end = only_end(&record);
    assert_eq!(end.trace_bytes, record.trace.len() as u64);
    let numbers: Vec<String> = (1..=700_000)
        .map(|number: u32| number.to_string())
        .collect();
    assert!(output_of(&readable(&record)).starts_with(&numbers.join("\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_stay_as_they_are() {
    let rig = Rig::new(&[]);
    let built = job(1, &[r"printf '\377\376\000\r\n'"]).build();
    let source = rig.run(vec![built]).await;
    let trace = source.record(key(1)).trace;
    let needle = b"\xff\xfe\x00\r\n";
    assert!(
        trace.windows(needle.len()).any(|window| window == needle),
        "{trace:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_masked_across_writes() {
    let rig = Rig::new(&[]);
    let (_, trace) = rig
        .run_one(
            job(
                1,
                &["printf %.8s \"$TOKEN\"; sleep 0.2; echo \"$TOKEN\" | cut -c9-; echo \"$OTHER\""],
            )
            .secret("TOKEN", "abcdefghijklmnop")
            .secret("OTHER", "pay$$load"),
        )
        .await;
    assert!(
        !trace.contains("ijklmnop") && !trace.contains("pay$load"),
        "{trace}"
    );
    assert!(trace.contains("[MASKED]"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_is_capped_and_the_job_goes_on() {
    let mut rig = Rig::new(&[]);
    rig.trace_limit = 10_000;
    let (end, trace) = rig.run_one(job(1, &["seq 1 100000", "exit 5"])).await;
    assert_eq!(end.exit_code, Some(5));
    assert!(trace.len() < 10_300, "{}", trace.len());
    assert!(trace.contains("the log has reached its limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn output_shows_while_the_job_runs() {
    let rig = Rig::new(&[]);
    let built = job(1, &["printf 'prompt> '; sleep 5"]).build();
    let source = std::sync::Arc::new(super::source::Source::new(vec![built], Trouble::None));
    let running = tokio::spawn(crate::run(
        rig.config(),
        source.clone(),
        crate::Shutdown::default(),
    ));
    source.trace_has(key(1), "prompt> ").await;
    assert!(source.record(key(1)).ends.is_empty());
    source.cancel(aqueduct_core::time::Millis(0));
    running.await.unwrap().unwrap();
}
