//! The attempts of one executor: the five verbs that don't depend on what an attempt is.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    time::Millis,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::executor::{ExecError, ExecEvent, Handle, Outcome};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    journal::Journal,
    run_dir::{self, RunDir},
    stop::StopSwitch,
    sweep,
};

/// How long a killed attempt may take to be gone. Longer only if a process hangs in the kernel.
const GONE_WITHIN: Duration = Duration::from_secs(15);

/// One attempt and what its tasks share.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Its own directory.
    pub(crate) dir: PathBuf,
    /// `RUN/ATTEMPT`: what its processes carry in their environment.
    pub(crate) marker: String,
    /// What it told so far.
    pub(crate) journal: Arc<Journal>,
    /// Whether it is to stop.
    pub(crate) stop: StopSwitch,
}

/// All attempts that this process made with one executor.
#[derive(Debug)]
pub(crate) struct Attempts {
    executor: &'static str,
    state_dir: PathBuf,
    run: OnceLock<RunDir>,
    living: Mutex<HashMap<AttemptKey, Arc<Attempt>>>,
}

impl Attempts {
    /// None yet; nothing is written before the first.
    pub(crate) fn new(executor: &'static str, state_dir: PathBuf) -> Self {
        Self {
            executor,
            state_dir,
            run: OnceLock::new(),
            living: Mutex::default(),
        }
    }

    /// Finds the attempt, or makes its directory and starts `body` on it.
    pub(crate) fn ensure<F>(
        &self,
        key: AttemptKey,
        body: impl FnOnce(Arc<Attempt>) -> F,
    ) -> Result<Handle, ExecError>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut living = self.lock();
        let attempt = if let Some(attempt) = living.get(&key) {
            Arc::clone(attempt)
        } else {
            let attempt = Arc::new(self.make(key).map_err(|error| self.machine(&error))?);
            living.insert(key, Arc::clone(&attempt));
            supervise(&attempt, body(Arc::clone(&attempt)));
            attempt
        };
        drop(living);
        Ok(Handle {
            key,
            id: attempt.dir.display().to_string(),
        })
    }

    /// The events from the first on.
    pub(crate) fn attach(&self, handle: &Handle) -> Result<mpsc::Receiver<ExecEvent>, ExecError> {
        self.find(handle)
            .map(|attempt| Arc::clone(&attempt.journal).follow())
            .ok_or_else(|| ExecError::Machine(format!("no attempt {} is running here", handle.key)))
    }

    /// Passes the wish on.
    pub(crate) fn cancel(&self, handle: &Handle, grace: Millis) {
        if let Some(attempt) = self.find(handle) {
            attempt.stop.stop(grace);
        }
    }

    /// Ends the attempt and removes its directory; one of a dead process is swept.
    pub(crate) async fn destroy(&self, handle: &Handle) -> Result<(), ExecError> {
        if let Some(attempt) = self.find(handle) {
            attempt.stop.stop(Millis(0));
            timeout(GONE_WITHIN, attempt.journal.ended())
                .await
                .map_err(|_| {
                    ExecError::Machine(format!("attempt {} can't be killed", handle.key))
                })?;
        }
        let path = PathBuf::from(&handle.id);
        let own = self
            .run
            .get()
            .is_some_and(|run| path.starts_with(run.path()));
        tokio::task::spawn_blocking(move || remove(&path, own))
            .await
            .map_err(|error| ExecError::Machine(error.to_string()))?
            .map_err(|error| self.machine(&error))?;
        self.lock().remove(&handle.key);
        Ok(())
    }

    /// Every attempt with a directory, of this process or another.
    pub(crate) fn list(&self) -> Result<Vec<Handle>, ExecError> {
        let mut handles = Vec::new();
        let runs = run_dir::runs(&self.state_dir, &[self.executor]);
        for run in runs.map_err(|error| self.machine(&error))? {
            for dir in run_dir::attempts(&run).map_err(|error| self.machine(&error))? {
                if let Some(key) = parse_key(run_dir::name_of(&dir)) {
                    let id = dir.display().to_string();
                    handles.push(Handle { key, id });
                }
            }
        }
        Ok(handles)
    }

    fn make(&self, key: AttemptKey) -> io::Result<Attempt> {
        let run = self.run()?;
        let dir = run.path().join(key.to_string());
        fs::create_dir(&dir)?;
        Ok(Attempt {
            marker: format!("{}/{key}", run.name()),
            journal: Arc::new(Journal::new(dir.clone())),
            stop: StopSwitch::new(),
            dir,
        })
    }

    /// Called under the lock of `living`, so only one is ever made.
    fn run(&self) -> io::Result<&RunDir> {
        if let Some(run) = self.run.get() {
            return Ok(run);
        }
        let run = RunDir::create(&self.state_dir, self.executor)?;
        Ok(self.run.get_or_init(|| run))
    }

    fn find(&self, handle: &Handle) -> Option<Arc<Attempt>> {
        let found = self.lock().get(&handle.key).map(Arc::clone)?;
        (found.dir.as_os_str() == handle.id.as_str()).then_some(found)
    }

    fn machine(&self, error: &io::Error) -> ExecError {
        ExecError::Machine(format!("{}: {error}", self.state_dir.display()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptKey, Arc<Attempt>>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outcome that blames Aqueduct or the machine.
pub(crate) fn internal(cause: impl Into<String>) -> Outcome {
    refused(Verdict::new(VerdictKind::Internal, cause))
}

/// An outcome of an attempt whose script never started.
pub(crate) fn refused(verdict: Verdict) -> Outcome {
    Outcome {
        verdict: Some(verdict),
        exit_code: None,
        peak_memory: None,
    }
}

/// Runs the attempt apart from every caller and sees to it that it always ends.
fn supervise(attempt: &Arc<Attempt>, body: impl Future<Output = Outcome> + Send + 'static) {
    let journal = Arc::clone(&attempt.journal);
    tokio::spawn(async move {
        let outcome = tokio::spawn(body).await;
        journal.end(outcome.unwrap_or_else(|error| internal(error.to_string())));
    });
}

fn remove(path: &Path, own: bool) -> io::Result<()> {
    if own {
        return sweep::remove_attempt(path).map(|_| ());
    }
    match path.parent() {
        Some(run) if path.exists() => match run_dir::lock_dead(run)? {
            Some(_lock) => sweep::remove_attempt(path).map(|_| ()),
            None => Err(io::Error::other("the attempt belongs to a living process")),
        },
        _ => Ok(()),
    }
}

/// Reads what [`AttemptKey`] displays.
fn parse_key(name: &str) -> Option<AttemptKey> {
    let mut parts = name.split('-');
    let pipeline = parts.next()?.strip_prefix('p')?.parse().ok()?;
    let job = parts.next()?.strip_prefix('j')?.parse().ok()?;
    let attempt = parts.next()?.strip_prefix('a')?.parse().ok()?;
    parts.next().is_none().then_some(AttemptKey {
        pipeline: PipelineId(pipeline),
        job: JobId(job),
        attempt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_directory() {
        let key = AttemptKey {
            pipeline: PipelineId(7),
            job: JobId(12),
            attempt: 3,
        };
        assert_eq!(parse_key(&key.to_string()), Some(key));
        for name in ["", "p1", "p1-j2", "p1-j2-a3-x", "q1-j2-a3"] {
            assert_eq!(parse_key(name), None, "{name}");
        }
    }
}
