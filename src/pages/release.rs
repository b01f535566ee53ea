//! Releases: files by destinations, and indexes with their images.

use aqueduct_core::{
    id::GlobalJobId,
    release::{FileState, IndexRelease, PublishRelease, ReleaseReport, ReleaseState},
};

use crate::text::size;

/// What became of a release.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseView {
    pub(crate) job: GlobalJobId,
    pub(crate) name: String,
    pub(crate) what: What,
}

/// Its kind.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Index(Index),
    Publish(Publish),
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) digest: String,
    pub(crate) references: Vec<String>,
    /// Platform and digest.
    pub(crate) images: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Publish {
    pub(crate) title: String,
    /// Name of its colour, and words.
    pub(crate) state: (&'static str, &'static str),
    pub(crate) complete: String,
    pub(crate) destinations: Vec<String>,
    pub(crate) files: Vec<File>,
    /// Destination and what it said.
    pub(crate) errors: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) size: String,
    pub(crate) sha256: String,
    /// By destination: name of its colour and icon, and words.
    pub(crate) states: Vec<(&'static str, &'static str)>,
}

impl ReleaseView {
    pub(crate) fn new(job: GlobalJobId, name: &str, report: &ReleaseReport) -> Self {
        Self {
            job,
            name: name.to_owned(),
            what: match report {
                ReleaseReport::Index(index) => What::Index(of_index(index)),
                ReleaseReport::Publish(release) => What::Publish(of_publish(release)),
            },
        }
    }
}

fn of_index(index: &IndexRelease) -> Index {
    let platform = |one: &Option<String>| one.clone().unwrap_or_else(|| "no platform".to_owned());
    let entries = index.entries.iter();
    Index {
        digest: index.digest.clone(),
        references: index.references.clone(),
        images: entries
            .map(|one| (platform(&one.platform), one.digest.clone()))
            .collect(),
    }
}

fn of_publish(release: &PublishRelease) -> Publish {
    let all = &release.destinations;
    let complete = all.iter().filter(|one| one.complete).count();
    let errors = all.iter();
    let errors = errors.filter_map(|one| Some((one.name.clone(), one.error.clone()?)));
    Publish {
        title: format!("{} {}", release.project, release.version),
        state: match release.state {
            ReleaseState::Published => ("success", "published"),
            ReleaseState::Degraded => ("warning", "degraded"),
            ReleaseState::Failed => ("failed", "failed"),
        },
        complete: format!(
            "{complete} of {} destinations complete, {} required",
            all.len(),
            release.required
        ),
        destinations: all.iter().map(|one| one.name.clone()).collect(),
        files: (0..release.files.len())
            .map(|at| file(release, at))
            .collect(),
        errors: errors.collect(),
    }
}

fn file(release: &PublishRelease, at: usize) -> File {
    let file = &release.files[at];
    let states = release.destinations.iter();
    File {
        name: file.name.clone(),
        size: size(file.size),
        sha256: file.sha256.clone(),
        states: states
            .map(|one| word(one.files.get(at).copied().unwrap_or(FileState::Unknown)))
            .collect(),
    }
}

const fn word(state: FileState) -> (&'static str, &'static str) {
    match state {
        FileState::Verified => ("success", "sent and verified"),
        FileState::Present => ("success", "was there"),
        FileState::Absent => ("created", "missing"),
        FileState::Conflict => ("failed", "other bytes"),
        FileState::Unknown => ("warning", "not known"),
    }
}

#[cfg(test)]
mod tests {
    use aqueduct_core::release::{DestinationState, ReleasedFile};

    use super::*;

    #[test]
    fn a_release_is_a_table_of_files_by_destinations() {
        let destination = |name: &str, complete, files: &[FileState]| DestinationState {
            name: name.into(),
            complete,
            error: (!complete).then(|| "away".into()),
            files: files.to_vec(),
        };
        let file = |name: &str| ReleasedFile {
            name: name.into(),
            size: 1500,
            sha256: "00".into(),
        };
        let release = PublishRelease {
            project: "tool".into(),
            version: "1.2".into(),
            state: ReleaseState::Degraded,
            required: 1,
            files: vec![file("a.whl"), file("a.tar.gz")],
            destinations: vec![
                destination("eu", true, &[FileState::Verified, FileState::Present]),
                destination("us", false, &[FileState::Absent]),
            ],
        };
        let shown = of_publish(&release);
        assert_eq!(shown.state, ("warning", "degraded"));
        assert_eq!(shown.complete, "1 of 2 destinations complete, 1 required");
        assert_eq!(shown.errors, [("us".to_owned(), "away".to_owned())]);
        let words = |at: usize| shown.files[at].states.iter().map(|state| state.1);
        assert_eq!(
            words(0).collect::<Vec<_>>(),
            ["sent and verified", "missing"]
        );
        // A report that is too short says nothing of the rest.
        assert_eq!(words(1).collect::<Vec<_>>(), ["was there", "not known"]);
    }
}
