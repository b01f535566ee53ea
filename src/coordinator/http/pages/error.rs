//! Answers that are no page that was asked for.

use aqueduct_engine::{archive::ArchiveError, fleet::FleetError};
use aqueduct_pages::{MessagePage, Person, Template, query};
use aqueduct_ports::store::{ObjectError, StoreError};
use axum::{
    extract::rejection::{FormRejection, PathRejection, QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::guard;

/// An answer that is no page that was asked for.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is logged in; where to go on afterwards.
    Login(String),
    /// A status, and words.
    Message(StatusCode, String, Option<Person>),
}

impl PageError {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self::Message(status, text.into(), None)
    }

    pub(super) fn login(next: &str) -> Self {
        Self::Login(next.to_owned())
    }

    pub(super) fn missing() -> Self {
        let text = "It may never have been there, or it was removed.";
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// The person stays logged in while reading it.
    pub(super) fn seen_by(self, person: Person) -> Self {
        match self {
            Self::Message(status, text, _) => Self::Message(status, text, Some(person)),
            login @ Self::Login(_) => login,
        }
    }
}

/// A page with a status.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Result<Response, PageError> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        PageError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The page could not be written.",
        )
    })?;
    Ok((status, Html(html)).into_response())
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, text, person) = match self {
            Self::Login(next) => {
                return Redirect::to(&format!("/login?next={}", query(&next))).into_response();
            }
            Self::Message(status, text, person) => (status, text, person),
        };
        let message = MessagePage::new(status.as_u16(), text, person);
        let html = message.render().unwrap_or_else(|_| status.to_string());
        (status, Html(html)).into_response()
    }
}

/// Whether whoever asks is a person with a browser.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT);
    accepts.is_some_and(|value| value.to_str().is_ok_and(|text| text.contains("text/html")))
}

/// The page for addresses that are none.
pub(crate) fn not_found() -> Response {
    let mut response = PageError::missing().into_response();
    guard::protect(response.headers_mut());
    response
}

fn unavailable(error: &dyn std::fmt::Display) -> PageError {
    tracing::error!(%error, "a page could not be served");
    PageError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("The store says: {error}. Come again."),
    )
}

fn internal(error: &dyn std::fmt::Display) -> PageError {
    tracing::error!(%error, "a page could not be served");
    PageError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("The coordinator says: {error}."),
    )
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => unavailable(&error),
            StoreError::Missing(_) => Self::missing(),
            StoreError::TooLong(_) => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            StoreError::Taken(_) | StoreError::Corrupt(_) => internal(&error),
        }
    }
}

impl From<FleetError> for PageError {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Store(error) => error.into(),
            FleetError::NoPipeline(_) | FleetError::NoJob => Self::missing(),
            FleetError::WrongState(status) => {
                let text = format!("It is {status} by now: there is nothing to do.");
                Self::new(StatusCode::CONFLICT, text)
            }
            FleetError::Corrupt { .. } => internal(&error),
        }
    }
}

impl From<ArchiveError> for PageError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Store(error) => error.into(),
            ArchiveError::Object(error) => error.into(),
        }
    }
}

impl From<ObjectError> for PageError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Missing(_) => Self::missing(),
            other => unavailable(&other),
        }
    }
}

macro_rules! refused {
    ($($rejection:ty),+) => {
        $(impl From<$rejection> for PageError {
            fn from(rejection: $rejection) -> Self {
                Self::new(rejection.status(), "The address or the form is not what is expected.")
            }
        })+
    };
}

refused!(FormRejection, PathRejection, QueryRejection);
