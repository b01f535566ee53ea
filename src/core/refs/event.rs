//! What a change of a ref means to whoever makes pipelines.

use serde::{Deserialize, Serialize};

use super::{RefChange, RefMove};
use crate::lang::context::RefKind;

/// A branch or a tag came, moved or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefEvent {
    /// Full name.
    #[serde(rename = "ref")]
    pub name: String,
    /// The commit before; `None` for a new one.
    pub before: Option<String>,
    /// The commit now; `None` for one that is gone.
    pub after: Option<String>,
    /// It was there already when the project was added.
    #[serde(default)]
    pub initial: bool,
}

impl RefEvent {
    /// The event that a change means; `None` where nothing happened that anybody waits for.
    pub fn of(change: &RefChange) -> Option<Self> {
        let after = match &change.to {
            RefMove::At(sha) => Some(sha.clone()),
            RefMove::Deleted => None,
            RefMove::Missing | RefMove::Back => return None,
        };
        Some(Self {
            name: change.name.clone(),
            before: change.from.clone(),
            after,
            initial: false,
        })
    }

    /// What it is called: `ref_created`, `ref_updated` or `ref_deleted`.
    pub const fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (_, None) => "ref_deleted",
            (None, Some(_)) => "ref_created",
            (Some(_), Some(_)) => "ref_updated",
        }
    }
}

/// Kind and short name of a full name; `None` if it is neither a branch nor a tag.
pub fn split_ref(name: &str) -> Option<(RefKind, &str)> {
    let branch = name
        .strip_prefix("refs/heads/")
        .map(|name| (RefKind::Branch, name));
    branch.or_else(|| {
        name.strip_prefix("refs/tags/")
            .map(|name| (RefKind::Tag, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_mean_events() {
        let change = |from: Option<&str>, to: RefMove| RefChange {
            name: "refs/heads/a".into(),
            from: from.map(str::to_owned),
            to,
        };
        let kind = |change: RefChange| RefEvent::of(&change).map(|event| event.kind());
        let table = [
            (change(None, RefMove::At("2".into())), Some("ref_created")),
            (
                change(Some("1"), RefMove::At("2".into())),
                Some("ref_updated"),
            ),
            (change(Some("1"), RefMove::Deleted), Some("ref_deleted")),
            (change(Some("1"), RefMove::Missing), None),
            (change(Some("1"), RefMove::Back), None),
        ];
        for (change, expected) in table {
            assert_eq!(kind(change.clone()), expected, "{change:?}");
        }
    }

    #[test]
    fn names_tell_branches_from_tags() {
        assert_eq!(split_ref("refs/heads/a/b"), Some((RefKind::Branch, "a/b")));
        assert_eq!(split_ref("refs/tags/v1"), Some((RefKind::Tag, "v1")));
        assert_eq!(split_ref("refs/pull/1/head"), None);
    }
}
