//! Who looks at a page.

use aqueduct_core::{time::Millis, token::TokenHash};
use aqueduct_pages::Person;
use aqueduct_ports::store::{AccessScope, AccessToken, NewSession, StoreError};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, request::Parts},
};

use super::{cookie, error::PageError};
use crate::App;

/// How long a session lasts.
pub(super) const LENGTH: Millis = Millis::from_secs(12 * 3600);

/// A person with a session. A handler that has it has checked; one that changes something takes [`Changer`].
pub(crate) struct Viewer(pub(super) Person);

/// A person with a session of a token that may change things.
pub(super) struct Changer;

impl FromRequestParts<App> for Viewer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        match find(app, &parts.headers).await? {
            Some(token) => Ok(Self(person(token))),
            None if parts.method == Method::GET => {
                let path = parts.uri.path_and_query();
                Err(PageError::login(path.map_or("/", |path| path.as_str())))
            }
            None => Err(PageError::login("/")),
        }
    }
}

impl FromRequestParts<App> for Changer {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let Viewer(person) = Viewer::from_request_parts(parts, app).await?;
        if person.may_change {
            return Ok(Self);
        }
        let text = "The access token of this session may only read.";
        Err(PageError::new(StatusCode::FORBIDDEN, text).seen_by(person))
    }
}

fn person(token: AccessToken) -> Person {
    Person {
        may_change: token.scope == AccessScope::Admin,
        name: token.name,
    }
}

/// The token of the session that a request is of.
async fn find(app: &App, headers: &HeaderMap) -> Result<Option<AccessToken>, StoreError> {
    let Some(value) = cookie::read(headers, app.fleet().url()) else {
        return Ok(None);
    };
    let now = app.ports.clock.now();
    let token = app.store().session(&TokenHash::of(&value), now).await?;
    Ok(token.filter(|token| token.expires.is_none_or(|end| now < end)))
}

/// Begins a session with an access token; what the browser is to keep. `None`: the token opens nothing.
pub(super) async fn begin(app: &App, token: &str) -> Result<Option<String>, StoreError> {
    let now = app.ports.clock.now();
    let known = app.store().access_token(&TokenHash::of(token)).await?;
    let Some(known) = known.filter(|token| token.expires.is_none_or(|end| now < end)) else {
        return Ok(None);
    };
    let value = app.fleet().token("aqs-");
    let session = NewSession {
        hash: TokenHash::of(&value),
        token: known.id,
        expires: now + LENGTH,
    };
    app.store().begin_session(&session, now).await?;
    Ok(Some(value))
}

/// Ends the session that a request is of.
pub(super) async fn end(app: &App, headers: &HeaderMap) -> Result<(), StoreError> {
    if let Some(value) = cookie::read(headers, app.fleet().url()) {
        app.store().end_session(&TokenHash::of(&value)).await?;
    }
    Ok(())
}
