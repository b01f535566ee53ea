//! The numbers of jobs, as the fleet counted them.

use std::fmt;

use aqueduct_core::{run::Status, verdict::VerdictKind};
use aqueduct_engine::fleet::{Fleet, Tally, WAIT_BOUNDS};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

/// The fleet at one moment.
#[derive(Debug)]
struct Jobs {
    tally: Tally,
    waiting: usize,
    held: usize,
}

/// Adds the fleet's numbers as they are now.
pub(super) fn register(registry: &mut Registry, fleet: &Fleet) {
    let (waiting, held) = fleet.load_now();
    registry.register_collector(Box::new(Jobs {
        tally: fleet.tally(),
        waiting,
        held,
    }));
}

impl Collector for Jobs {
    fn encode(&self, mut to: DescriptorEncoder) -> Result<(), fmt::Error> {
        gauge(
            &mut to,
            "jobs_waiting",
            "Jobs that wait for a runner",
            self.waiting,
        )?;
        gauge(
            &mut to,
            "jobs_held",
            "Attempts that runners have",
            self.held,
        )?;
        counter(
            &mut to,
            "attempts_claimed",
            "Attempts handed to runners",
            self.tally.claimed,
        )?;
        counter(
            &mut to,
            "attempts_repeated",
            "Attempts that ended without their job: it is tried again",
            self.tally.again,
        )?;
        counter(
            &mut to,
            "trace_bytes",
            "Bytes of job logs that were stored",
            self.tally.trace_bytes,
        )?;
        waited(&mut to, &self.tally)?;
        ended(&mut to, &self.tally)
    }
}

fn gauge(to: &mut DescriptorEncoder, name: &str, help: &str, value: usize) -> fmt::Result {
    let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    let metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    value.encode(metric)
}

fn counter(to: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric)
}

/// How long jobs waited for a runner.
fn waited(to: &mut DescriptorEncoder, tally: &Tally) -> fmt::Result {
    let bounds = WAIT_BOUNDS.iter().map(|bound| seconds(*bound));
    // The encoder writes the largest number as +Inf.
    let buckets: Vec<(f64, u64)> = bounds.chain([f64::MAX]).zip(tally.waited).collect();
    let mut metric = to.encode_descriptor(
        "job_wait_seconds",
        "How long jobs waited for a runner, from pending to claimed",
        None,
        MetricType::Histogram,
    )?;
    let sum = seconds(tally.waited_sum);
    metric.encode_histogram::<NoLabelSet>(sum, tally.claimed, &buckets, None)
}

/// Every verdict from the start on, so that rates need not guess a first zero.
fn ended(to: &mut DescriptorEncoder, tally: &Tally) -> fmt::Result {
    let mut family = to.encode_descriptor(
        "jobs_ended",
        "Jobs that ended, by status and verdict",
        None,
        MetricType::Counter,
    )?;
    let none = [(Status::Success, None), (Status::Skipped, None)];
    let kinds = VerdictKind::ALL.iter().map(|kind| {
        let canceled = *kind == VerdictKind::Canceled;
        let status = if canceled {
            Status::Canceled
        } else {
            Status::Failed
        };
        (status, Some(*kind))
    });
    let mut counts = tally.ended.clone();
    for key in none.into_iter().chain(kinds) {
        counts.entry(key).or_default();
    }
    for ((status, kind), count) in &counts {
        let labels = [
            ("status", status.to_string()),
            ("verdict", kind.map_or("", VerdictKind::name).to_owned()),
        ];
        let metric = family.encode_family(&labels)?;
        ConstCounter::new(*count).encode(metric)?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times of more than 2^53 milliseconds do not occur"
)]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
