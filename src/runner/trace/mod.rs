//! A job's trace on its way to the source of work: masked, numbered by byte, capped.

mod coverage;
mod section;
mod sender;
mod spool;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aqueduct_core::mask::Masker;
use aqueduct_ports::{
    clock::Clock,
    release::ReleaseLog,
    work::{Lease, WorkSource},
};
use tokio::{sync::Notify, task::JoinHandle};

use self::{coverage::CoverageScanner, sender::Sender};

/// A pause after which the output counts as waiting for somebody.
const QUIET_AFTER: Duration = Duration::from_millis(500);
/// Bytes that may wait to be sent before a writer has to wait for the sender.
const HIGH_WATER: usize = 512 * 1024;
/// Start of GitLab's red bold.
const RED: &str = "\x1b[31;1m";
/// Start of GitLab's yellow.
const YELLOW: &str = "\x1b[0;33m";
/// End of any colour.
const RESET: &str = "\x1b[0;m";

/// What a trace is made with.
pub(crate) struct TraceConfig<'a> {
    pub(crate) source: Arc<dyn WorkSource>,
    pub(crate) lease: Lease,
    pub(crate) clock: Arc<dyn Clock>,
    /// Values that never show.
    pub(crate) secrets: Vec<&'a str>,
    /// Bytes it may have.
    pub(crate) limit: u64,
    /// Room for it until it has ended.
    pub(crate) spool_dir: Option<PathBuf>,
    /// The `coverage` expression.
    pub(crate) coverage: Option<&'a str>,
}

/// Takes a job's output. Cheap to clone; the clones write to the same trace.
#[derive(Clone)]
pub(crate) struct Trace {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn WorkSource>,
    lease: Lease,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Rung when there is something to send.
    written: Notify,
    sender: tokio::sync::Mutex<Sender>,
}

struct State {
    masker: Masker,
    coverage: Option<CoverageScanner>,
    /// Masked, not yet handed to the sender.
    pending: Vec<u8>,
    /// Bytes that may still be taken; `None` once the notice about it stands.
    left: Option<u64>,
    /// Whether the last byte taken ended a line.
    at_line_start: bool,
}

/// What a finished trace tells.
#[derive(Debug, Default)]
pub(crate) struct TraceEnd {
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// What `coverage` found.
    pub(crate) coverage: Option<String>,
}

impl Trace {
    /// A trace, and the task that sends it until [`Self::finish`].
    pub(crate) fn start(config: TraceConfig<'_>) -> (Self, JoinHandle<()>) {
        let state = State {
            masker: Masker::new(config.secrets.iter().copied()),
            coverage: config.coverage.and_then(CoverageScanner::new),
            pending: Vec::new(),
            left: Some(config.limit),
            at_line_start: true,
        };
        let trace = Self {
            shared: Arc::new(Shared {
                source: config.source.clone(),
                lease: config.lease.clone(),
                clock: config.clock,
                state: Mutex::new(state),
                written: Notify::new(),
                sender: tokio::sync::Mutex::new(Sender::new(
                    config.source,
                    config.lease,
                    config.spool_dir,
                )),
            }),
        };
        let flusher = trace.clone();
        (trace, tokio::spawn(flusher.keep_flushing()))
    }

    async fn keep_flushing(self) {
        loop {
            self.shared.written.notified().await;
            let pause = self.shared.source.trace_pause(&self.shared.lease);
            tokio::time::sleep(pause).await;
            self.flush().await;
            let more = tokio::time::timeout(QUIET_AFTER, self.shared.written.notified()).await;
            if more.is_err() {
                self.state().quiet();
                self.flush().await;
            } else {
                self.shared.written.notify_one();
            }
        }
    }

    /// Takes output as it comes; waits while too much is unsent.
    pub(crate) async fn output(&self, bytes: &[u8]) {
        let pending = self.push(bytes);
        if pending >= HIGH_WATER {
            self.flush().await;
        }
    }

    /// A line of the runner's own, on a line of its own.
    pub(crate) fn line(&self, text: &str) {
        let mut state = self.state();
        let newline = if state.at_line_start { "" } else { "\n" };
        state.take(format!("{newline}{text}\n").as_bytes());
        drop(state);
        self.shared.written.notify_one();
    }

    /// A line that shows as a warning.
    pub(crate) fn warning(&self, text: &str) {
        self.line(&format!("{YELLOW}WARNING: {text}{RESET}"));
    }

    /// A line that shows as an error.
    pub(crate) fn error(&self, text: &str) {
        self.line(&format!("{RED}ERROR: {text}{RESET}"));
    }

    /// Opens a section.
    pub(crate) fn section_start(&self, name: &str, header: &str) {
        let marker = section::start(name, header, self.shared.clock.now());
        self.line(marker.trim_end_matches('\n'));
    }

    /// Closes a section.
    pub(crate) fn section_end(&self, name: &str) {
        let marker = section::end(name, self.shared.clock.now());
        let mut state = self.state();
        let newline = if state.at_line_start { "" } else { "\n" };
        state.take(format!("{newline}{marker}").as_bytes());
        // The next line begins right behind the marker, as in GitLab's traces.
        state.at_line_start = true;
    }

    /// Lets the masker give up what it held back, and sends the rest.
    pub(crate) async fn finish(&self) -> TraceEnd {
        let coverage = {
            let mut state = self.state();
            let mut rest = Vec::new();
            state.masker.finish(&mut rest);
            state.keep(&rest);
            state.coverage.take()
        };
        self.flush().await;
        TraceEnd {
            bytes: self.shared.sender.lock().await.offset(),
            coverage: coverage.and_then(CoverageScanner::finish),
        }
    }

    /// Sends again from byte `stored` on; false if those bytes are no longer here.
    pub(crate) async fn resend(&self, stored: u64) -> bool {
        let there = self.shared.sender.lock().await.rewind(stored);
        if there {
            self.flush().await;
        }
        there
    }

    fn push(&self, bytes: &[u8]) -> usize {
        let mut state = self.state();
        state.take(bytes);
        let pending = state.pending.len();
        drop(state);
        self.shared.written.notify_one();
        pending
    }

    async fn flush(&self) {
        let mut sender = self.shared.sender.lock().await;
        let bytes = std::mem::take(&mut self.state().pending);
        sender.send(&bytes).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A writer that panicked left whole bytes behind.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Nothing came for a while: what is held back because it may begin a secret shows, as a prompt does.
    fn quiet(&mut self) {
        let mut held = Vec::new();
        self.masker.quiet(&mut held);
        self.keep(&held);
    }

    /// Masks and keeps.
    fn take(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
            let mut masked = Vec::with_capacity(bytes.len());
            self.masker.push(bytes, &mut masked);
            self.keep(&masked);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(coverage) = &mut self.coverage {
            coverage.push(bytes);
        }
        let Some(left) = self.left else { return };
        let fits = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.pending
            .extend_from_slice(bytes.get(..fits).unwrap_or_default());
        self.left = Some(left - fits as u64);
        if fits < bytes.len() {
            self.left = None;
            let notice = format!(
                "\n{YELLOW}WARNING: the log has reached its limit; the job goes on, the rest of its output is dropped{RESET}\n"
            );
            self.pending.extend_from_slice(notice.as_bytes());
        }
    }
}

impl ReleaseLog for Trace {
    fn line(&self, text: &str) {
        Self::line(self, text);
    }
}
