//! Who runs a pipeline here.

/// The user that Git knows; GitLab's variables for who started a pipeline are made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    name: Option<String>,
    email: Option<String>,
}

impl User {
    /// What a configuration says.
    pub(crate) fn of(config: Result<git2::Config, git2::Error>) -> Self {
        let Ok(config) = config else {
            return Self::default();
        };
        Self {
            name: config.get_string("user.name").ok(),
            email: config.get_string("user.email").ok(),
        }
    }

    /// `GITLAB_USER_NAME` and its like; none is made up, but for a login out of the mail address.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let login = self
            .email
            .as_deref()
            .and_then(|mail| mail.split('@').next());
        [
            ("GITLAB_USER_NAME", self.name.as_deref()),
            ("GITLAB_USER_EMAIL", self.email.as_deref()),
            ("GITLAB_USER_LOGIN", login),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_the_mail_addresses_first_part() {
        let user = User {
            name: None,
            email: Some("ann@example.com".into()),
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            user.variables(),
            [
                pair("GITLAB_USER_EMAIL", "ann@example.com"),
                pair("GITLAB_USER_LOGIN", "ann")
            ]
        );
        assert!(User::default().variables().is_empty());
    }
}
