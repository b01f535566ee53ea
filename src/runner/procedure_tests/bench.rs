//! A guard against a job's overhead growing by an order of magnitude; the benchmark proper is `cargo xtask bench run`.

use std::time::{Duration, Instant};

use super::rig::{Rig, job, key, only_end};

#[tokio::test(flavor = "multi_thread")]
async fn sixty_one_line_jobs_take_a_moment() {
    let mut rig = Rig::new(&[("a", "1"), ("b/c", "2")]);
    rig.slots = 4;
    let jobs = (1..=60)
        .map(|number| job(number, &["echo hello"]).build())
        .collect();
    let begun = Instant::now();
    let source = rig.run(jobs).await;
    let took = begun.elapsed();
    println!(
        "60 jobs: {took:?}, overlay: {}",
        rig.workspace.uses_overlay()
    );
    assert!((1..=60).all(|number| only_end(&source.record(key(number))).verdict.is_none()));
    assert!(took < Duration::from_secs(5), "{took:?}");
}
