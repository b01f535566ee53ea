//! The client: one for all registries of a process, with its connections and tokens.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use aqueduct_core::image::{Reference, RegistryReference};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use crate::{
    Credential, Credentials, Layout, RegistryError, RemoteRepository, Repository,
    auth::{Challenge, Scope, Token, TokenStore, fetch_token},
    http, no_client,
    retry::{Pauses, retry_after},
};

/// An answer that takes longer is told to be waited for.
const SLOW: Duration = Duration::from_secs(10);

/// Which registries are spoken to without TLS. Loopback addresses always are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// Loopback only.
    #[default]
    Loopback,
    /// Loopback and these hosts (with port, as in a reference).
    Hosts(BTreeSet<String>),
    /// Every registry.
    All,
}

impl PlainHttp {
    fn applies(&self, registry: &str) -> bool {
        let named = match self {
            Self::All => true,
            Self::Hosts(hosts) => hosts.contains(registry),
            Self::Loopback => false,
        };
        named || is_loopback(registry)
    }
}

pub(crate) fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Who goes without TLS.
    pub plain_http: PlainHttp,
    /// Where logins come from.
    pub credentials: Credentials,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence of a server.
    pub read_timeout: Duration,
    /// Tries after the first of every call that can be repeated.
    pub retries: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            plain_http: PlainHttp::default(),
            credentials: Credentials::from_environment(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_mins(1),
            retries: 4,
        }
    }
}

/// What a repository is opened for, which decides the token asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// Time that any upload has.
const UPLOAD_TIME: Duration = Duration::from_mins(2);
/// Slowest connection that is waited for, in bytes a second.
const SLOWEST_UPLOAD: u64 = 32 * 1024;

/// Opens repositories. Cheap to clone; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For the world, through a proxy if the environment names one.
    outside: Connections,
    /// For loopback addresses, which no proxy can reach.
    loopback: Connections,
    options: ClientOptions,
    tokens: TokenStore,
}

#[derive(Debug)]
struct Connections {
    calls: reqwest::Client,
    /// Without the limit on silence, which would count the time that a body takes to send.
    uploads: reqwest::Client,
}

impl Connections {
    fn new(options: &ClientOptions, direct: bool) -> Result<Self, RegistryError> {
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("aqueduct/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(options.connect_timeout);
            if direct { builder.no_proxy() } else { builder }
        };
        let failed =
            |error: reqwest::Error| RegistryError::protocol("HTTP client", no_client(&error));
        let calls = builder().read_timeout(options.read_timeout);
        Ok(Self {
            calls: calls.build().map_err(failed)?,
            uploads: builder().build().map_err(failed)?,
        })
    }
}

impl Client {
    /// A client with these settings.
    pub fn new(options: ClientOptions) -> Result<Self, RegistryError> {
        Ok(Self(Arc::new(Inner {
            outside: Connections::new(&options, false)?,
            loopback: Connections::new(&options, true)?,
            options,
            tokens: TokenStore::default(),
        })))
    }

    /// The repository or layout that a reference lies in. Nothing is asked yet.
    pub fn open(&self, reference: &Reference, access: Access) -> Box<dyn Repository> {
        match reference {
            Reference::Registry(place) => {
                Box::new(RemoteRepository::new(self.clone(), place.clone(), access))
            }
            Reference::Layout(place) => Box::new(Layout::new(place.clone())),
        }
    }

    pub(crate) fn is_plain(&self, registry: &str) -> bool {
        self.0.options.plain_http.applies(registry)
    }

