//! Artifacts of needed jobs before the script, the job's own after it.

use std::path::PathBuf;

use aqueduct_core::{
    dotenv,
    plan::Artifacts,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::workspace::{ArtifactKind, Selected, Selection, WorkingCopy, WorkspaceError};

use super::{Job, Step, scope::Scope};

/// What was stored.
#[derive(Debug, Default)]
pub(super) struct Uploaded {
    pub(super) has_archive: bool,
    pub(super) dotenv: Vec<(String, String)>,
}

/// Unpacks the archives of the needed jobs into the working copy, in order: a later one wins.
pub(super) async fn download(job: &Job<'_>, copy: &WorkingCopy) -> Step<()> {
    if job.assignment.dependencies.is_empty() {
        return Ok(());
    }
    job.trace
        .section_start("download_artifacts", "Downloading artifacts");
    let downloaded = download_all(job, copy).await;
    job.trace.section_end("download_artifacts");
    downloaded
}

async fn download_all(job: &Job<'_>, copy: &WorkingCopy) -> Step<()> {
    for dependency in &job.assignment.dependencies {
        job.check()?;
        let entries = fetch(job, dependency, copy.dir.clone()).await?;
        job.trace.line(&format!(
            "Downloading artifacts for {} ({}): {entries} files and directories",
            dependency.name, dependency.key.job
        ));
    }
    Ok(())
}

/// Unpacks one job's archive.
pub(super) async fn fetch(
    job: &Job<'_>,
    dependency: &aqueduct_ports::work::Dependency,
    into: PathBuf,
) -> Result<u64, Verdict> {
    let fetched = job.config.artifacts.fetch(dependency.key, into).await;
    fetched.map_err(|error| match error {
        WorkspaceError::Missing(_) => Verdict::new(
            VerdictKind::ArtifactMissing,
            format!("the artifacts of {} are gone", dependency.name),
        ),
        error => Verdict::new(
            VerdictKind::Internal,
            format!(
                "the artifacts of {} can't be unpacked: {error}",
                dependency.name
            ),
        ),
    })
}

/// Stores what the job leaves: its archive if `when` says so, its reports always.
pub(super) async fn upload(
    job: &Job<'_>,
    copy: &WorkingCopy,
    scope: &Scope,
    success: bool,
) -> Result<Uploaded, Verdict> {
    let Some(artifacts) = &job.assignment.job.artifacts else {
        return Ok(Uploaded::default());
    };
    let has_paths = !artifacts.paths.is_empty() || artifacts.untracked;
    let archive = has_paths && artifacts.when.applies(success);
    let reports = !artifacts.reports.dotenv.is_empty() || !artifacts.reports.files.is_empty();
    if !archive && !reports {
        return Ok(Uploaded::default());
    }
    let (section, header) = if success {
        (
            "upload_artifacts_on_success",
            "Uploading artifacts for successful job",
        )
    } else {
        (
            "upload_artifacts_on_failure",
            "Uploading artifacts for failed job",
        )
    };
    job.trace.section_start(section, header);
    let uploaded = upload_all(job, copy, scope, artifacts, archive).await;
    job.trace.section_end(section);
    uploaded
}

async fn upload_all(
    job: &Job<'_>,
    copy: &WorkingCopy,
    scope: &Scope,
    artifacts: &Artifacts,
    archive: bool,
) -> Result<Uploaded, Verdict> {
    let mut uploaded = Uploaded::default();
    if archive {
        let kind = ArtifactKind::Archive {
            name: artifacts.name.as_deref().map(|name| scope.expand(name)),
        };
        let selection = Selection {
            paths: scope.expand_paths(&artifacts.paths),
            exclude: scope.expand_paths(&artifacts.exclude),
            untracked: artifacts.untracked,
        };
        uploaded.has_archive = store(job, copy, &kind, &selection, scope).await? > 0;
    }
    for (kind, paths) in &artifacts.reports.files {
        store_report(job, copy, kind, paths, scope).await?;
    }
    if !artifacts.reports.dotenv.is_empty() {
        store_report(job, copy, "dotenv", &artifacts.reports.dotenv, scope).await?;
        uploaded.dotenv = read_dotenv(job).await?;
    }
    Ok(uploaded)
}

async fn store_report(
    job: &Job<'_>,
    copy: &WorkingCopy,
    kind: &str,
    paths: &[String],
    scope: &Scope,
) -> Result<(), Verdict> {
    let kind = ArtifactKind::Report(kind.to_owned());
    let selection = Selection {
        paths: scope.expand_paths(paths),
        ..Selection::default()
    };
    store(job, copy, &kind, &selection, scope).await.map(|_| ())
}

/// Answers the number of entries stored.
async fn store(
    job: &Job<'_>,
    copy: &WorkingCopy,
    kind: &ArtifactKind,
    selection: &Selection,
    scope: &Scope,
) -> Result<u64, Verdict> {
    let label = match kind {
        ArtifactKind::Archive { .. } => "archive",
        ArtifactKind::Report(kind) => kind,
    };
    job.trace
        .line(&format!("Uploading artifacts as \"{label}\"..."));
    let selected = job
        .config
        .artifacts
        .store(copy, kind, selection)
        .await
        .map_err(|error| {
            let kind = match error {
                WorkspaceError::Refused(_) => VerdictKind::ConfigInvalid,
                _ => VerdictKind::ArtifactUpload,
            };
            Verdict::new(kind, format!("the artifacts can't be stored: {error}"))
        })?;
    tell(job, &selected, scope);
    if selected.entries == 0 {
        job.trace.error("No files to upload");
    }
    Ok(selected.entries)
}

/// What a selection found, in GitLab Runner's words.
pub(super) fn tell(job: &Job<'_>, selected: &Selected, scope: &Scope) {
    for (pattern, matches) in &selected.patterns {
        if *matches == 0 {
            job.trace.warning(&format!(
                "{pattern}: no matching files. Ensure that the artifact path is relative to the working directory ({})",
                scope.project_dir.display()
            ));
        } else {
            job.trace.line(&format!(
                "{pattern}: found {matches} matching artifact files and directories"
            ));
        }
    }
    if selected.untracked > 0 {
        job.trace
            .line(&format!("untracked: found {} files", selected.untracked));
    }
    for reason in &selected.refused {
        job.trace.warning(reason);
    }
}

async fn read_dotenv(job: &Job<'_>) -> Result<Vec<(String, String)>, Verdict> {
    let invalid = |cause| {
        Verdict::new(VerdictKind::ConfigInvalid, cause).with_hint(
            "a dotenv report holds lines of KEY=value and nothing else: correct what writes it",
        )
    };
    let kind = ArtifactKind::Report("dotenv".to_owned());
    let files = job
        .config
        .artifacts
        .read(job.assignment.lease.key, &kind, dotenv::MAX_BYTES)
        .await
        .map_err(|error| match error {
            WorkspaceError::TooLarge { .. } => invalid(format!(
                "the dotenv reports are larger than {} bytes",
                dotenv::MAX_BYTES
            )),
            error => Verdict::new(VerdictKind::ArtifactUpload, error.to_string()),
        })?;
    let mut all: Vec<(String, String)> = Vec::new();
    for file in files {
        for (key, value) in dotenv::parse(&file.path, &file.bytes).map_err(invalid)? {
            all.retain(|(known, _)| *known != key);
            all.push((key, value));
        }
    }
    if all.len() > dotenv::MAX_VARIABLES {
        return Err(invalid(format!(
            "the dotenv reports hold {} variables, more than {}",
            all.len(),
            dotenv::MAX_VARIABLES
        )));
    }
    Ok(all)
}
