//! Webhooks: `POST /hooks/{forge}/{project}`.
//!
//! A webhook is a hint and nothing more: who could forge one makes the repository be looked at. It is stored before it is answered,
//! so that a restart looks too; what has changed is told by the repository itself.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aqueduct_core::{id::ProjectId, refs::RefEvent};
use aqueduct_ports::{
    forge::{Forge, HOOK_LIMIT, Hook, HookError, HookEvent, HookRequest},
    store::{NewDelivery, Put},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRequest, Path, Request, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::timeout};

use super::{error::ApiError, find, secret};
use crate::App;

/// How long a sender may take for a body. Forges give up on a receiver after 10 s.
const BODY_TIME: Duration = Duration::from_secs(30);

type Answer = (StatusCode, Json<Value>);

/// All below `/hooks`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/hooks/{forge}/{*project}", post(receive))
        .layer(DefaultBodyLimit::max(HOOK_LIMIT))
}

async fn receive(
    State(app): State<App>,
    Path((forge, project)): Path<(String, String)>,
    request: Request,
) -> Result<Answer, ApiError> {
    let missing = |message: &str| ApiError::new(StatusCode::NOT_FOUND, message);
    let forge = Forge::parse(&forge)
        .ok_or_else(|| missing("the forges are github, gitlab, gitea and forgejo"))?;
    // Before the body: nobody makes this read megabytes for a project that isn't there.
    let project = find::project(&app, &project)
        .await?
        .ok_or_else(|| missing("there is no such project"))?;
    let secret = secret::of(&project)?.ok_or_else(|| {
        let way = format!("POST /api/v1/projects/{}/webhook-secret", project.id);
        let text = format!("the project has no webhook secret yet; make one with {way}");
        ApiError::new(StatusCode::FORBIDDEN, text)
    })?;
    let headers = texts(request.headers());
    let body = body(request).await?;
    let hook = read(&app, forge, headers, body, secret).await?;
    match hook.event {
        HookEvent::Ref(event) => stored(&app, project.id, forge, hook.delivery, &event).await,
        HookEvent::Ping => Ok(told(StatusCode::OK, "pong")),
        HookEvent::Unsupported(what) => {
            let text = format!("{what} are not yet supported: no pipeline is made");
            Ok(told(StatusCode::OK, &text))
        }
        HookEvent::Other(what) => Ok(told(
            StatusCode::OK,
            &format!("no pipeline is made for this: {what}"),
        )),
    }
}

fn told(status: StatusCode, message: &str) -> Answer {
    (status, Json(json!({ "message": message })))
}

/// Headers that are text; of those that come twice, the first.
fn texts(headers: &HeaderMap) -> BTreeMap<String, String> {
    let names = headers.keys();
    let texts = names.filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    texts.collect()
}

async fn body(request: Request) -> Result<Bytes, ApiError> {
    let read = timeout(BODY_TIME, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| {
        let text = "the body did not arrive in time";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, text)
    })?;
    read.map_err(|error| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let text = format!("the body has more than {HOOK_LIMIT} bytes");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text)
        } else {
            ApiError::bad("the body could not be read")
        }
    })
}

/// Hashing and reading megabytes takes a while: not on the threads that serve others.
async fn read(
    app: &App,
    forge: Forge,
    headers: BTreeMap<String, String>,
    body: Bytes,
    secret: String,
) -> Result<Hook, ApiError> {
    let (hooks, received) = (Arc::clone(&app.ports.hooks), app.ports.clock.now());
    let read = spawn_blocking(move || {
        let request = HookRequest {
            headers: &headers,
            body: &body,
            received,
        };
        hooks.read(forge, &request, &secret)
    });
    let read = read.await.map_err(|error| ApiError::internal(&error))?;
    read.map_err(|error| {
        let status = match error {
            HookError::Unsigned(_) => StatusCode::UNAUTHORIZED,
            HookError::Forged(_) => StatusCode::FORBIDDEN,
            HookError::Malformed(_) => StatusCode::BAD_REQUEST,
        };
        ApiError::new(status, error.to_string())
    })
}

/// Stores a hint, has it followed, and says so.
async fn stored(
    app: &App,
    project: ProjectId,
    forge: Forge,
    delivery: String,
    event: &RefEvent,
) -> Result<Answer, ApiError> {
    let body = serde_json::to_vec(event).map_err(|error| ApiError::internal(&error))?;
    let delivery = NewDelivery {
        project,
        source: forge.as_str().to_owned(),
        delivery,
        kind: "hint".to_owned(),
        // What the rest of a body says is of no use to anybody.
        body: body.into(),
        received: app.ports.clock.now(),
    };
    let put = app.store().put_delivery(&delivery).await?;
    // Also for a repeat: who sends again wants another look, and a look finds what there is only once.
    app.tasks.hints.hint(project);
    Ok(match put {
        Put::Stored(_) => {
            app.tasks.inbox.wake();
            told(StatusCode::ACCEPTED, "stored: the repository is looked at")
        }
        Put::Duplicate => told(StatusCode::OK, "this delivery is known"),
    })
}
