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
    process::Identity,
    records::{self, Record, Records},
    run_dir::{self, RunDir},
    stop::StopSwitch,
    sweep,
};

/// How long a killed attempt may take to be gone. Longer only if a process hangs in the kernel.
const GONE_WITHIN: Duration = Duration::from_secs(15);

/// One attempt and what its tasks share.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Its own directory, made by executors that keep something in it.
    pub(crate) dir: PathBuf,
    /// `RUN/ATTEMPT`: what its processes carry in their environment.
    pub(crate) marker: String,
    /// What it told so far.
    pub(crate) journal: Arc<Journal>,
    /// Whether it is to stop.
    pub(crate) stop: StopSwitch,
    /// The record of the run.
    records: Arc<Mutex<Records>>,
    /// What of it is this attempt's and may still live.
    own_records: Mutex<Vec<Record>>,
    has_directory: bool,
}

impl Attempt {
    /// Notes a process that was started for it, so that a sweep finds it.
    pub(crate) fn record(&self, process: Identity) -> io::Result<()> {
        let attempt = run_dir::name_of(&self.dir).to_owned();
        let record = Record { attempt, process };
        lock(&self.records).add(&record)?;
        lock(&self.own_records).push(record);
        Ok(())
    }

    /// Everything that was started for it so far is known to be gone.
    pub(crate) fn processes_gone(&self) {
        lock(&self.own_records).clear();
    }

    /// Whether there is anything to remove: most attempts on the host have neither a directory nor a process left.
    fn left_nothing(&self) -> bool {
        !self.has_directory && lock(&self.own_records).is_empty()
    }
}

/// All attempts that this process made with one executor.
#[derive(Debug)]
pub(crate) struct Attempts {
    executor: &'static str,
    state_dir: PathBuf,
    directories: bool,
    run: OnceLock<Run>,
    living: Mutex<HashMap<AttemptKey, Arc<Attempt>>>,
}

/// The directory of this process and the record in it.
#[derive(Debug)]
struct Run {
    dir: RunDir,
    records: Arc<Mutex<Records>>,
}

impl Attempts {
    /// None yet; nothing is written before the first.
    pub(crate) fn new(executor: &'static str, state_dir: PathBuf) -> Self {
        Self {
            executor,
            state_dir,
            directories: false,
            run: OnceLock::new(),
            living: Mutex::default(),
        }
    }

    /// As [`Self::new`], and each attempt has a directory of its own.
    pub(crate) fn with_directories(executor: &'static str, state_dir: PathBuf) -> Self {
        Self {
            directories: true,
            ..Self::new(executor, state_dir)
        }
    }

    /// Finds the attempt, or makes it and starts `body` on it.
    pub(crate) fn ensure<F>(
        &self,
        key: AttemptKey,
        body: impl FnOnce(Arc<Attempt>) -> F,
    ) -> Result<Handle, ExecError>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut living = lock(&self.living);
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

    /// Ends the attempt and removes what it left; one of a dead process is swept.
    pub(crate) async fn destroy(&self, handle: &Handle) -> Result<(), ExecError> {
        let own = self.find(handle);
        if let Some(attempt) = &own {
            attempt.stop.stop(Millis(0));
            timeout(GONE_WITHIN, attempt.journal.ended())
                .await
                .map_err(|_| {
                    ExecError::Machine(format!("attempt {} can't be killed", handle.key))
                })?;
        }
        if !own.as_ref().is_some_and(|own| own.left_nothing()) {
            let path = PathBuf::from(&handle.id);
            tokio::task::spawn_blocking(move || remove(&path, own.as_deref()))
                .await
                .map_err(|error| ExecError::Machine(error.to_string()))?
                .map_err(|error| self.machine(&error))?;
        }
        let mut living = lock(&self.living);
        living.remove(&handle.key);
        self.shorten_records(&living)
            .map_err(|error| self.machine(&error))
    }

    /// Every attempt of this process, and those of other processes that left something: a directory, or a process that
    /// lives.
    pub(crate) fn list(&self) -> Result<Vec<Handle>, ExecError> {
        let own = self.run.get().map(|run| run.dir.path());
        let living = lock(&self.living);
        let mut found: Vec<PathBuf> = living.values().map(|own| own.dir.clone()).collect();
        drop(living);
        let runs = run_dir::runs(&self.state_dir, &[self.executor]);
        for run in runs.map_err(|error| self.machine(&error))? {
            if own != Some(run.as_path()) {
                found.extend(leftovers(&run).map_err(|error| self.machine(&error))?);
            }
        }
        let handle = |dir: PathBuf| {
            let key = parse_key(run_dir::name_of(&dir))?;
            let id = dir.display().to_string();
            Some(Handle { key, id })
        };
        Ok(found.into_iter().filter_map(handle).collect())
    }

    /// Called under the lock of `living`, so that nothing is recorded meanwhile but by those in it.
    fn shorten_records(&self, living: &HashMap<AttemptKey, Arc<Attempt>>) -> io::Result<()> {
        let Some(run) = self.run.get() else {
            return Ok(());
        };
        let mut records = lock(&run.records);
        if !records.is_long() {
            return Ok(());
        }
        let own = living
            .values()
            .flat_map(|own| lock(&own.own_records).clone());
        records.replace(&own.collect::<Vec<_>>())
    }

    fn make(&self, key: AttemptKey) -> io::Result<Attempt> {
        let run = self.run()?;
        let path = run.dir.path();
        let dir = path.join(key.to_string());
        if self.directories {
            fs::create_dir(&dir)?;
        }
        Ok(Attempt {
            marker: format!("{}/{key}", run.dir.name()),
            journal: Arc::new(Journal::new(path.to_owned())),
            stop: StopSwitch::new(),
            dir,
            records: Arc::clone(&run.records),
            own_records: Mutex::default(),
            has_directory: self.directories,
        })
    }

    /// Called under the lock of `living`, so only one is ever made.
    fn run(&self) -> io::Result<&Run> {
        if let Some(run) = self.run.get() {
            return Ok(run);
        }
        let dir = RunDir::create(&self.state_dir, self.executor)?;
        let records = Arc::new(Mutex::new(Records::create(dir.path())?));
        Ok(self.run.get_or_init(|| Run { dir, records }))
    }

    fn find(&self, handle: &Handle) -> Option<Arc<Attempt>> {
        let found = lock(&self.living).get(&handle.key).map(Arc::clone)?;
        (found.dir.as_os_str() == handle.id.as_str()).then_some(found)
    }

    fn machine(&self, error: &io::Error) -> ExecError {
        ExecError::Machine(format!("{}: {error}", self.state_dir.display()))
    }
}

/// No change under one of these locks can be left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

fn remove(path: &Path, own: Option<&Attempt>) -> io::Result<()> {
    if let Some(own) = own {
        return sweep::remove_attempt(path, &lock(&own.own_records)).map(|_| ());
    }
    let Some(run) = path.parent().filter(|run| run.exists()) else {
        return Ok(());
    };
    match run_dir::lock_dead(run)? {
        Some(_lock) => sweep::remove_attempt(path, &records::read(run)?).map(|_| ()),
        None if leftovers(run)?.iter().any(|left| left == path) => {
            Err(io::Error::other("the attempt belongs to a living process"))
        }
        None => Ok(()),
    }
}

/// The attempts of a run that left a directory, or a process that lives.
fn leftovers(run: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = run_dir::attempts(run)?;
    let records = records::read(run)?.into_iter();
    let living = records.filter(|record| record.process.lives());
    found.extend(living.map(|record| run.join(record.attempt)));
    found.sort();
    found.dedup();
    Ok(found)
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
