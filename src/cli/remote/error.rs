//! Why a coordinator's answer is none.

use crate::{error::CliError, exit::Exit, render::harmless};

/// Characters of a server's words that are shown.
const MAX_WORDS: usize = 500;

/// A call that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemoteError {
    /// Nobody answered, or not to the end.
    NoAnswer {
        /// The coordinator.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// It said no.
    Refused {
        /// The coordinator.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Its words, in one line; may be empty.
        words: String,
    },
    /// It answered something else.
    Garbled {
        /// The coordinator.
        url: String,
        /// Why.
        cause: String,
    },
}

impl RemoteError {
    /// Of a request that was not answered.
    pub(super) fn no_answer(url: &str, error: &reqwest::Error) -> Self {
        let mut innermost: &dyn std::error::Error = error;
        while let Some(next) = innermost.source() {
            innermost = next;
        }
        let cause = if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            innermost.to_string()
        };
        Self::NoAnswer {
            url: url.to_owned(),
            cause,
        }
    }

    /// Of an answer that is no success.
    pub(super) fn refused(url: &str, status: u16, body: &str) -> Self {
        let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let said = json.and_then(|json| Some(json.get("message")?.as_str()?.to_owned()));
        let line = harmless(said.as_deref().unwrap_or_default()).replace('\n', " ");
        Self::Refused {
            url: url.to_owned(),
            status,
            words: line.chars().take(MAX_WORDS).collect(),
        }
    }

    /// Whether the same call may be answered later: the coordinator is away, busy, or just moving what was asked for.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 409 | 425 | 429 | 500..),
            Self::Garbled { .. } => false,
        }
    }

    /// Whether there is no such thing.
    pub(crate) const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

impl From<RemoteError> for CliError {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::NoAnswer { url, cause } => {
                Self::infrastructure(format!("no answer from the coordinator at {url}: {cause}"))
                    .with_help("check that `aqueduct serve` runs there, and the address (--url, AQUEDUCT_URL or the context)")
            }
            RemoteError::Refused { url, status: 401, .. } => {
                Self::invalid(format!("the coordinator at {url} does not know this token"))
                    .with_help("check --token-file, AQUEDUCT_TOKEN or the context; `aqueduct serve --new-admin-token` makes another")
            }
            RemoteError::Refused { url, status, words } => {
                let words = if words.is_empty() { format!("status {status}") } else { words };
                let exit = match status {
                    409 => Exit::Failed,
                    400..500 => Exit::Invalid,
                    _ => Exit::Infrastructure,
                };
                let said = Self::invalid(format!("the coordinator at {url} refuses: {words}"));
                let said = said.with_exit(exit);
                match status {
                    403 => said.with_help("use a token for administrators"),
                    500.. => said.with_help("its log says more; try again"),
                    _ => said,
                }
            }
            RemoteError::Garbled { url, cause } => {
                Self::infrastructure(format!("the answer from {url} can't be read: {cause}"))
                    .with_help("check that a coordinator of this version listens there")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for (status, passes) in [
            (400, false),
            (401, false),
            (404, false),
            (409, true),
            (503, true),
        ] {
            assert_eq!(
                RemoteError::refused("u", status, "").is_passing(),
                passes,
                "{status}"
            );
        }
    }

    #[test]
    fn each_refusal_has_its_exit_code_and_words_of_the_server() {
        let body = "{\"message\":\"no\\u001b[2J\\nway\"}";
        for (status, exit) in [(401, 2), (403, 2), (404, 2), (409, 1), (500, 3)] {
            let error = CliError::from(RemoteError::refused("http://c", status, body));
            assert_eq!(error.exit as u8, exit, "{status}");
            assert!(error.message.contains("http://c"), "{error}");
            if status != 401 {
                assert!(error.message.ends_with("refuses: no [2J way"), "{error}");
            }
        }
        let silent = CliError::from(RemoteError::refused("http://c", 502, "<html>"));
        assert!(silent.message.ends_with("status 502"), "{silent}");
    }
}
