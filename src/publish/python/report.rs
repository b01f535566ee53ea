//! What became of a release, destination by destination.

use std::fmt;

use aqueduct_core::verdict::{Verdict, VerdictKind};
use serde::Serialize;

/// The outcome of a publish. Serialises as the JSON that the command line prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishReport {
    /// Normalised project name.
    pub project: String,
    /// Normalised version.
    pub version: String,
    /// What was to be published.
    pub files: Vec<ReleasedFile>,
    /// One entry per destination, in the order given.
    pub destinations: Vec<DestinationReport>,
    /// How many destinations must hold everything.
    pub required: usize,
    /// The result as a whole.
    pub status: ReleaseStatus,
}

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedFile {
    /// Its name.
    pub filename: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// The result as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseStatus {
    /// Every destination holds everything.
    Published,
    /// Enough destinations do, but not all.
    Degraded,
    /// Too few do.
    Failed,
}

/// What became of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DestinationReport {
    /// Its name in `aqueduct.toml`.
    pub name: String,
    /// `pypi` or `directory`.
    pub kind: String,
    /// Whether it holds everything.
    pub status: DestinationStatus,
    /// Its files, in the order of the release.
    pub files: Vec<FileReport>,
    /// Why it doesn't hold everything.
    pub error: Option<String>,
    /// Name of the verdict for that.
    pub verdict: Option<VerdictKind>,
}

/// Whether a destination holds everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DestinationStatus {
    /// Something was sent, and everything is there now, verified.
    Published,
    /// Everything was there already.
    Unchanged,
    /// Other bytes are there under one of the names; left as it is.
    Conflict,
    /// It could not be reached, or it refused.
    Failed,
    /// Nothing was sent, since the release stopped before.
    Stopped,
}

impl DestinationStatus {
    /// Whether everything is there.
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Published | Self::Unchanged)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// What became of one file at one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub filename: String,
    /// What became of it.
    pub state: FileState,
}

/// What is known of a file at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// It isn't there.
    Absent,
    /// The same bytes were there before.
    Present,
    /// Other bytes are there.
    Conflict,
    /// Sent, and read back.
    Verified,
    /// Not known: the destination didn't answer.
    Unknown,
}

impl PublishReport {
    /// What a degraded release says of itself: it is a success, but not everywhere.
    pub fn lacking(&self) -> Option<String> {
        if self.status != ReleaseStatus::Degraded {
            return None;
        }
        let incomplete = self.destinations.iter();
        let incomplete = incomplete.filter(|it| !it.status.is_complete());
        let names: Vec<&str> = incomplete.map(|it| it.name.as_str()).collect();
        Some(format!(
            "degraded: {} of {} destinations are complete, {} required; lacking: {}",
            self.destinations.len() - names.len(),
            self.destinations.len(),
            self.required,
            names.join(", ")
        ))
    }

    /// The verdict of a job with this outcome; `None` is success. A degraded release is one.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.status != ReleaseStatus::Failed {
            return None;
        }
        let incomplete = || {
            self.destinations
                .iter()
                .filter(|it| !it.status.is_complete())
        };
        // What the user must act on comes before what a rerun may mend.
        let order = [
            VerdictKind::DestinationConflict,
            VerdictKind::DestinationAuth,
            VerdictKind::DestinationRefused,
        ];
        let kind = order
            .into_iter()
            .find(|kind| incomplete().any(|it| it.verdict == Some(*kind)))
            .unwrap_or(VerdictKind::DestinationFailed);
        let causes: Vec<String> = incomplete()
            .map(|it| {
                format!(
                    "{}: {}",
                    it.name,
                    it.error.as_deref().unwrap_or(it.status.word())
                )
            })
            .collect();
        Some(Verdict::new(kind, causes.join("; ")))
    }
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

impl fmt::Display for PublishReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let complete = self
            .destinations
            .iter()
            .filter(|it| it.status.is_complete())
            .count();
        let word = match self.status {
            ReleaseStatus::Published => "published",
            ReleaseStatus::Degraded => "degraded",
            ReleaseStatus::Failed => "failed",
        };
        writeln!(
            f,
            "{} {}: {word}, {}, {complete} of {} destinations complete",
            self.project,
            self.version,
            counted(self.files.len(), "file"),
            self.destinations.len()
        )?;
        for it in &self.destinations {
            write!(f, "  {:<20} {:<10}", it.name, it.status.word())?;
            let sent = it
                .files
                .iter()
                .filter(|file| file.state == FileState::Verified)
                .count();
            let there = it
                .files
                .iter()
                .filter(|file| file.state == FileState::Present)
                .count();
            write!(f, " {sent} sent, {there} there before")?;
            match &it.error {
                Some(error) => writeln!(f, ": {error}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
