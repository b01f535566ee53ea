//! Runners and the tokens that make them.

use aqueduct_core::{
    id::{ProjectId, RunnerId},
    time::Millis,
    token::TokenHash,
};
use aqueduct_ports::store::{
    AccessLevel, NewRunner, RegistrationToken, RunnerKind, RunnerRow, RunnerSettings,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{body::LooseJson, error::ApiError},
    auth::Caller,
};
use crate::App;

/// A runner to make.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    description: String,
    tags: Vec<String>,
    run_untagged: Option<bool>,
    project: Option<ProjectId>,
    maximum_timeout_ms: Option<Millis>,
}

/// A runner that was made, with the token that nobody is told again.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    id: RunnerId,
    token: String,
}

/// A runner as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: RunnerId,
    description: String,
    tags: Vec<String>,
    run_untagged: bool,
    paused: bool,
    project: Option<ProjectId>,
    managers: Vec<Manager>,
    created_at: String,
}

/// A process of a runner.
#[derive(Debug, Serialize)]
pub(super) struct Manager {
    system_id: String,
    contacted_at: String,
}

/// A registration token to make.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedRegistration {
    description: String,
    project: Option<ProjectId>,
}

/// A registration token that was made.
#[derive(Debug, Serialize)]
pub(super) struct MadeRegistration {
    token: String,
}

pub(super) async fn list(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Json<Vec<Shown>>, ApiError> {
    let mut shown = Vec::new();
    for runner in app.store().runners().await? {
        let managers = app.store().managers(runner.id).await?;
        let managers = managers.into_iter().map(|manager| Manager {
            system_id: manager.system_id,
            contacted_at: manager.contacted.rfc3339(),
        });
        shown.push(show(runner, managers.collect()));
    }
    Ok(Json(shown))
}

pub(super) async fn create(
    State(app): State<App>,
    _caller: Caller,
    LooseJson(asked): LooseJson<Asked>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let token = app.fleet().token("glrt-");
    let runner = app
        .store()
        .create_runner(&NewRunner {
            token: TokenHash::of(&token),
            kind: kind(asked.project),
            settings: RunnerSettings {
                description: asked.description,
                run_untagged: asked.run_untagged.unwrap_or(asked.tags.is_empty()),
                tags: asked.tags,
                locked: false,
                access_level: AccessLevel::NotProtected,
                maximum_timeout: asked.maximum_timeout_ms,
                paused: false,
            },
            created: app.ports.clock.now(),
        })
        .await?;
    let made = Made {
        id: runner.id,
        token,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn delete(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<u64>,
) -> Result<StatusCode, ApiError> {
    let found = app.store().delete_runner(RunnerId(id)).await?;
    app.fleet().runners_changed();
    found
        .then_some(StatusCode::NO_CONTENT)
        .ok_or_else(ApiError::missing)
}

pub(super) async fn create_registration(
    State(app): State<App>,
    _caller: Caller,
    LooseJson(asked): LooseJson<AskedRegistration>,
) -> Result<(StatusCode, Json<MadeRegistration>), ApiError> {
    let token = app.fleet().token("GR1348941");
    app.store()
        .create_registration_token(&RegistrationToken {
            token: TokenHash::of(&token),
            kind: kind(asked.project),
            description: asked.description,
            created: app.ports.clock.now(),
        })
        .await?;
    Ok((StatusCode::CREATED, Json(MadeRegistration { token })))
}

fn kind(project: Option<ProjectId>) -> RunnerKind {
    project.map_or(RunnerKind::Instance, RunnerKind::Project)
}

fn show(runner: RunnerRow, managers: Vec<Manager>) -> Shown {
    Shown {
        id: runner.id,
        description: runner.settings.description,
        tags: runner.settings.tags,
        run_untagged: runner.settings.run_untagged,
        paused: runner.settings.paused,
        project: match runner.kind {
            RunnerKind::Instance => None,
            RunnerKind::Project(project) => Some(project),
        },
        managers,
        created_at: runner.created.rfc3339(),
    }
}