    fn connections(&self, url: &str) -> &Connections {
        let local = Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback));
        if local {
            &self.0.loopback
        } else {
            &self.0.outside
        }
    }

    /// The pauses between the tries of one call.
    pub(crate) fn pauses(&self) -> Pauses {
        Pauses::new(self.0.options.retries)
    }

    /// `https://registry/v2/repository`.
    pub(crate) fn base_url(&self, place: &RegistryReference) -> String {
        let scheme = if self.is_plain(&place.registry) {
            "http"
        } else {
            "https"
        };
        // The hub answers under another name than the one in references.
        let host = match place.registry.as_str() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        format!("{scheme}://{host}/v2/{}", place.repository)
    }

    /// A request with nothing added yet.
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.connections(url).calls.request(method, url)
    }

    /// A request whose body of `size` bytes may take a while.
    pub(crate) fn upload_request(&self, method: Method, url: &str, size: u64) -> RequestBuilder {
        let time = UPLOAD_TIME + Duration::from_secs(size / SLOWEST_UPLOAD);
        self.connections(url)
            .uploads
            .request(method, url)
            .timeout(time)
    }

    /// Sends a request that may be repeated, with whatever authorization the registry wants, again while the server
    /// is in trouble. `accepted` are statuses besides 2xx that the caller reads itself.
    pub(crate) async fn send(
        &self,
        exchange: &Exchange<'_>,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let mut pauses = self.pauses();
        loop {
            let answer = told_if_slow(exchange, self.send_once(exchange, &build));
            let (error, pause) = match answer.await {
                Ok(response) if exchange.takes(response.status()) => return Ok(response),
                Ok(response) => {
                    let pause = retry_after(response.headers());
                    (http::failure(response, exchange.what).await, pause)
                }
                Err(error) => (error, None),
            };
            if !error.is_transient() || !pauses.wait(pause).await {
                return Err(error);
            }
            tracing::warn!(%error, "a call to a registry is tried again");
        }
    }

    /// One try; after a 401 a second one with a fresh token.
    pub(crate) async fn send_once(
        &self,
        exchange: &Exchange<'_>,
        build: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RegistryError> {
        let known = self.0.tokens.get(exchange.registry, exchange.scope);
        let request = authorized(build(), known.as_ref());
        let response = request
            .send()
            .await
            .map_err(|error| http::unreachable(&error, exchange.what))?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(challenge) = Challenge::from_headers(response.headers()) else {
            return Ok(response);
        };
        let token = self.answer(exchange, challenge).await?;
        if matches!(token, Token::Anonymous) {
            return Ok(response);
        }
        authorized(build(), Some(&token))
            .send()
            .await
            .map_err(|error| http::unreachable(&error, exchange.what))
    }

    /// Answers a challenge and remembers the answer.
    async fn answer(
        &self,
        exchange: &Exchange<'_>,
        challenge: Challenge,
    ) -> Result<Token, RegistryError> {
        let registry = exchange.registry;
        let credential = self.0.options.credentials.find(registry).await?;
        let (token, life) = match challenge {
            Challenge::Basic => match credential {
                Some(Credential::Password { username, password }) => {
                    (Token::Basic(username, password), None)
                }
                _ => return Ok(Token::Anonymous),
            },
            Challenge::Bearer { realm, service } => {
                let secure = !self.is_plain(registry);
                let server = (realm.as_str(), service.as_deref());
                let (token, life) =
                    fetch_token(self, server, exchange.scope, credential.as_ref(), secure).await?;
                (token, Some(life))
            }
        };
        self.0
            .tokens
            .put(registry, exchange.scope, token.clone(), life);
        Ok(token)
    }

    /// The token that the last exchange of this scope used, to send a body straight with it.
    pub(crate) fn authorize(
        &self,
        registry: &str,
        scope: &Scope,
        request: RequestBuilder,
    ) -> RequestBuilder {
        authorized(request, self.0.tokens.get(registry, scope).as_ref())
    }
}

fn authorized(request: RequestBuilder, token: Option<&Token>) -> RequestBuilder {
    match token {
        Some(Token::Basic(user, password)) => request.basic_auth(user, Some(password)),
        Some(Token::Bearer(token)) => request.bearer_auth(token),
        Some(Token::Anonymous) | None => request,
    }
}

/// What a call is about.
pub(crate) struct Exchange<'a> {
    /// The registry's host, as in references.
    pub(crate) registry: &'a str,
    /// Rights it needs.
    pub(crate) scope: &'a Scope,
    /// Name for messages.
    pub(crate) what: &'a str,
    /// Statuses besides 2xx that the caller reads itself.
    pub(crate) accepted: &'a [StatusCode],
}

impl Exchange<'_> {
    fn takes(&self, status: StatusCode) -> bool {
        status.is_success() || self.accepted.contains(&status)
    }
}

/// Waits for an answer, and says so if that takes long: a registry that hangs looks like a program that does.
async fn told_if_slow<T>(exchange: &Exchange<'_>, answer: impl Future<Output = T>) -> T {
    tokio::pin!(answer);
    if let Ok(answer) = tokio::time::timeout(SLOW, &mut answer).await {
        return answer;
    }
    let (registry, what) = (exchange.registry, exchange.what);
    tracing::warn!(registry, what, "still waiting for an answer");
    answer.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_goes_without_tls_by_itself() {
        let table = [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.8.8", true),
            ("[::1]:5000", true),
            ("localhost.example.com", false),
            ("10.0.0.1:5000", false),
            ("registry.example.com", false),
        ];
        for (host, plain) in table {
            assert_eq!(PlainHttp::Loopback.applies(host), plain, "{host}");
        }
        let hosts = PlainHttp::Hosts(BTreeSet::from(["10.0.0.1:5000".into()]));
        assert!(hosts.applies("10.0.0.1:5000") && hosts.applies("localhost"));
        assert!(!hosts.applies("10.0.0.1"));
    }
}
