//! Who asks.

use aqueduct_core::token::TokenHash;
use aqueduct_ports::store::AccessScope;
use axum::{
    extract::FromRequestParts,
    http::{Method, StatusCode, request::Parts},
};

use super::super::{error::ApiError, token::bearer};
use crate::App;

/// A request whose token opens what it asks for: reading with any, changing with an admin's. A handler that has it has checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller;

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let unauthorised = || {
            ApiError::new(
                StatusCode::UNAUTHORIZED,
                "an access token is needed: Authorization: Bearer TOKEN",
            )
        };
        let token = bearer(&parts.headers).ok_or_else(unauthorised)?;
        let known = app.store().access_token(&TokenHash::of(&token)).await?;
        let now = app.ports.clock.now();
        let known = known
            .filter(|token| token.expires.is_none_or(|end| now < end))
            .ok_or_else(unauthorised)?;
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        if !reads && known.scope != AccessScope::Admin {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this token may only read",
            ));
        }
        Ok(Self)
    }
}
