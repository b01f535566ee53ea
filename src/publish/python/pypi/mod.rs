//! `type = "pypi"`: the legacy upload API, read back through the Simple API.

mod listing;
mod upload;

use std::time::Duration;

use aqueduct_core::package::{ListedFile, public_objections};
use aqueduct_registry::{NoAnswer, TRUST_HINT, no_client};
use async_trait::async_trait;
use reqwest::{RequestBuilder, Response, StatusCode, redirect};
use url::{Host, Url};

use super::{
    distribution::Distribution,
    repository::{ErrorKind, PackageRepository, RepositoryError},
};
use crate::{PypiDestination, Secret};

/// User name that goes with a token where none is given.
const TOKEN_USER: &str = "__token__";

/// A server of the legacy upload API.
pub(super) struct Pypi {
    upload_url: Url,
    index_url: Url,
    login: Option<(String, Secret)>,
    /// Follows no redirect by itself.
    http: reqwest::Client,
    /// For bodies that take as long as they take.
    uploads: reqwest::Client,
}

impl Pypi {
    /// The server of a destination whose password has been looked up.
    pub(super) fn new(
        destination: &PypiDestination,
        password: Option<Secret>,
    ) -> Result<Self, RepositoryError> {
        let local = is_loopback(&destination.upload_url) && is_loopback(&destination.index_url);
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("aqueduct/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_secs(5))
                .redirect(redirect::Policy::none());
            if local { builder.no_proxy() } else { builder }
        };
        let failed =
            |error: reqwest::Error| RepositoryError::new(ErrorKind::Fatal, no_client(&error));
        let username = destination.username.clone();
        Ok(Self {
            upload_url: destination.upload_url.clone(),
            index_url: destination.index_url.clone(),
            login: password
                .map(|password| (username.unwrap_or_else(|| TOKEN_USER.into()), password)),
            http: builder()
                .read_timeout(Duration::from_secs(30))
                .build()
                .map_err(failed)?,
            uploads: builder().build().map_err(failed)?,
        })
    }

    /// Adds the login, for the two origins of the destination only.
    fn authorized(&self, url: &Url, request: RequestBuilder) -> RequestBuilder {
        let ours = [&self.upload_url, &self.index_url]
            .iter()
            .any(|own| own.origin() == url.origin());
        match &self.login {
            Some((user, password)) if ours => request.basic_auth(user, Some(password.reveal())),
            _ => request,
        }
    }
}

#[async_trait]
impl PackageRepository for Pypi {
    fn kind(&self) -> &'static str {
        "pypi"
    }

    fn objections(&self, file: &Distribution) -> Vec<String> {
        let public = self
            .upload_url
            .host_str()
            .is_some_and(|host| host == "pypi.org" || host.ends_with(".pypi.org"));
        if public {
            public_objections(&file.name)
        } else {
            Vec::new()
        }
    }

    async fn list(&self, project: &str) -> Result<Vec<ListedFile>, RepositoryError> {
        self.page(project).await
    }

    async fn hash(&self, project: &str, file: &ListedFile) -> Result<String, RepositoryError> {
        self.download_hash(project, file).await
    }

    async fn upload(&self, _project: &str, file: &Distribution) -> Result<(), RepositoryError> {
        self.post(file).await
    }
}

/// Whether no proxy could reach it.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A connection that failed or broke off.
fn unreachable(error: &reqwest::Error, url: &Url) -> RepositoryError {
    let NoAnswer { cause, untrusted } = NoAnswer::of(error);
    if untrusted {
        let message = format!("{url}: {cause}; {TRUST_HINT}");
        RepositoryError::new(ErrorKind::Fatal, message)
    } else {
        RepositoryError::new(ErrorKind::Transient, format!("{url}: {cause}"))
    }
}

/// The error that an answer without success stands for.
async fn refused(response: Response, url: &Url) -> RepositoryError {
    let status = response.status();
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Auth,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => ErrorKind::Transient,
        status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            ErrorKind::Transient
        }
        _ => ErrorKind::Refused,
    };
    let text = message(response).await;
    let text = if text.is_empty() {
        text
    } else {
        format!(": {text}")
    };
    RepositoryError::new(kind, format!("{url}: status {}{text}", status.as_u16()))
}

/// What the body says: a JSON message, else its first line of text.
async fn message(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 8 * 1024 {
            break;
        }
    }
    let document: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    if let Some(text) = document
        .as_ref()
        .and_then(|document| document["message"].as_str())
    {
        return text.chars().take(300).collect();
    }
    let text = String::from_utf8_lossy(&body);
    let mut plain = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                plain.push(' ');
            }
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}
