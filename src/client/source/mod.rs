//! The port of the source of work over HTTP.

mod held;
mod poll;
mod trace;
mod update;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aqueduct_core::{
    api::runner::{Info, Secret},
    time::Millis,
};
use aqueduct_ports::work::{Assignment, Directive, Lease, Offer, Report, WorkError, WorkSource};
use async_trait::async_trait;
use bytes::Bytes;

pub(crate) use self::held::{Fetched, Held, Leases};
use crate::{api::Api, error::ClientError};

/// Who asks for work.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The runner's token.
    pub token: Secret,
    /// Which machine; the same after a restart.
    pub system_id: String,
    /// Which process; another after a restart.
    pub instance: String,
    /// What it is.
    pub info: Info,
    /// Between SIGTERM and SIGKILL of a job that is cancelled gracefully.
    pub grace: Millis,
}

/// Leases jobs from a server of the API.
#[derive(Debug)]
pub struct HttpWorkSource {
    pub(crate) api: Api,
    identity: Identity,
    pub(crate) leases: Arc<Leases>,
    /// The queue's cursor as last received.
    cursor: Mutex<String>,
    /// Refusals of the token in a row.
    refusals: Mutex<u32>,
}

impl HttpWorkSource {
    /// Makes no call yet.
    pub fn new(api: Api, identity: Identity) -> Self {
        Self {
            api,
            identity,
            leases: Arc::default(),
            cursor: Mutex::default(),
            refusals: Mutex::default(),
        }
    }
}

#[async_trait]
impl WorkSource for HttpWorkSource {
    async fn lease(&self, offer: &Offer) -> Result<Option<Assignment>, WorkError> {
        self.next_job(offer).await.map(Some)
    }

    async fn renew(&self, lease: &Lease) -> Result<Directive, WorkError> {
        let held = self.leases.get(lease)?;
        if !held.was_heard_lately() {
            self.sign_of_life(&held).await?;
        }
        Ok(held.wish().directive())
    }

    async fn canceled(&self, lease: &Lease) -> Directive {
        match self.leases.get(lease) {
            Ok(held) => held.next_cancel().await,
            Err(_) => Directive::Cancel { grace: Millis(0) },
        }
    }

    fn trace_pause(&self, lease: &Lease) -> Duration {
        let held = self.leases.get(lease);
        held.map_or(Duration::ZERO, |held| held.trace_pause())
    }

    async fn append_trace(
        &self,
        lease: &Lease,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError> {
        let held = self.leases.get(lease)?;
        self.patch(&held, offset, bytes).await
    }

    async fn report(&self, lease: &Lease, report: Report) -> Result<(), WorkError> {
        let held = self.leases.get(lease)?;
        match report {
            Report::Started(placement) => self.tell_started(&held, placement).await,
            Report::Finished(end) => self.tell_end(&held, &end).await,
        }
    }
}

fn unavailable(error: &ClientError) -> WorkError {
    WorkError::Unavailable(error.to_string())
}

/// A lock whose every change is one step, so that a panic leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
