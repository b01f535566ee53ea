//! A runner in the coordinator's own process: its source of work is the fleet itself, its artifacts come straight out of the
//! objects. What it may do is what its runner loop is made of; for the release worker, `index` and `publish` jobs.
//!
//! It is a runner like any other, with a row that people see, but no token: nobody can speak for it from outside.

mod artifacts;
mod assignment;
mod held;
mod presence;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aqueduct_core::{time::Millis, verdict::VerdictKind};
use aqueduct_ports::executor::Placement;
use aqueduct_ports::work::{
    Assignment, Directive, JobEnd, Lease, Offer, Report, WorkError, WorkSource,
};
use async_trait::async_trait;
use bytes::Bytes;

use self::{
    assignment::{assignment, key},
    held::Held,
};
use super::{Claim, Claimer, End, Fleet, FleetError, Holder, Standing};

pub use artifacts::FleetArtifacts;

/// How long one claim waits. Between two of them the row shows a contact, and is looked at for what people changed.
const POLL: Duration = Duration::from_secs(20);
/// What a renewal extends the lease by.
const LEASE: Millis = Millis::from_secs(60);

/// Work out of a fleet in the same process.
pub struct FleetWork {
    fleet: Arc<Fleet>,
    instance: String,
    leases: Mutex<BTreeMap<u64, Arc<Held>>>,
    last: AtomicU64,
}

impl FleetWork {
    /// Takes the place of a dead predecessor: what that one had is handed out again. That costs no retry, since indexes and
    /// publications go on where they stopped, and nobody but the coordinator is to blame for its end.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn enlist(fleet: Arc<Fleet>, description: &str) -> Result<Self, FleetError> {
        let work = Self {
            instance: fleet.token(""),
            fleet,
            leases: Mutex::default(),
            last: AtomicU64::new(0),
        };
        let (manager, _) = work.presence(description).await?;
        // Whether or not the predecessor was known to be replaced: a kill may have come in between.
        let lost = work.fleet.manager_stopped(manager).await?;
        if lost > 0 {
            tracing::info!(lost, "jobs of a killed {description} are handed out again");
        }
        Ok(work)
    }

    /// `None` if it was taken away again meanwhile.
    fn hold(&self, claim: Claim) -> Option<Assignment> {
        let holder = self.fleet.holder(&claim.report_token)?;
        let lease = Lease {
            key: key(&claim, claim.attempt),
            token: self.last.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let held = Arc::new(Held::new(holder));
        self.leases().insert(lease.token, held);
        Some(assignment(lease, claim))
    }

    fn held(&self, lease: &Lease) -> Result<Arc<Held>, WorkError> {
        self.leases()
            .get(&lease.token)
            .cloned()
            .ok_or(WorkError::Stale)
    }

    fn leases(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Held>>> {
        // Every change is one call, so a poisoned lock guards a sound state.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an answer means; a lease that is over is known no longer.
    fn hear(&self, lease: &Lease, held: &Held, standing: Standing) -> Result<Directive, WorkError> {
        let heard = held.hear(standing);
        if heard.is_err() {
            self.leases().remove(&lease.token);
        }
        heard
    }

    async fn started(&self, lease: &Lease, placement: &Placement) -> Result<(), WorkError> {
        let held = self.held(lease)?;
        let standing = self.fleet.started(&held.holder, placement, LEASE).await;
        let standing = standing.map_err(|error| unavailable(&error))?;
        self.hear(lease, &held, standing).map(drop)
    }

    async fn finish(&self, lease: &Lease, end: &JobEnd) -> Result<(), WorkError> {
        let holder: Holder = self.held(lease)?.holder;
        if end.verdict.as_ref().map(|verdict| verdict.kind) == Some(VerdictKind::RunnerLost) {
            return self.hand_back(lease, &holder).await;
        }
        let ended = self.fleet.finish(&holder, end).await;
        let ended = ended.map_err(|error| unavailable(&error))?;
        if let End::TraceIncomplete { stored } = ended {
            return Err(WorkError::TraceIncomplete { stored });
        }
        self.leases().remove(&lease.token);
        match ended {
            End::Over(_) => Err(WorkError::Stale),
            _ => Ok(()),
        }
    }
}

impl FleetWork {
    /// The worker was stopped in the middle: whoever comes next goes on.
    async fn hand_back(&self, lease: &Lease, holder: &Holder) -> Result<(), WorkError> {
        let returned = self.fleet.hand_back(holder).await;
        returned.map_err(|error| unavailable(&error))?;
        self.leases().remove(&lease.token);
        Ok(())
    }
}

#[async_trait]
impl WorkSource for FleetWork {
    async fn lease(&self, offer: &Offer) -> Result<Option<Assignment>, WorkError> {
        loop {
            let (manager, row) = self
                .presence(&offer.runner)
                .await
                .map_err(|error| unavailable(&error.into()))?;
            if row.settings.paused {
                tokio::time::sleep(POLL).await;
                continue;
            }
            let claimer = Claimer {
                manager,
                offer: offer.clone(),
                project: None,
                maximum_timeout: row.settings.maximum_timeout,
            };
            let claim = self.fleet.claim(&claimer, POLL).await;
            let assignment = claim
                .map_err(|error| unavailable(&error))?
                .and_then(|one| self.hold(one));
            if assignment.is_some() {
                return Ok(assignment);
            }
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Directive, WorkError> {
        let held = self.held(lease)?;
        let standing = self.fleet.heartbeat(&held.holder, LEASE).await;
        self.hear(lease, &held, standing.map_err(|error| unavailable(&error))?)
    }

    async fn canceled(&self, lease: &Lease) -> Directive {
        match self.held(lease) {
            Ok(held) => held.next_cancel().await,
            Err(_) => Directive::Cancel { grace: Millis(0) },
        }
    }

    async fn append_trace(
        &self,
        lease: &Lease,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError> {
        let held = self.held(lease)?;
        let appended = self
            .fleet
            .append_trace(&held.holder, offset, bytes, LEASE)
            .await;
        let (standing, appended) = appended.map_err(|error| unavailable(&error))?;
        self.hear(lease, &held, standing)?;
        appended
            .map(|appended| appended.head.received)
            .ok_or(WorkError::Stale)
    }

    async fn report(&self, lease: &Lease, report: Report) -> Result<(), WorkError> {
        match report {
            Report::Started(placement) => self.started(lease, &placement).await,
            Report::Finished(end) => self.finish(lease, &end).await,
        }
    }
}

fn unavailable(error: &FleetError) -> WorkError {
    WorkError::Unavailable(error.to_string())
}
