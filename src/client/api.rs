//! One server: its address, the connections to it, and how a call is tried again.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use aqueduct_core::api::runner::http::{PREFIX, REQUEST_ID};
use reqwest::{Certificate, Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    error::ClientError,
    retry::{Pauses, is_transient, wish},
};

/// Longest wait for the answer to a small call.
const CALL_TIME: Duration = Duration::from_mins(1);
/// Bytes of an error's body that are looked at.
const MAX_MESSAGE: usize = 4096;

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Its address; `/ci` and slashes at the end mean nothing.
    pub url: String,
    /// Certificates to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
}

impl ApiOptions {
    /// The server at `url`, with everything else as usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// The certificates in a PEM file, to trust besides the system's.
///
/// # Errors
/// If the file can't be read or holds none.
pub fn certificates(path: &Path) -> Result<Vec<Certificate>, ClientError> {
    let unusable = |cause: &dyn std::fmt::Display| {
        ClientError::Invalid(format!("{}: {cause}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"it holds no certificate (BEGIN CERTIFICATE)"));
    }
    Ok(found)
}

/// A server of the API. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Api {
    base: Url,
    http: reqwest::Client,
}

impl Api {
    /// Makes no call yet.
    ///
    /// # Errors
    /// If the address isn't one, holds a user or password, or the certificates can't be read.
    pub fn new(options: &ApiOptions) -> Result<Self, ClientError> {
        let base = base(&options.url)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("aqueduct-runner/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(Duration::from_mins(2))
            .redirect(reqwest::redirect::Policy::none());
        let host = base.host_str().unwrap_or_default();
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            builder = builder.no_proxy();
        }
        if let Some(path) = &options.ca_file {
            builder = builder.tls_certs_merge(certificates(path)?);
        }
        let http = builder
            .build()
            .map_err(|error| ClientError::Invalid(format!("can't set up TLS: {error}")))?;
        Ok(Self { base, http })
    }

    /// A request for a path behind the API's prefix, with a number of its own.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        let whole = format!("{}{PREFIX}{path}", self.base.path().trim_end_matches('/'));
        url.set_path(&whole);
        self.http
            .request(method, url)
            .header(REQUEST_ID, request_id())
            .timeout(CALL_TIME)
    }

    /// As [`Self::request`], with a query.
    pub(crate) fn request_with(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> RequestBuilder {
        let request = self.request(method, path);
        if query.is_empty() {
            request
        } else {
            request.query(query)
        }
    }

    /// A request for a whole address that a server named, without anything of ours in it.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.http.get(url)
    }

    /// The same paths on another host: of its address, only scheme and host count.
    pub(crate) fn at(&self, host: &Url) -> Self {
        let mut base = self.base.clone();
        // A token that went encrypted never goes in the open.
        let same = !(base.scheme() == "https" && host.scheme() == "http")
            && base.set_scheme(host.scheme()).is_ok()
            && base.set_host(host.host_str()).is_ok()
            && base.set_port(host.port()).is_ok();
        Self {
            base: if same { base } else { self.base.clone() },
            http: self.http.clone(),
        }
    }

    /// Sends what `make` makes until there is an answer, be it a refusal. Gives up after some tries.
    ///
    /// # Errors
    /// If the last try was not answered, or with the server's own trouble.
    pub(crate) async fn send(
        &self,
        what: &'static str,
        make: impl Fn() -> RequestBuilder + Sync,
    ) -> Result<Response, ClientError> {
        let mut pauses = Pauses::new();
        loop {
            let (failure, wish) = match make().send().await {
                Ok(response) if !is_transient(response.status()) => return Ok(response),
                Ok(response) => {
                    let wish = wish(response.headers());
                    (refused(what, response).await, wish)
                }
                Err(error) => (ClientError::no_answer(&error), None),
            };
            tracing::debug!(%failure, "trying again");
            if !pauses.wait(wish).await {
                return Err(failure);
            }
        }
    }

    /// As [`Self::send`], for a call whose answer is JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        make: impl Fn() -> RequestBuilder + Sync,
        expected: StatusCode,
    ) -> Result<T, ClientError> {
        let response = self.send(what, make).await?;
        if response.status() != expected {
            return Err(refused(what, response).await);
        }
        let bytes = response.bytes().await;
        let bytes = bytes.map_err(|error| ClientError::no_answer(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Garbled {
            what,
            cause: error.to_string(),
        })
    }
}

fn base(text: &str) -> Result<Url, ClientError> {
    let invalid = |cause: &str| {
        // Not the text itself: somebody may have put a password into it.
        ClientError::Invalid(format!("the server's address can't be used: {cause}"))
    };
    let trimmed = text.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix("/ci").unwrap_or(trimmed);
    let url = Url::parse(trimmed).map_err(|error| invalid(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("it is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a user; the token is given apart"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a part behind `?` or `#`"));
    }
    Ok(url)
}

/// 32 hexadecimal digits that no other request has.
fn request_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let mut id = String::with_capacity(32);
    for _ in 0..2 {
        // Each state has random keys of its own.
        let part = RandomState::new().hash_one(std::time::Instant::now());
        let _ = write!(id, "{part:016x}");
    }
    id
}

/// The refusal that an answer is, with its words.
pub(crate) async fn refused(what: &'static str, response: Response) -> ClientError {
    let status = response.status().as_u16();
    let is_text = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("json") || value.starts_with("text/plain"));
    let body = if is_text {
        response.bytes().await.unwrap_or_default()
    } else {
        bytes::Bytes::new()
    };
    ClientError::Refused {
        what,
        status,
        message: message(body.get(..MAX_MESSAGE).unwrap_or(&body)),
    }
}

/// What an error's body says: `{"message": …}`, or the text itself.
fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let said = json.and_then(|json| {
        let value = json.get("message").or_else(|| json.get("error"))?;
        Some(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        )
    });
    let said = said.unwrap_or_else(|| text.into_owned());
    let words: Vec<&str> = said.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, " ");
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_means_nothing() {
        for (text, expected) in [
            ("http://ci.example/", "http://ci.example/"),
            ("https://ci.example/git/ci/", "https://ci.example/git"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(base(text).unwrap().as_str(), expected, "{text}");
        }
        for text in [
            "",
            "ci.example",
            "ftp://x",
            "http://a:secret@x",
            "http://x?token=secret",
        ] {
            let error = base(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn words_of_a_server_become_a_line() {
        for (body, expected) in [
            (r#"{"message":"403 Forbidden"}"#, "403 Forbidden"),
            (r#"{"message":{"tag":["is bad"]}}"#, r#"{"tag":["is bad"]}"#),
            ("plain\n text\u{1b}[0m", "plain text [0m"),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), expected);
        }
    }

    #[test]
    fn no_two_requests_have_one_number() {
        let (one, other) = (request_id(), request_id());
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }
}
