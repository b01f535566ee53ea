//! `secrets`, `id_tokens` and `identity`.

use indexmap::IndexMap;

use super::{
    codes::{CONFLICTING_KEYWORDS, INVALID_VALUE, MISSING_KEYWORD},
    field::{Field, Map, one_of},
    sink::Sink,
    variables,
};
use crate::lang::model::{IdToken, Secret, SecretSource};

const PROVIDERS: &[(&str, SecretSource)] = &[
    ("vault", SecretSource::Vault),
    ("gcp_secret_manager", SecretSource::GcpSecretManager),
    ("azure_key_vault", SecretSource::AzureKeyVault),
    ("aws_secrets_manager", SecretSource::AwsSecretsManager),
    ("gitlab_secrets_manager", SecretSource::GitlabSecretsManager),
];
const AWS_KEYS: &[&str] = &[
    "secret_id",
    "version_id",
    "version_stage",
    "region",
    "role_arn",
    "role_session_name",
    "field",
];

/// `id_tokens`.
pub(super) fn id_tokens(field: &Field<'_>, sink: &mut Sink<'_>) -> IndexMap<String, IdToken> {
    named(field, sink, |field, sink| {
        let map = field.map(sink, &["aud"])?;
        let aud = map.require(sink, "aud")?;
        let values = aud.string_or_strings(sink)?;
        aud.check_filled(sink, &values);
        Some(IdToken { aud: values })
    })
}

/// `secrets`.
pub(super) fn secrets(field: &Field<'_>, sink: &mut Sink<'_>) -> IndexMap<String, Secret> {
    named(field, sink, secret)
}

/// `identity`; only checked.
pub(super) fn identity(field: &Field<'_>, sink: &mut Sink<'_>) {
    field.choice(sink, &[("google_cloud", ())]);
}

fn named<T>(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    mut read: impl FnMut(&Field<'_>, &mut Sink<'_>) -> Option<T>,
) -> IndexMap<String, T> {
    let Some(map) = field.open_map(sink, "a mapping from variable names") else {
        return IndexMap::new();
    };
    let mut out = IndexMap::new();
    for (name, span, field) in map.fields() {
        variables::check_name(&field, sink, name, span);
        if let Some(value) = read(&field, sink) {
            out.insert(name.to_owned(), value);
        }
    }
    out
}

fn secret(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Secret> {
    let providers: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    let keys = [&providers[..], &["file", "token"]].concat();
    let map = field.map(sink, &keys)?;
    let file = map.get("file").and_then(|field| field.flag(sink));
    let token = map.get("token").and_then(|field| field.owned(sink));
    let given: Vec<&(&str, SecretSource)> = PROVIDERS
        .iter()
        .filter(|(name, _)| map.get(name).is_some())
        .collect();
    let Some((name, source)) = given.first() else {
        let text = format!("must have {}", one_of(&providers));
        let help = "say who keeps the secret";
        sink.error(MISSING_KEYWORD, map.path, map.span, &text, help);
        return None;
    };
    if let Some((other, _)) = given.get(1) {
        let path = map.path.child(other);
        let text = format!("must not stand beside `{name}`");
        let help = "remove one of them: a secret has one keeper";
        sink.error(CONFLICTING_KEYWORDS, path, map.key_span(other), &text, help);
    }
    if *source == SecretSource::GcpSecretManager && map.get("token").is_none() {
        let text = "must have `token`, because it has `gcp_secret_manager`";
        let help = "add `token: $NAME` with the name of an entry of `id_tokens`";
        sink.error(MISSING_KEYWORD, map.path, map.span, text, help);
    }
    for (name, source) in given {
        if let Some(field) = map.get(name) {
            provider(*source, &field, sink);
        }
    }
    Some(Secret {
        source: *source,
        file: file.unwrap_or(true),
        token,
    })
}

fn provider(source: SecretSource, field: &Field<'_>, sink: &mut Sink<'_>) {
    match source {
        SecretSource::Vault => vault(field, sink),
        SecretSource::GcpSecretManager | SecretSource::AzureKeyVault => {
            keeper(field, sink, &["name", "version"], "name");
        }
        SecretSource::AwsSecretsManager if field.node.as_str().is_some() => {
            field.nonblank(sink);
        }
        SecretSource::AwsSecretsManager => keeper(field, sink, AWS_KEYS, "secret_id"),
        SecretSource::GitlabSecretsManager => keeper(field, sink, &["name", "source"], "name"),
    }
}

fn keeper(field: &Field<'_>, sink: &mut Sink<'_>, keys: &[&str], required: &str) {
    let Some(map) = field.map(sink, keys) else {
        return;
    };
    map.require(sink, required);
    scalars(&map, keys, sink);
}

/// `path/field@engine`, or its parts.
fn vault(field: &Field<'_>, sink: &mut Sink<'_>) {
    if let Some(text) = field.node.as_str() {
        let (path, _) = text.split_once('@').unwrap_or((text, ""));
        if !path.trim_matches('/').contains('/') {
            let help = "write it as `path/field` or `path/field@engine`";
            field.refuse(sink, INVALID_VALUE, "must name a path and a field", help);
        }
        return;
    }
    let Some(map) = field.map(sink, &["engine", "path", "field"]) else {
        return;
    };
    scalars(&map, &["path", "field"], sink);
    for key in ["engine", "path", "field"] {
        map.require(sink, key);
    }
    if let Some(engine) = map.get("engine")
        && let Some(engine) = engine.map(sink, &["name", "path"])
    {
        scalars(&engine, &["name", "path"], sink);
        for key in ["name", "path"] {
            engine.require(sink, key);
        }
    }
}

fn scalars(map: &Map<'_>, keys: &[&str], sink: &mut Sink<'_>) {
    for key in keys {
        if let Some(field) = map.get(key) {
            field.scalar(sink);
        }
    }
}
