//! A registry client that knows the logins of `aqueduct.toml`.

use std::{collections::BTreeSet, sync::Arc};

use aqueduct_core::image::{Reference, RegistryReference};
use aqueduct_registry::{Client, ClientOptions, Credential, Credentials, PlainHttp, RegistryError};

use crate::{RegistryAuth, RegistrySettings, Settings};

/// Reads an environment variable; tests hand in their own.
pub(crate) type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Variable with the content of a docker `config.json`, as GitLab's runners read it.
const AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// A client for every registry: those in `settings` with their own logins, the rest with `DOCKER_AUTH_CONFIG` and the
/// files of docker and podman.
/// `plain_http` names further hosts that are spoken to without TLS.
pub fn registry_client(
    settings: &Settings,
    env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    plain_http: impl IntoIterator<Item = String>,
) -> Result<Client, RegistryError> {
    Client::new(registry_options(settings, env, plain_http))
}

/// What [`registry_client`] makes its client with.
pub fn registry_options(
    settings: &Settings,
    env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    plain_http: impl IntoIterator<Item = String>,
) -> ClientOptions {
    let mut plain: BTreeSet<String> = plain_http.into_iter().collect();
    let listed = settings
        .registries
        .values()
        .filter(|registry| registry.plain_http);
    plain.extend(listed.map(|registry| registry.host.clone()));
    ClientOptions {
        plain_http: PlainHttp::Hosts(plain),
        credentials: credentials(settings.clone(), Arc::new(env)),
        ..ClientOptions::default()
    }
}

fn credentials(settings: Settings, env: Env) -> Credentials {
    let files = Credentials::from_environment();
    let fallback = match env(AUTH_CONFIG).filter(|text| !text.trim().is_empty()) {
        Some(text) => Credentials::from_config_text(AUTH_CONFIG, text).or(files),
        None => files,
    };
    let anonymous: BTreeSet<String> = settings
        .registries
        .values()
        .filter(|registry| registry.auth == RegistryAuth::Anonymous)
        .map(|registry| registry.host.clone())
        .collect();
    let own = Credentials::from_fn(move |host| {
        let found = settings
            .registries
            .values()
            .find(|registry| registry.host == host);
        let Some(RegistryAuth::Password { username, password }) = found.map(|found| &found.auth)
        else {
            return Ok(None);
        };
        let secret = password.resolve(&*env, &settings.base_dir)?;
        Ok(Some(Credential::Password {
            username: username.clone(),
            password: secret.reveal().to_owned(),
        }))
    });
    own.or(fallback.except(anonymous))
}

/// Where `image` is copied to in a registry of the settings.
pub fn copy_reference(image: &Reference, registry: &RegistrySettings) -> Result<Reference, String> {
    match image {
        Reference::Registry(place) => Ok(Reference::Registry(RegistryReference {
            registry: registry.host.clone(),
            repository: registry.repository_for(&place.repository),
            tag: place.tag.clone(),
            digest: None,
        })),
        Reference::Layout(_) => Err(format!(
            "{image} has no repository name to copy to {}: put a registry's reference first",
            registry.host
        )),
    }
}
