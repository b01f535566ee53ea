//! Logging in and out.

use std::time::Duration;

use aqueduct_pages::LoginPage;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    cookie,
    error::{PageError, page},
    session,
};
use crate::App;

/// What the form sends, or a redirect to it.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    token: String,
}

pub(super) async fn show(Query(asked): Query<Asked>) -> Result<Response, PageError> {
    page(StatusCode::OK, &LoginPage::new(own_path(&asked.next)))
}

pub(super) async fn begin(
    State(app): State<App>,
    Form(asked): Form<Asked>,
) -> Result<Response, PageError> {
    let next = own_path(&asked.next);
    let Some(value) = session::begin(&app, asked.token.trim()).await? else {
        let refused = LoginPage::new(next).refused("This token opens nothing here.");
        return page(StatusCode::FORBIDDEN, &refused);
    };
    let cookie = cookie::write(&value, session::LENGTH.to_std(), app.fleet().url());
    let mut response = Redirect::to(next).into_response();
    let headers = response.headers_mut();
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

pub(super) async fn end(State(app): State<App>, headers: HeaderMap) -> Result<Response, PageError> {
    session::end(&app, &headers).await?;
    let cookie = cookie::write("", Duration::ZERO, app.fleet().url());
    let mut response = Redirect::to("/login").into_response();
    let headers = response.headers_mut();
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

/// A path of ours to go on to; everything that a browser could read as another host's, or that is no page, becomes the first page.
fn own_path(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let page = !next.starts_with("/login") && !next.starts_with("/logout");
    if is_path && plain && page { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for own in ["/", "/jobs/5?line=7", "/projects/1?ref=refs%2Fheads%2Fa"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "evil",
            "/\tevil",
            "/\r\nset-cookie: a",
            "javascript:alert(1)",
            "/login?next=/x",
            "/ü",
        ] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
