//! The leases that this process holds.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aqueduct_core::{
    api::runner::{Output, Payload, Secret, http, payload::Artifact},
    id::AttemptKey,
    time::Millis,
};
use aqueduct_ports::{
    work::{Directive, Lease, WorkError},
    workspace::ArtifactKind,
};
use reqwest::{Response, StatusCode, header::HeaderMap};
use tokio::sync::watch;

use super::lock;
use crate::{artifacts::UploadPlan, assignment::dependency_key};

/// Between two pieces of trace where the server says nothing (runner-protocol 4.2).
const TRACE_PAUSE: Duration = Duration::from_secs(3);
/// Longest pause that a server may ask for: what it gains by a longer one, a person who watches loses.
const LONGEST_TRACE_PAUSE: Duration = Duration::from_secs(15);
/// Refusals of a final update after which nobody wants it.
const MAX_REFUSALS: u32 = 10;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: Mutex<BTreeMap<u64, Arc<Held>>>,
    last: AtomicU64,
}

/// What a server wants of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    GoOn,
    Cancel(Millis),
    /// The lease is over.
    Lost,
}

/// One lease.
#[derive(Debug)]
pub(crate) struct Held {
    pub(super) lease: Lease,
    /// The job's number and token on the wire.
    pub(crate) id: u64,
    pub(crate) token: Secret,
    /// Reasons that the server takes.
    pub(super) reasons: Vec<String>,
    /// Whether the server reads what ours adds.
    pub(super) extended: bool,
    /// Entries of the payload.
    artifacts: Vec<Artifact>,
    dependencies: Vec<(AttemptKey, Fetched)>,
    /// For a graceful cancel.
    grace: Millis,
    /// A sign of life is due after this.
    silence: Duration,
    state: Mutex<State>,
    wish: watch::Sender<Wish>,
    /// The shortest grace that was told by [`Held::next_cancel`].
    told: Mutex<Option<Millis>>,
}

/// Where a dependency's archive is fetched.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// The job's number.
    pub(crate) id: u64,
    /// What lets us.
    pub(crate) token: Secret,
}

fn dependencies(payload: &Payload, lease: &Lease) -> Vec<(AttemptKey, Fetched)> {
    let all = payload.dependencies.iter();
    all.map(|dependency| {
        let key = dependency_key(lease.key.pipeline, dependency.id, lease.token);
        let fetched = Fetched {
            id: dependency.id,
            token: dependency.token.clone(),
        };
        (key, fetched)
    })
    .collect()
}

#[derive(Debug)]
struct State {
    crc: crc32fast::Hasher,
    bytes: u64,
    heard: Instant,
    trace_pause: Duration,
    refusals: u32,
}

impl Leases {
    /// The number of the next lease; never zero.
    pub(super) fn next_number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn hold(
        &self,
        lease: &Lease,
        payload: &Payload,
        lease_time: Millis,
        grace: Millis,
    ) -> Arc<Held> {
        let held = Arc::new(Held {
            lease: lease.clone(),
            id: payload.id,
            token: payload.token.clone(),
            reasons: payload.features.failure_reasons.clone(),
            extended: payload.aqueduct.is_some(),
            grace,
            artifacts: payload.artifacts.clone(),
            dependencies: dependencies(payload, lease),
            // A renewal comes every third. One that is left out delays a cancel by as much, so only a talkative job's are.
            silence: lease_time.to_std() / 12,
            state: Mutex::new(State {
                crc: crc32fast::Hasher::new(),
                bytes: 0,
                heard: Instant::now(),
                trace_pause: TRACE_PAUSE,
                refusals: 0,
            }),
            wish: watch::Sender::new(Wish::GoOn),
            told: Mutex::default(),
        });
        lock(&self.held).insert(lease.token, held.clone());
        held
    }

    /// [`WorkError::Stale`] for one that is over.
    pub(super) fn get(&self, lease: &Lease) -> Result<Arc<Held>, WorkError> {
        let held = lock(&self.held).get(&lease.token).cloned();
        held.filter(|held| held.wish() != Wish::Lost)
            .ok_or(WorkError::Stale)
    }

    /// The living lease of an attempt.
    pub(crate) fn of(&self, key: AttemptKey) -> Option<Arc<Held>> {
        let held = lock(&self.held);
        let mut all = held.values().rev();
        all.find(|held| held.lease.key == key && !held.is_lost())
            .cloned()
    }

    /// Where to fetch a dependency of a living lease.
    pub(crate) fn dependency(&self, key: AttemptKey) -> Option<Fetched> {
        let held = lock(&self.held);
        let mut all = held.values().filter(|held| !held.is_lost());
        all.find_map(|held| {
            let mut own = held.dependencies.iter();
            own.find(|(known, _)| *known == key)
                .map(|(_, fetched)| fetched.clone())
        })
    }

