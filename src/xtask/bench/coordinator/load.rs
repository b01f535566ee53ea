//! Who used the processors.

use std::{process, time::Instant};

use super::server::Server;
use crate::{bench::measure::processor_seconds, stage::say};

/// Processor time since a moment, of the coordinator and of this program.
pub(super) struct Load {
    coordinator: u32,
    began: Instant,
    before: (f64, f64),
}

impl Load {
    pub(super) fn of(server: &Server) -> Self {
        let coordinator = server.id();
        Self {
            coordinator,
            began: Instant::now(),
            before: used(coordinator),
        }
    }

    /// Says what each used of one processor.
    pub(super) fn tell(&self, jobs: usize) {
        let (ours, own) = used(self.coordinator);
        let (ours, own) = (ours - self.before.0, own - self.before.1);
        let took = self.began.elapsed().as_secs_f64();
        let each = 1e6 / jobs as f64;
        say(&format!(
            "   processors: the coordinator {:.0} % of one ({:.0} us a job), the load generator {:.0} % ({:.0} us a job)",
            100.0 * ours / took,
            ours * each,
            100.0 * own / took,
            own * each,
        ));
    }
}

fn used(coordinator: u32) -> (f64, f64) {
    let seconds = |process| processor_seconds(process).unwrap_or(f64::NAN);
    (seconds(coordinator), seconds(process::id()))
}
