//! Pieces of a trace (runner-protocol 4.2).

use aqueduct_core::api::runner::{http, range};
use aqueduct_ports::work::WorkError;
use bytes::Bytes;
use reqwest::{Method, StatusCode, header};

use super::{
    HttpWorkSource,
    held::{Held, text},
    unavailable,
};
use crate::api::refused;

const WHAT: &str = "send the trace";

impl HttpWorkSource {
    /// Sends one piece; answers how much the server has.
    pub(super) async fn patch(
        &self,
        held: &Held,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, WorkError> {
        let length = bytes.len() as u64;
        held.sum(offset, &bytes);
        let path = http::trace(held.id);
        let make = || {
            let request = self
                .api
                .request_with(Method::PATCH, &path, &[("debug_trace", "false")]);
            request
                .header(http::JOB_TOKEN, held.token.expose())
                .header(header::CONTENT_TYPE, "text/plain")
                .header(http::CONTENT_RANGE, range::content_range(offset, length))
                .body(bytes.clone())
        };
        let response = self.api.send(WHAT, make).await;
        let response = response.map_err(|error| unavailable(&error))?;
        held.hear(&response)?;
        let stored = text(response.headers(), http::RANGE).and_then(range::stored);
        match response.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(stored.unwrap_or(0)),
            status if status.is_success() => Ok(stored.unwrap_or(offset + length)),
            _ => Err(unavailable(&refused(WHAT, response).await)),
        }
    }
}
