//! The forges that an operator has given logins for.

use std::time::Duration;

use aqueduct_core::{api::runner::Secret, refs::RemoteUrl};
use aqueduct_ports::forge::{CommitStatus, Forge, StatusError, Statuses};
use async_trait::async_trait;

use crate::statuses;

/// Longest call.
const TIME: Duration = Duration::from_secs(20);

/// A login at a forge. Its `Debug` doesn't show the token.
#[derive(Clone, Debug)]
pub struct Login {
    /// What it speaks.
    pub forge: Forge,
    /// What the addresses of its repositories begin with: `https://git.example.com`.
    pub url: String,
    /// Where its API is; by default where it usually is.
    pub api: Option<String>,
    /// The name beside the token where repositories are fetched; by default what the forge expects.
    pub user: Option<String>,
    /// The token.
    pub token: Secret,
    /// Whether commits get statuses there.
    pub statuses: bool,
}

/// All logins.
#[derive(Clone, Debug)]
pub struct Forges {
    logins: Vec<Login>,
    client: reqwest::Client,
}

impl Login {
    fn user(&self) -> &str {
        self.user.as_deref().unwrap_or(match self.forge {
            Forge::GitHub => "x-access-token",
            Forge::GitLab => "oauth2",
            Forge::Gitea => "aqueduct",
        })
    }

    /// What the paths of its API stand behind, without a slash at the end.
    pub(crate) fn api(&self) -> String {
        let base = self.url.trim_end_matches('/');
        match (&self.api, self.forge) {
            (Some(api), _) => api.trim_end_matches('/').to_owned(),
            (None, Forge::GitHub) if base == "https://github.com" => {
                "https://api.github.com".into()
            }
            (None, Forge::GitHub) => format!("{base}/api/v3"),
            (None, Forge::GitLab) => format!("{base}/api/v4"),
            (None, Forge::Gitea) => format!("{base}/api/v1"),
        }
    }
}

impl Forges {
    /// With these logins.
    ///
    /// # Errors
    /// If no TLS client can be made on this machine.
    pub fn new(logins: Vec<Login>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .timeout(TIME)
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("aqueduct/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no client for forges can be made: {error}"))?;
        Ok(Self { logins, client })
    }

    /// Name and password to fetch a repository with.
    pub fn credentials(&self, repository: &RemoteUrl) -> Option<(String, String)> {
        let (login, _) = self.find(repository)?;
        Some((login.user().to_owned(), login.token.expose().to_owned()))
    }

    /// Whether any of them gets statuses.
    pub fn tells(&self) -> bool {
        self.logins.iter().any(|login| login.statuses)
    }

    /// The login whose address is the longest beginning of the repository's, and the repository's path there.
    fn find<'a>(&'a self, repository: &'a RemoteUrl) -> Option<(&'a Login, &'a str)> {
        let fit = self.logins.iter().filter_map(|login| {
            let path = repository.below(&login.url)?;
            Some((login, path))
        });
        fit.max_by_key(|(login, _)| login.url.len())
    }
}

#[async_trait]
impl Statuses for Forges {
    fn knows(&self, repository: &RemoteUrl) -> bool {
        self.find(repository)
            .is_some_and(|(login, _)| login.statuses)
    }

    async fn tell(&self, repository: &RemoteUrl, status: &CommitStatus) -> Result<(), StatusError> {
        let Some((login, path)) = self.find(repository) else {
            return Err(StatusError::Refused(
                "no forge is known for the repository".into(),
            ));
        };
        statuses::tell(&self.client, login, path, status).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(forge: Forge, url: &str) -> Login {
        Login {
            forge,
            url: url.into(),
            api: None,
            user: None,
            token: Secret::new(format!("token of {url}")),
            statuses: true,
        }
    }

    #[test]
    fn the_nearest_login_is_taken_and_nobody_else_s() {
        let logins = vec![
            login(Forge::Gitea, "https://git.example.com"),
            login(Forge::GitLab, "https://git.example.com/lab/"),
        ];
        let forges = Forges::new(logins).unwrap();
        let credentials = |url: &str| forges.credentials(&RemoteUrl::parse(url).unwrap());
        let token = |url: &str| credentials(url).map(|(user, _)| user);
        assert_eq!(
            token("https://git.example.com/a/b.git").as_deref(),
            Some("aqueduct")
        );
        assert_eq!(
            token("https://git.example.com/lab/a/b").as_deref(),
            Some("oauth2")
        );
        for other in [
            "https://git.example.com.evil.example/a/b",
            "http://git.example.com/a/b",
            "https://git.example.com:8443/a/b",
            "/git.example.com/a/b",
            "git@git.example.com:a/b",
        ] {
            assert_eq!(token(other), None, "{other}");
        }
        assert!(!format!("{forges:?}").contains("token of"));
    }

    #[test]
    fn an_api_is_where_it_usually_is() {
        let api = |forge, url| login(forge, url).api();
        assert_eq!(
            api(Forge::GitHub, "https://github.com"),
            "https://api.github.com"
        );
        assert_eq!(
            api(Forge::GitHub, "https://gh.example"),
            "https://gh.example/api/v3"
        );
        assert_eq!(
            api(Forge::GitLab, "https://gl.example/"),
            "https://gl.example/api/v4"
        );
        assert_eq!(
            api(Forge::Gitea, "https://tea.example"),
            "https://tea.example/api/v1"
        );
    }
}
