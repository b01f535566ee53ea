//! Texts that must not show in logs and error messages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A token, a password, or a URL that holds one. Written out on the wire only; its `Debug` form hides it.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may be shown of a token: its first nine characters behind the prefix that tells its kind
    /// (runner-protocol 1, "short token").
    pub fn short(&self) -> &str {
        let kinds = ["glrt-", "glrtr-", "glcbt-", "aqa-", "GR1348941"];
        let bare = kinds.iter().find_map(|kind| self.0.strip_prefix(kind));
        let bare = bare.unwrap_or(&self.0);
        let types = ["t1_", "t2_", "t3_"];
        let bare = types
            .iter()
            .find_map(|kind| bare.strip_prefix(kind))
            .unwrap_or(bare);
        let end = bare.char_indices().nth(9).map_or(bare.len(), |(at, _)| at);
        &bare[..end]
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "[none]"
        } else {
            "[redacted]"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_and_short_little() {
        assert_eq!(
            format!("{:?}", Secret::new("glrt-abcdefghijkl")),
            "[redacted]"
        );
        for (token, short) in [
            ("glrt-abcdefghijkl", "abcdefghi"),
            ("glrt-t1_abcdefghijkl", "abcdefghi"),
            ("GR1348941abc", "abc"),
            ("äöüäöüäöüäöü", "äöüäöüäöü"),
            ("", ""),
        ] {
            assert_eq!(Secret::new(token).short(), short);
        }
    }
}
