//! Answers that are no success.

use aqueduct_engine::fleet::FleetError;
use aqueduct_ports::store::{ObjectError, StoreError};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An answer that is no success: a status, and `{"message": …}` (runner-protocol 1).
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// With a status and words.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// The request can't be understood.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The token opens nothing here. Never for temporary trouble: a runner gives up over it.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "403 Forbidden")
    }

    /// There is no such thing.
    pub(crate) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "404 Not Found")
    }

    /// With a header.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Trouble that will pass: come again.
    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request could not be served");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).with("retry-after", "1")
    }

    /// Trouble that won't.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request could not be served");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "message": self.message }));
        let mut response = (self.status, body).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let headers = response.headers_mut();
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => Self::unavailable(&error),
            StoreError::Taken(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            StoreError::TooLong(_) => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            StoreError::Missing(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            StoreError::Corrupt(_) => Self::internal(&error),
        }
    }
}

impl From<FleetError> for ApiError {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Store(error) => error.into(),
            FleetError::NoPipeline(_) | FleetError::NoJob => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            FleetError::WrongState(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            FleetError::Corrupt { .. } => Self::internal(&error),
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        let status = match &error {
            ObjectError::Missing(_) => StatusCode::NOT_FOUND,
            ObjectError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            ObjectError::Interrupted(_) => StatusCode::BAD_REQUEST,
            ObjectError::Unavailable(_) => return Self::unavailable(&error),
        };
        Self::new(status, error.to_string())
    }
}
