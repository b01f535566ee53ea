//! Projects and their branches.

use aqueduct_core::{
    api::runner::Secret,
    id::ProjectId,
    time::{Millis, Timestamp},
};
use aqueduct_engine::tasks::heads::WatchState;
use aqueduct_ports::store::{Head, NewProject, Project};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{body::LooseJson, error::ApiError, find, secret},
    auth::Caller,
    webhook::chosen_or_new,
};
use crate::App;

/// How often a repository is looked at where nothing else is said.
const INTERVAL: Millis = Millis::from_secs(60);
/// More often would only be noise for the repository's server.
const LEAST_INTERVAL: Millis = Millis(100);

/// A project to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    path: String,
    git_url: String,
    #[serde(default)]
    default_branch: Option<String>,
    #[serde(default)]
    interval_ms: Option<Millis>,
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

/// A project that was made, with what is told only once.
#[derive(Serialize)]
pub(super) struct Made {
    #[serde(flatten)]
    project: Shown,
    webhook_secret: String,
}

/// A project as it is shown: without the credential that its address may hold.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: ProjectId,
    path: String,
    git_url: String,
    default_branch: Option<String>,
    interval_ms: Millis,
    created_at: String,
    /// How the watch of its repository goes, since this coordinator started.
    watch: Watch,
    /// Why the last state of a pipeline could not be told to the forge.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit_status_error: Option<String>,
}

/// How the watch of a repository goes.
#[derive(Debug, Default, Serialize)]
struct Watch {
    /// When the repository last answered.
    answered_at: Option<String>,
    /// Branches and tags of that answer.
    refs: usize,
    /// Refs that are missing from it and were not deleted.
    missing: usize,
    /// Failures in a row since.
    failures: u32,
    /// Why the last look failed.
    error: Option<String>,
}

/// A branch or tag as it was last seen.
#[derive(Debug, Serialize)]
pub(super) struct Branch {
    name: String,
    sha: String,
    generation: u64,
    missing_since: Option<String>,
    updated_at: String,
}

pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Json<Vec<Shown>>, ApiError> {
    let mut states = app.tasks.heads.states();
    let all = app.store().projects().await?.into_iter();
    let shown = all.map(|project| {
        let state = states.remove(&project.id);
        Shown::of(project, state)
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn create(
    State(app): State<App>,
    _caller: Caller,
    LooseJson(asked): LooseJson<Asked>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    check_path(&asked.path)?;
    aqueduct_core::refs::RemoteUrl::parse(&asked.git_url)
        .map_err(|error| ApiError::bad(format!("git_url: {error}")))?;
    let webhook_secret = chosen_or_new(&app, asked.webhook_secret.as_ref())?;
    let project = app
        .store()
        .create_project(&NewProject {
            path: asked.path,
            git_url: asked.git_url,
            default_branch: asked.default_branch,
            interval: asked.interval_ms.unwrap_or(INTERVAL).max(LEAST_INTERVAL),
            settings: secret::put("{}", &webhook_secret)?,
            created: app.ports.clock.now(),
        })
        .await?;
    app.tasks.hints.hint(project.id);
    let made = Made {
        project: Shown::of(project, None),
        webhook_secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn show(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    let project = find(&app, &id).await?;
    let state = app.tasks.heads.states().remove(&project.id);
    let troubles = app
        .tasks
        .statuses
        .as_ref()
        .map(|statuses| statuses.troubles());
    let trouble = troubles.and_then(|mut troubles| troubles.remove(&project.id));
    Ok(Json(Shown {
        commit_status_error: trouble.map(|trouble| trouble.why),
        ..Shown::of(project, state)
    }))
}

/// Has the repository looked at now instead of after its interval.
pub(super) async fn look(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let project = find(&app, &id).await?;
    app.tasks.hints.hint(project.id);
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn delete(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let project = find(&app, &id).await?;
    let now = app.ports.clock.now();
    app.store().delete_project(project.id, now).await?;
    app.tasks.hints.hint(project.id);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn branches(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Vec<Branch>>, ApiError> {
    let project = find(&app, &id).await?;
    let heads = app.store().heads(project.id).await?;
    Ok(Json(heads.into_iter().map(Branch::from).collect()))
}

pub(super) async fn find(app: &App, id: &str) -> Result<Project, ApiError> {
    find::project(app, id).await?.ok_or_else(ApiError::missing)
}

/// `group/name` of letters, digits, `_`, `-` and `.`: it becomes a part of clone URLs.
fn check_path(path: &str) -> Result<(), ApiError> {
    let legal = |part: &str| {
        let first = part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let rest = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        first && part.chars().all(rest) && !part.ends_with('.')
    };
    // Case counts, as it does in clone URLs.
    let ends = path.strip_suffix(".git").is_some();
    if path.split('/').count() >= 2 && path.split('/').all(legal) && path.len() <= 255 && !ends {
        return Ok(());
    }
    Err(ApiError::bad(format!(
        "path: '{path}' is not GROUP/NAME of letters, digits, '_', '-' and '.'"
    )))
}

impl Shown {
    fn of(project: Project, state: Option<WatchState>) -> Self {
        let url = aqueduct_core::refs::RemoteUrl::parse(&project.git_url);
        Self {
            id: project.id,
            path: project.path,
            git_url: url.map_or_else(|_| String::new(), |url| url.to_string()),
            default_branch: project.default_branch,
            interval_ms: project.interval,
            created_at: project.created.rfc3339(),
            watch: state.map(Watch::from).unwrap_or_default(),
            commit_status_error: None,
        }
    }
}

impl From<WatchState> for Watch {
    fn from(state: WatchState) -> Self {
        let held = state.held_back;
        Self {
            answered_at: state.answered.map(Timestamp::rfc3339),
            refs: state.refs,
            missing: held.doubtful + held.protected + held.fresh + held.capped,
            failures: state.failures,
            error: state.error.map(|(_, text)| text),
        }
    }
}

impl From<Head> for Branch {
    fn from(head: Head) -> Self {
        Self {
            name: head.name,
            sha: head.sha,
            generation: head.generation,
            missing_since: head.missing_since.map(Timestamp::rfc3339),
            updated_at: head.updated.rfc3339(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_a_clone_url_can_hold() {
        for path in ["g/n", "a/b/c-1_2.x", "_g/0"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        for path in [
            "", "n", "g//n", "/g/n", "g/n/", "g/..", "g/-n", "g/n.git", "g/ä", "g/a b",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }
}
