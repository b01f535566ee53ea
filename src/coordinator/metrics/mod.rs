//! What `/metrics` tells, in the text format of Prometheus.
//!
//! No label names a project, a branch or a job: whoever may scrape need not be allowed to read those.

mod fleet;

use std::{fmt, time::Duration};

use aqueduct_engine::fleet::Fleet;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

/// Upper bounds of how long requests take, in seconds; the last are of requests that wait for a job.
const TOOK: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0];

/// What is counted of requests, and where all numbers come together.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Histogram>,
    held: Gauge,
}

/// A request that is held, for as long as this lives.
pub(crate) struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("aqueduct");
        let requests = Family::new_with_constructor((|| Histogram::new(TOOK)) as fn() -> Histogram);
        let held = Gauge::default();
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register(
            "http_request_duration_seconds",
            "How long requests took, by method, route and status",
            requests.clone(),
        );
        registry.register(
            "held_requests",
            "Requests for a job that are held until there is one",
            held.clone(),
        );
        Self {
            registry,
            requests,
            held,
        }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let request = Request {
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        };
        self.requests
            .get_or_create(&request)
            .observe(took.as_secs_f64());
    }

    /// A request for a job is held from now on.
    pub(crate) fn hold(&self) -> Held {
        self.held.inc();
        Held(self.held.clone())
    }

    /// All numbers as they are now.
    pub(crate) fn text(&self, fleet: &Fleet) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        let mut jobs = Registry::with_prefix("aqueduct");
        fleet::register(&mut jobs, fleet);
        prometheus_text::encode(&mut text, &jobs)?;
        Ok(text)
    }
}
