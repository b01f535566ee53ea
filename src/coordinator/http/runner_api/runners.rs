//! Runners come and go (runner-protocol 2).

use aqueduct_core::{
    api::runner::{
        Info, Secret, http,
        lifecycle::{Register, Registered, TokenOnly, Verify},
    },
    time::Millis,
    token::TokenHash,
};
use aqueduct_ports::store::{AccessLevel, NewRunner, RunnerRow, RunnerSettings, Sighting};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};

use super::super::{body::LooseBody, error::ApiError, token::header_or};
use crate::App;

/// `POST runners`: a registration token makes a runner.
pub(super) async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    LooseBody(asked): LooseBody<Register>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let token = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let known = app
        .store()
        .registration_token(&TokenHash::of(&token))
        .await?
        .ok_or_else(ApiError::forbidden)?;
    let token = app.fleet().token("glrtr-");
    let runner = app
        .store()
        .create_runner(&NewRunner {
            token: TokenHash::of(&token),
            kind: known.kind,
            settings: settings(&asked),
            created: app.ports.clock.now(),
        })
        .await?;
    Ok((StatusCode::CREATED, Json(registered(&runner, token))))
}

/// `POST runners/verify`: whether a token is a runner's.
pub(super) async fn verify(
    State(app): State<App>,
    headers: HeaderMap,
    LooseBody(asked): LooseBody<Verify>,
) -> Result<Json<Registered>, ApiError> {
    let token = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let runner = find(&app, &token).await?;
    let sighting = Sighting {
        runner: runner.id,
        system_id: asked.system_id,
        instance: None,
        info: info_json(&asked.info),
        now: app.ports.clock.now(),
    };
    app.fleet().seen_manager(&sighting).await?;
    Ok(Json(registered(&runner, token)))
}

/// `DELETE runners`: a runner with all its processes.
pub(super) async fn delete(
    State(app): State<App>,
    headers: HeaderMap,
    LooseBody(asked): LooseBody<TokenOnly>,
) -> Result<StatusCode, ApiError> {
    let token = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let runner = find(&app, &token).await?;
    app.store().delete_runner(runner.id).await?;
    app.fleet().runners_changed();
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE runners/managers`: one process of a runner.
pub(super) async fn delete_manager(
    State(app): State<App>,
    headers: HeaderMap,
    LooseBody(asked): LooseBody<TokenOnly>,
) -> Result<StatusCode, ApiError> {
    let token = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let runner = find(&app, &token).await?;
    if asked.system_id.is_empty() {
        return Err(ApiError::bad("system_id is missing"));
    }
    let found = app
        .store()
        .delete_manager(runner.id, &asked.system_id)
        .await?;
    app.fleet().runners_changed();
    found
        .then_some(StatusCode::NO_CONTENT)
        .ok_or_else(ApiError::missing)
}

/// `POST runners/reset_authentication_token`: another token in place of this one.
pub(super) async fn reset(
    State(app): State<App>,
    headers: HeaderMap,
    LooseBody(asked): LooseBody<TokenOnly>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let old = header_or(&headers, http::RUNNER_TOKEN, &asked.token);
    let runner = find(&app, &old).await?;
    let token = app.fleet().token("glrt-");
    app.store()
        .reset_runner_token(runner.id, &TokenHash::of(&token))
        .await?;
    app.fleet().runners_changed();
    let answer = Registered {
        id: None,
        ..registered(&runner, token)
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The runner that a token belongs to; 403 for every other token.
pub(super) async fn find(app: &App, token: &str) -> Result<RunnerRow, ApiError> {
    let found = app.fleet().runner_by_token(token).await?;
    found.ok_or_else(ApiError::forbidden)
}

/// `info` as it is kept.
pub(super) fn info_json(info: &Info) -> Option<String> {
    serde_json::to_string(info).ok()
}

fn registered(runner: &RunnerRow, token: String) -> Registered {
    Registered {
        id: Some(runner.id.0),
        token: Secret::new(token),
        token_expires_at: None,
    }
}

fn settings(asked: &Register) -> RunnerSettings {
    let tags: Vec<String> = asked.tags().map(str::to_owned).collect();
    RunnerSettings {
        description: asked.description.clone(),
        // A runner without tags could take nothing else.
        run_untagged: asked.run_untagged.unwrap_or(tags.is_empty()),
        tags,
        locked: asked.locked.unwrap_or(false),
        access_level: if asked.access_level == "ref_protected" {
            AccessLevel::RefProtected
        } else {
            AccessLevel::NotProtected
        },
        maximum_timeout: asked
            .maximum_timeout
            .filter(|seconds| *seconds > 0)
            .map(Millis::from_secs),
        paused: asked
            .paused
            .unwrap_or_else(|| asked.active.is_some_and(|active| !active)),
    }
}
