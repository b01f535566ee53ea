//! Reports as the record of a job keeps them.

use aqueduct_core::{
    image::Descriptor,
    release::{
        DestinationState, FileState, IndexRelease, IndexedImage, PublishRelease, ReleaseReport,
        ReleaseState, ReleasedFile,
    },
};

use crate::{
    index::IndexReport,
    python::{self, DestinationReport, PublishReport, ReleaseStatus},
};

pub(super) fn of_index(report: &IndexReport) -> ReleaseReport {
    let image = |entry: &Descriptor| IndexedImage {
        platform: entry
            .platform
            .as_ref()
            .map(|platform| platform.platform().to_string()),
        digest: entry.digest.to_string(),
    };
    let pushed = report.pushed.iter();
    ReleaseReport::Index(IndexRelease {
        digest: report.digest.to_string(),
        size: report.size,
        entries: report.entries.iter().map(image).collect(),
        references: pushed.map(|one| one.reference.clone()).collect(),
    })
}

pub(super) fn of_publish(report: &PublishReport) -> ReleaseReport {
    let file = |file: &python::ReleasedFile| ReleasedFile {
        name: file.filename.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
    };
    ReleaseReport::Publish(PublishRelease {
        project: report.project.clone(),
        version: report.version.clone(),
        state: match report.status {
            ReleaseStatus::Published => ReleaseState::Published,
            ReleaseStatus::Degraded => ReleaseState::Degraded,
            ReleaseStatus::Failed => ReleaseState::Failed,
        },
        required: report.required,
        files: report.files.iter().map(file).collect(),
        destinations: report.destinations.iter().map(destination).collect(),
    })
}

fn destination(report: &DestinationReport) -> DestinationState {
    let state = |file: &python::FileReport| match file.state {
        python::FileState::Absent => FileState::Absent,
        python::FileState::Present => FileState::Present,
        python::FileState::Conflict => FileState::Conflict,
        python::FileState::Verified => FileState::Verified,
        python::FileState::Unknown => FileState::Unknown,
    };
    DestinationState {
        name: report.name.clone(),
        complete: report.status.is_complete(),
        error: report.error.clone(),
        files: report.files.iter().map(state).collect(),
    }
}
