//! Pages with little on them: the login, and what went wrong.

use askama::Template;

use crate::shell::{Person, Shell};

/// Where a person shows an access token.
#[derive(Clone, Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    shell: Shell,
    /// Path of the page that was asked for.
    next: String,
    error: Option<&'static str>,
}

impl LoginPage {
    /// On the way to a page of ours.
    pub fn new(next: impl Into<String>) -> Self {
        Self {
            shell: Shell {
                title: "Log in".into(),
                ..Shell::default()
            },
            next: next.into(),
            error: None,
        }
    }

    /// After a try that failed.
    #[must_use]
    pub fn refused(self, error: &'static str) -> Self {
        Self {
            error: Some(error),
            ..self
        }
    }
}

/// Something that is no page: what happened, and what can be done.
#[derive(Clone, Debug, Template)]
#[template(path = "message.html")]
pub struct MessagePage {
    shell: Shell,
    code: u16,
    title: &'static str,
    text: String,
}

impl MessagePage {
    /// An answer of that status.
    pub fn new(code: u16, text: impl Into<String>, person: Option<Person>) -> Self {
        let title = match code {
            400 => "That is no request",
            401 => "Who are you?",
            403 => "Not with this token",
            404 => "There is no such page",
            405 => "Not like that",
            409 => "Too late for that",
            413 => "Too much",
            503 => "Not right now",
            _ => "Something broke",
        };
        Self {
            shell: Shell {
                title: title.into(),
                person,
                ..Shell::default()
            },
            code,
            title,
            text: text.into(),
        }
    }
}
