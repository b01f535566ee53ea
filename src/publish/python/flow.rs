//! A release over all destinations: everybody is asked before anybody is sent anything.

use std::time::Duration;

use aqueduct_core::{plan::ConflictPolicy, verdict::VerdictKind};
use aqueduct_ports::release::ReleaseLog;
use futures_util::future::join_all;

use super::{
    DestinationReport, DestinationStatus, FileReport, FileState, PublishOptions, PublishReport,
    ReleaseStatus, ReleasedFile, destination::Target, distribution::Release, report::counted,
    repository::RepositoryError,
};

/// What is known of a destination while the release goes on.
struct Progress<'a> {
    target: &'a Target,
    states: Vec<FileState>,
    status: DestinationStatus,
    error: Option<(String, VerdictKind)>,
}

/// Publishes a checked release.
pub(super) async fn run(
    release: &Release,
    targets: &[Target],
    options: &PublishOptions,
    log: &dyn ReleaseLog,
) -> PublishReport {
    let probes: Vec<_> = targets
        .iter()
        .map(|target| probe(release, target))
        .collect();
    let mut all = join_all(probes).await;
    for one in &all {
        log.line(&format!("{}: {}", one.target.name, asked(one)));
    }
    let stop = options.dry_run
        || (options.on_conflict == ConflictPolicy::Fail
            && all
                .iter()
                .any(|one| one.status == DestinationStatus::Conflict));
    if !stop {
        fill_all(release, &mut all, options, log).await;
    }
    report(release, all, options)
}

async fn probe<'a>(release: &Release, target: &'a Target) -> Progress<'a> {
    let mut progress = Progress {
        target,
        states: vec![FileState::Unknown; release.files.len()],
        status: DestinationStatus::Stopped,
        error: None,
    };
    match target.probe(release).await {
        Ok(states) => {
            progress.states = states;
            progress.settle(release);
        }
        Err(error) => progress.fail(&error),
    }
    progress
}

impl Progress<'_> {
    /// The status that the first answers stand for.
    fn settle(&mut self, release: &Release) {
        let pairs = release.files.iter().zip(&self.states);
        let differing: Vec<&str> = pairs
            .filter(|(_, state)| **state == FileState::Conflict)
            .map(|(file, _)| file.filename.as_str())
            .collect();
        if !differing.is_empty() {
            self.status = DestinationStatus::Conflict;
            let cause = format!(
                "other bytes are already published as {}",
                differing.join(", ")
            );
            self.error = Some((cause, VerdictKind::DestinationConflict));
        } else if self.states.iter().all(|state| *state == FileState::Present) {
            self.status = DestinationStatus::Unchanged;
        }
    }

    fn fail(&mut self, error: &RepositoryError) {
        let verdict = error.verdict();
        self.status = if verdict == VerdictKind::DestinationConflict {
            DestinationStatus::Conflict
        } else {
            DestinationStatus::Failed
        };
        self.error = Some((error.to_string(), verdict));
    }

    /// Sends and verifies, if the destination answered and lacks something.
    async fn fill(&mut self, release: &Release, patience: Duration) {
        if self.status != DestinationStatus::Stopped {
            return;
        }
        let sent = self.target.send(release, &self.states).await;
        let outcome = match sent {
            Ok(()) => self.target.verify(release, patience).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                self.status = DestinationStatus::Published;
                let absent = self
                    .states
                    .iter_mut()
                    .filter(|state| **state == FileState::Absent);
                absent.for_each(|state| *state = FileState::Verified);
            }
            Err(error) => {
                // Some files may have arrived: what is true now is what the report should say.
                if let Ok(now) = self.target.probe(release).await {
                    let pairs = self.states.iter_mut().zip(now);
                    pairs.for_each(|(state, now)| *state = arrived(*state, now));
                }
                self.fail(&error);
            }
        }
    }
}

const fn arrived(before: FileState, now: FileState) -> FileState {
    match (before, now) {
        (FileState::Absent, FileState::Present) => FileState::Verified,
        (_, now) => now,
    }
}

/// The primary first and alone; if it doesn't hold everything, no other is sent anything.
async fn fill_all(
    release: &Release,
    all: &mut [Progress<'_>],
    options: &PublishOptions,
    log: &dyn ReleaseLog,
) {
    let patience = options.verify_timeout;
    if let Some(name) = &options.primary {
        let Some(primary) = all.iter_mut().find(|one| one.target.name == *name) else {
            return;
        };
        primary.fill(release, patience).await;
        log.line(&format!("{name} (primary): {}", filled(primary)));
        if !primary.status.is_complete() {
            return;
        }
    }
    let rest = all
        .iter_mut()
        .filter(|one| options.primary.as_ref() != Some(&one.target.name));
    let fills: Vec<_> = rest
        .map(|one| async move {
            one.fill(release, patience).await;
            log.line(&format!("{}: {}", one.target.name, filled(one)));
        })
        .collect();
    join_all(fills).await;
}

fn asked(one: &Progress<'_>) -> String {
    if let Some((cause, _)) = &one.error {
        return cause.clone();
    }
    let absent = one
        .states
        .iter()
        .filter(|state| **state == FileState::Absent)
        .count();
    match absent {
        0 => "has everything".into(),
        absent => format!("lacks {absent} of {}", counted(one.states.len(), "file")),
    }
}

fn filled(one: &Progress<'_>) -> String {
    match (&one.error, one.status) {
        (Some((cause, _)), _) => cause.clone(),
        (None, DestinationStatus::Unchanged) => "unchanged".into(),
        (None, _) => "published and verified".into(),
    }
}

fn report(release: &Release, all: Vec<Progress<'_>>, options: &PublishOptions) -> PublishReport {
    let required = options.require.of(all.len());
    let complete = all.iter().filter(|one| one.status.is_complete()).count();
    let status = if complete == all.len() {
        ReleaseStatus::Published
    } else if complete >= required {
        ReleaseStatus::Degraded
    } else {
        ReleaseStatus::Failed
    };
    let files = release.files.iter().map(|file| ReleasedFile {
        filename: file.filename.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
    });
    PublishReport {
        project: release.project.clone(),
        version: release.version.clone(),
        files: files.collect(),
        destinations: all
            .into_iter()
            .map(|one| destination(release, one))
            .collect(),
        required,
        status,
    }
}

fn destination(release: &Release, one: Progress<'_>) -> DestinationReport {
    let files = release
        .files
        .iter()
        .zip(one.states)
        .map(|(file, state)| FileReport {
            filename: file.filename.clone(),
            state,
        });
    let (error, verdict) = one.error.unzip();
    DestinationReport {
        name: one.target.name.clone(),
        kind: one.target.repository.kind().to_owned(),
        status: one.status,
        files: files.collect(),
        error,
        verdict,
    }
}
