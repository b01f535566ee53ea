//! Tokens of a registry's token server (distribution's token and OAuth2 specifications).

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde::Deserialize;
use url::Url;

use crate::{Client, Credential, RegistryError, http::send};

/// A token's rights: `repository:NAME:pull,push` entries, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scope(BTreeSet<String>);

impl Scope {
    pub(crate) fn pull(repository: &str) -> Self {
        Self(BTreeSet::from([format!("repository:{repository}:pull")]))
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self(BTreeSet::from([format!(
            "repository:{repository}:pull,push"
        )]))
    }

    /// Both rights in one token, as a mount needs them.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// What to send in `Authorization`.
#[derive(Clone)]
pub(crate) enum Token {
    /// Nothing.
    Anonymous,
    /// User and password.
    Basic(String, String),
    /// A bearer token.
    Bearer(String),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Basic(..) => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
        })
    }
}

/// A token and when it ends, if it does.
type Dated = (Token, Option<Instant>);

/// Tokens by registry and scope, until shortly before they end.
#[derive(Debug, Default)]
pub(crate) struct TokenStore(Mutex<HashMap<(String, Scope), Dated>>);

impl TokenStore {
    pub(crate) fn get(&self, registry: &str, scope: &Scope) -> Option<Token> {
        let tokens = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let entry = |scope: &Scope| tokens.get(&(registry.to_owned(), scope.clone()));
        let (token, end) = entry(scope).or_else(|| entry(&Scope::default()))?;
        end.is_none_or(|end| end > Instant::now())
            .then(|| token.clone())
    }

    /// Keeps a token. User and password fit every scope.
    pub(crate) fn put(&self, registry: &str, scope: &Scope, token: Token, life: Option<Duration>) {
        let scope = match token {
            Token::Basic(..) => &Scope::default(),
            _ => scope,
        };
        let end = life.map(|life| Instant::now() + life);
        let mut tokens = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.insert((registry.to_owned(), scope.clone()), (token, end));
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Life of a token whose server says nothing about it.
const DEFAULT_LIFE: u64 = 60;
/// Taken off every life, so that a token doesn't end on its way.
const MARGIN: u64 = 10;

/// Gets a token for `scope` from the server that a challenge named. `secure` says that the registry was reached
/// over TLS: then credentials are not sent to a token server without.
pub(crate) async fn fetch_token(
    client: &Client,
    challenge: (&str, Option<&str>),
    scope: &Scope,
    credential: Option<&Credential>,
    secure: bool,
) -> Result<(Token, Duration), RegistryError> {
    let (realm, service) = challenge;
    let mut url = Url::parse(realm)
        .map_err(|error| RegistryError::protocol("token server", format!("not a URL: {error}")))?;
    // Not the whole URL: some hold a login.
    let host = url.host_str().unwrap_or_default().to_owned();
    let what = || format!("token server {host}");
    if secure && url.scheme() != "https" {
        return Err(RegistryError::protocol(
            what(),
            "the registry uses TLS, its token server does not",
        ));
    }
    let request = if let Some(Credential::IdentityToken(token)) = credential {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "aqueduct")
            .append_pair("refresh_token", token);
        append(&mut form, service, scope);
        client
            .request(Method::POST, url.as_str())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish())
    } else {
        append(&mut url.query_pairs_mut(), service, scope);
        let request = client.request(Method::GET, url.as_str());
        match credential {
            Some(Credential::Password { username, password }) => {
                request.basic_auth(username, Some(password))
            }
            _ => request,
        }
    };
    let response = send(request, &what()).await?;
    let answer: Answer = response
        .json()
        .await
        .map_err(|_| RegistryError::protocol(what(), "the answer holds no token"))?;
    let token = answer
        .token
        .or(answer.access_token)
        .ok_or_else(|| RegistryError::protocol(what(), "the answer holds no token"))?;
    let life = answer
        .expires_in
        .unwrap_or(DEFAULT_LIFE)
        .saturating_sub(MARGIN);
    Ok((Token::Bearer(token), Duration::from_secs(life)))
}

fn append<T: url::form_urlencoded::Target>(
    form: &mut url::form_urlencoded::Serializer<'_, T>,
    service: Option<&str>,
    scope: &Scope,
) {
    if let Some(service) = service {
        form.append_pair("service", service);
    }
    for entry in &scope.0 {
        form.append_pair("scope", entry);
    }
}