    /// Numbers of the jobs whose leases are not over.
    pub(super) fn jobs(&self) -> Vec<u64> {
        let held = lock(&self.held);
        let living = held.values().filter(|held| !held.is_lost());
        living.map(|held| held.id).collect()
    }

    pub(super) fn forget(&self, lease: &Lease) {
        lock(&self.held).remove(&lease.token);
    }
}

impl Wish {
    pub(super) fn directive(self) -> Directive {
        match self {
            Self::GoOn => Directive::Continue,
            Self::Cancel(grace) => Directive::Cancel { grace },
            Self::Lost => Directive::Cancel { grace: Millis(0) },
        }
    }
}

impl Held {
    /// Whether the lease is over.
    pub(crate) fn is_lost(&self) -> bool {
        self.wish() == Wish::Lost
    }

    /// How an artifact of a kind is sent.
    pub(crate) fn upload(&self, kind: &ArtifactKind) -> UploadPlan {
        UploadPlan::new(kind, &self.artifacts)
    }

    pub(super) fn wish(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Reads what every answer may say. [`WorkError::Stale`] if the lease is over.
    pub(super) fn hear(&self, response: &Response) -> Result<(), WorkError> {
        self.hear_pause(response.headers());
        if matches!(
            response.status(),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
        ) {
            return Err(self.lose());
        }
        lock(&self.state).heard = Instant::now();
        match text(response.headers(), http::JOB_STATUS) {
            Some(http::CANCELING) => self.want(Wish::Cancel(self.grace)),
            Some(http::CANCELED | http::FAILED) => self.want(Wish::Cancel(Millis(0))),
            _ => {}
        }
        Ok(())
    }

    fn hear_pause(&self, headers: &HeaderMap) {
        let seconds = text(headers, http::TRACE_UPDATE_INTERVAL).and_then(|text| text.parse().ok());
        if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
            let pause = Duration::from_secs(seconds).min(LONGEST_TRACE_PAUSE);
            lock(&self.state).trace_pause = pause;
        }
    }

    /// The lease is over.
    pub(super) fn lose(&self) -> WorkError {
        self.want(Wish::Lost);
        WorkError::Stale
    }

    /// A wish never gets weaker.
    fn want(&self, new: Wish) {
        self.wish.send_if_modified(|wish| {
            let stronger = match (*wish, new) {
                (_, Wish::GoOn) | (Wish::Lost, _) => false,
                (Wish::GoOn, _) | (Wish::Cancel(_), Wish::Lost) => true,
                (Wish::Cancel(before), Wish::Cancel(now)) => now < before,
            };
            if stronger {
                *wish = new;
            }
            stronger
        });
    }

    /// Waits for a cancel, or one that has less grace than the last that was told.
    pub(super) async fn next_cancel(&self) -> Directive {
        let mut wishes = self.wish.subscribe();
        loop {
            let wish = *wishes.borrow_and_update();
            if let Some(directive) = self.news(wish) {
                return directive;
            }
            if wishes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn news(&self, wish: Wish) -> Option<Directive> {
        let grace = match wish {
            Wish::GoOn => return None,
            Wish::Cancel(grace) => grace,
            Wish::Lost => Millis(0),
        };
        let mut told = lock(&self.told);
        if told.is_some_and(|told| grace >= told) {
            return None;
        }
        *told = Some(grace);
        Some(Directive::Cancel { grace })
    }

    /// Whether the server had a sign of life since the last was due.
    pub(super) fn was_heard_lately(&self) -> bool {
        lock(&self.state).heard.elapsed() < self.silence
    }

    pub(super) fn trace_pause(&self) -> Duration {
        lock(&self.state).trace_pause
    }

    /// Takes bytes of the trace into the checksum, those that it doesn't have yet.
    pub(super) fn sum(&self, offset: u64, bytes: &[u8]) {
        let mut state = lock(&self.state);
        let known = state.bytes.checked_sub(offset).map(usize::try_from);
        let Some(new) = known
            .and_then(Result::ok)
            .and_then(|known| bytes.get(known..))
        else {
            return;
        };
        state.crc.update(new);
        state.bytes += new.len() as u64;
    }

    /// What was sent of the trace so far.
    pub(super) fn output(&self) -> Output {
        let state = lock(&self.state);
        if state.bytes == 0 {
            return Output::default();
        }
        Output::new(state.crc.clone().finalize(), state.bytes)
    }

    /// A final update was refused; whether that was once too often.
    pub(super) fn is_refused_for_good(&self) -> bool {
        let mut state = lock(&self.state);
        state.refusals += 1;
        state.refusals >= MAX_REFUSALS
    }
}

/// A header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
