//! What a remote repository says of itself.

use serde::{Deserialize, Serialize};

/// One answer of `ls-remote`: where every branch and tag stood at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The branch that the remote's `HEAD` names, without `refs/heads/`; `None` if it tells none.
    pub default_branch: Option<String>,
    /// Branches and tags by their full names, in the order of their bytes, each once.
    pub refs: Vec<RemoteRef>,
    /// How many refs were left out because their names aren't UTF-8.
    pub unreadable: usize,
}

/// A branch or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRef {
    /// Full name: `refs/heads/main`, `refs/tags/v1`.
    pub name: String,
    /// The object it names; for an annotated tag the tag's own.
    pub sha: String,
    /// The commit that an annotated tag leads to; `None` for branches and plain tags.
    pub peeled: Option<String>,
}

impl RemoteRef {
    /// The commit that it stands for.
    pub fn commit(&self) -> &str {
        self.peeled.as_deref().unwrap_or(&self.sha)
    }
}

/// Whether a text is the full id of a Git object: 40 or 64 lower-case hexadecimal digits.
pub fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_ids_only() {
        assert!(is_sha(&"0a".repeat(20)));
        assert!(is_sha(&"f".repeat(64)));
        for text in ["", "abc", &"g".repeat(40), &"A".repeat(40), &"a".repeat(41)] {
            assert!(!is_sha(text), "{text}");
        }
    }
}
