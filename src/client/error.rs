//! Why a call came to nothing.

use std::error::Error;

/// A call that failed. Its text holds no token: none is ever in a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The settings can't be used.
    #[error("{0}")]
    Invalid(String),
    /// Nobody answered, or not to the end.
    #[error("no answer from {url}: {cause}")]
    NoAnswer {
        /// Where.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// The server said no.
    #[error("{what}: the server says {status}{}", words(.message))]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// Its words, in one line; may be empty.
        message: String,
    },
    /// The answer isn't what it should be.
    #[error("{what}: the answer can't be read: {cause}")]
    Garbled {
        /// What was asked.
        what: &'static str,
        /// Why.
        cause: String,
    },
}

fn words(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

impl ClientError {
    /// Of a request that was not answered.
    pub(crate) fn no_answer(error: &reqwest::Error) -> Self {
        let mut innermost: &dyn Error = error;
        while let Some(next) = innermost.source() {
            innermost = next;
        }
        let url = error.url().map(|url| {
            let mut url = url.clone();
            url.set_query(None);
            url.to_string()
        });
        Self::NoAnswer {
            url: url.unwrap_or_else(|| "the server".to_owned()),
            cause: if error.is_timeout() {
                "it took too long".to_owned()
            } else {
                innermost.to_string()
            },
        }
    }

    /// The status of a refusal.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}
