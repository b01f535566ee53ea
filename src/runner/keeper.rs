//! Keeps a lease alive and hears what is wanted of the attempt.

use std::{sync::Arc, time::Instant};

use aqueduct_core::time::Millis;
use aqueduct_ports::work::{Assignment, Directive, Lease, WorkError, WorkSource};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::config::Shutdown;

/// What is wanted of an attempt, in rising order: it never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Go on.
    Run,
    /// Stop it with this grace; a later one with less of it stops `after_script` too.
    Cancel(Millis),
    /// The lease is over: somebody else speaks for the job now.
    Lost,
}

/// Hears the signals of one attempt. Dropping the keeper ends the renewals.
pub(crate) struct Keeper {
    signal: watch::Receiver<Signal>,
    task: AbortHandle,
}

impl Keeper {
    /// Renews the lease every third of its time until dropped. An interrupted runner's jobs are cancelled with `grace`, a
    /// killed one's without.
    pub(crate) fn start(
        source: Arc<dyn WorkSource>,
        assignment: &Assignment,
        shutdown: Shutdown,
        grace: Millis,
    ) -> Self {
        let (sender, signal) = watch::channel(Signal::Run);
        let keeping = Keeping {
            source,
            lease: assignment.lease.clone(),
            lease_time: assignment.lease_time,
            patience: assignment.patience,
            grace,
            signal: sender,
        };
        let task = tokio::spawn(keeping.keep(shutdown)).abort_handle();
        Self { signal, task }
    }

    /// A receiver of its own: it sees the present signal, then each change.
    pub(crate) fn signals(&self) -> watch::Receiver<Signal> {
        self.signal.clone()
    }

    /// What is wanted now.
    pub(crate) fn now(&self) -> Signal {
        *self.signal.borrow()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Keeping {
    source: Arc<dyn WorkSource>,
    lease: Lease,
    lease_time: Millis,
    patience: Millis,
    grace: Millis,
    signal: watch::Sender<Signal>,
}

impl Keeping {
    async fn keep(self, shutdown: Shutdown) {
        tokio::select! {
            () = self.renew() => {}
            () = self.listen() => {}
            () = self.wait_for_kill(&shutdown.kill) => {}
            () = self.wait_for_interrupt(&shutdown.interrupt) => {}
        }
    }

    async fn renew(&self) {
        let third = self.lease_time.to_std() / 3;
        let mut ticks = interval(third.max(std::time::Duration::from_millis(10)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, and the lease is new.
        ticks.tick().await;
        let mut renewed = Instant::now();
        loop {
            ticks.tick().await;
            match self.source.renew(&self.lease).await {
                Ok(directive) => {
                    renewed = Instant::now();
                    self.hear(directive);
                }
                Err(WorkError::Stale) => return self.raise(Signal::Lost),
                Err(_) if renewed.elapsed() > self.patience.to_std() => {
                    return self.raise(Signal::Lost);
                }
                Err(error) => tracing::warn!(attempt = %self.lease.key, %error, "can't renew"),
            }
        }
    }

    /// Never ends: each cancel is heard, also a second one with less grace.
    async fn listen(&self) {
        loop {
            let directive = self.source.canceled(&self.lease).await;
            self.hear(directive);
            // A source that answers at once, again and again, must not spin.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    async fn wait_for_kill(&self, kill: &CancellationToken) {
        kill.cancelled().await;
        self.raise(Signal::Cancel(Millis(0)));
        // Nothing more severe can come, but for the loss of the lease.
        self.renew().await;
    }

    /// The grace covers `after_script` too.
    async fn wait_for_interrupt(&self, interrupt: &CancellationToken) {
        interrupt.cancelled().await;
        self.raise(Signal::Cancel(self.grace));
        tokio::time::sleep(self.grace.to_std()).await;
        self.raise(Signal::Cancel(Millis(0)));
        std::future::pending::<()>().await;
    }

    fn hear(&self, directive: Directive) {
        if let Directive::Cancel { grace } = directive {
            self.raise(Signal::Cancel(grace));
        }
    }

    fn raise(&self, to: Signal) {
        self.signal.send_if_modified(|signal| {
            let rises = match (*signal, to) {
                (Signal::Run, to) => to != Signal::Run,
                (Signal::Cancel(before), Signal::Cancel(now)) => now < before,
                (Signal::Cancel(_), Signal::Lost) => true,
                (Signal::Cancel(_), Signal::Run) | (Signal::Lost, _) => false,
            };
            if rises {
                *signal = to;
            }
            rises
        });
    }
}
