//! Hundreds of jobs on twenty slots, and `kill -9` of coordinator and runners at random moments: each job ends once, its log is what it
//! wrote, its artifacts are whole, and nothing is left behind.
//!
//! The moments come from a seed that is printed; `AQUEDUCT_CHAOS_SEED` repeats one. Full size: `cargo xtask chaos`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that can't go on must stop, and say what the processes said"
)]

#[path = "chaos/checks.rs"]
mod checks;
#[path = "chaos/faults.rs"]
mod faults;
#[path = "chaos/ledger.rs"]
mod ledger;
#[path = "chaos/pipeline.rs"]
mod pipeline;
#[path = "chaos/processes.rs"]
mod processes;
#[path = "chaos/story.rs"]
mod story;

use aqueduct_testkit::postgres::Postgres;

use story::{Size, run};

/// What `cargo xtask test` has time for.
const MODEST: Size = Size {
    pipelines: 4,
    kills: 12,
    patience_s: 240,
};
/// What the issue asks for: 500 jobs, 50 kills.
const FULL: Size = Size {
    pipelines: 20,
    kills: 50,
    patience_s: 1200,
};

#[tokio::test]
async fn kills_cost_nothing_on_sqlite() {
    run(MODEST, None).await;
}

#[tokio::test]
async fn kills_cost_nothing_on_postgresql() {
    let server = Postgres::start_durable().unwrap();
    run(MODEST, Some(server.database().unwrap())).await;
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask chaos"]
async fn full_size_on_sqlite() {
    run(FULL, None).await;
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask chaos"]
async fn full_size_on_postgresql() {
    let server = Postgres::start_durable().unwrap();
    run(FULL, Some(server.database().unwrap())).await;
}
