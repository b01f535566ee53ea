//! `[forges.NAME]`: logins at forges.

use std::{collections::BTreeMap, path::Path};

use aqueduct_core::api::runner::Secret;
use aqueduct_forge::Login;
use aqueduct_ports::forge::Forge;
use aqueduct_publish::SecretSource;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::CliError;

/// A forge that a coordinator may log in to. Projects whose repositories lie there are fetched with its token, and their commits get
/// the states of their pipelines. The token stays in the coordinator: no job sees it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgeOptions {
    /// What it speaks.
    kind: Kind,
    /// What the addresses of its repositories begin with: `https://git.example.com`.
    url: String,
    /// Where its API is, if not at the usual place below `url`.
    api: Option<String>,
    /// The name beside the token where repositories are fetched, if the forge expects a certain one.
    user: Option<String>,
    /// A token that may read repositories and write commit statuses.
    token: SecretSource,
    /// Whether commits get statuses; they do if it isn't given.
    statuses: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    GitHub,
    GitLab,
    Gitea,
    Forgejo,
}

/// The logins of all of them; relative files lie in `base`.
pub(crate) fn logins(
    forges: &BTreeMap<String, ForgeOptions>,
    base: &Path,
) -> Result<Vec<Login>, CliError> {
    let env = |name: &str| std::env::var(name).ok();
    let login = |(name, options): (&String, &ForgeOptions)| {
        let invalid = |text: String| CliError::invalid(format!("[forges.{name}]: {text}"));
        for url in [Some(&options.url), options.api.as_ref()]
            .into_iter()
            .flatten()
        {
            check(url).map_err(invalid)?;
        }
        let token = options.token.resolve(&env, base);
        let token = token.map_err(|error| invalid(format!("token: {error}")))?;
        Ok(Login {
            forge: match options.kind {
                Kind::GitHub => Forge::GitHub,
                Kind::GitLab => Forge::GitLab,
                Kind::Gitea | Kind::Forgejo => Forge::Gitea,
            },
            url: options.url.clone(),
            api: options.api.clone(),
            user: options.user.clone(),
            token: Secret::new(token.reveal()),
            statuses: options.statuses.unwrap_or(true),
        })
    };
    forges.iter().map(login).collect()
}

fn check(url: &str) -> Result<(), String> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(host) if !host.is_empty() && !host.contains(['@', '?', '#', ' ']) => Ok(()),
        _ => Err(
            "an address is written http://HOST or https://HOST/PREFIX, without user and query"
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Login>, CliError> {
        let forges: BTreeMap<String, ForgeOptions> = toml::from_str(text).unwrap();
        logins(&forges, Path::new("/nowhere"))
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let file = "[a]\nkind = \"forgejo\"\nurl = \"https://x\"\ntoken = { file = \"token\" }\n";
        let error = read(file).unwrap_err().message;
        assert!(
            error.starts_with("[forges.a]: token: /nowhere/token: "),
            "{error}"
        );
        let error = read(&file.replace("https://x", "https://u:p@x"))
            .unwrap_err()
            .message;
        assert!(
            error.contains("[forges.a]") && !error.contains("u:p"),
            "{error}"
        );
    }
}
