//! Secrets of webhooks: made here, or chosen by whoever asks. Told once.

use aqueduct_core::api::runner::Secret;
use aqueduct_ports::store::StoreError;
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{body::LooseJson, error::ApiError, find, secret},
    auth::Caller,
};
use crate::App;

/// Shortest secret that somebody may choose, in bytes.
const SHORTEST: usize = 16;
/// Longest: what GitLab stores.
const LONGEST: usize = 255;
/// How often a change is tried against others.
const TRIES: usize = 5;

/// Another secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

/// Replaces the secret of a project's webhooks; what was signed with the one before is refused from now on.
pub(super) async fn replace(
    State(app): State<App>,
    _caller: Caller,
    Path(id): Path<String>,
    LooseJson(asked): LooseJson<Asked>,
) -> Result<Json<Value>, ApiError> {
    let chosen = chosen_or_new(&app, asked.webhook_secret.as_ref())?;
    for _ in 0..TRIES {
        let found = find::project(&app, &id).await?;
        let mut project = found.ok_or_else(ApiError::missing)?;
        project.settings = secret::put(&project.settings, &chosen)?;
        match app.store().update_project(&project).await {
            Ok(_) => return Ok(Json(json!({ "webhook_secret": chosen }))),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// The secret that was asked for, or a new one.
pub(super) fn chosen_or_new(app: &App, asked: Option<&Secret>) -> Result<String, ApiError> {
    let Some(chosen) = asked.map(Secret::expose) else {
        // The prefix makes it one for GitLab's signed form too, where hexadecimal digits are read as base64.
        return Ok(app.fleet().token("whsec_"));
    };
    let legal = chosen.bytes().all(|byte| byte.is_ascii_graphic());
    if legal && (SHORTEST..=LONGEST).contains(&chosen.len()) {
        return Ok(chosen.to_owned());
    }
    Err(ApiError::bad(format!(
        "webhook_secret: {SHORTEST} to {LONGEST} visible ASCII characters; leave it out to have one made"
    )))
}
