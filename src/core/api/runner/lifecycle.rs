//! Registration and its end (runner-protocol 2).

use serde::{Deserialize, Serialize};

use super::{Info, Secret, wire::wire};

wire! {
    /// `POST runners`: the end of a registration token's life as such.
    pub struct Register {
        /// The registration token.
        pub token: Secret,
        /// What the runner is.
        pub info: Info,
        /// Words about it.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub description: String,
        /// Words for those who care for it.
        #[serde(alias = "maintainer_note", skip_serializing_if = "String::is_empty")]
        pub maintenance_note: String,
        /// Tags.
        #[serde(skip_serializing_if = "Tags::is_empty")]
        pub tag_list: Tags,
        /// Takes jobs without tags; a server assumes so for a runner without tags.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub run_untagged: Option<bool>,
        /// Bound to its project.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub locked: Option<bool>,
        /// `not_protected` or `ref_protected`.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub access_level: String,
        /// Longest time of a job, in seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub maximum_timeout: Option<u64>,
        /// Takes no jobs for now.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub paused: Option<bool>,
        /// The old opposite of `paused`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub active: Option<bool>,
    }

    /// Answer to [`Register`] (201) and [`Verify`] (200), and without its id to a reset (201).
    pub struct Registered {
        /// The runner's number.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub id: Option<u64>,
        /// The runner's own token from now on.
        pub token: Secret,
        /// When it stops to be valid, RFC 3339; `null` is never.
        pub token_expires_at: Option<String>,
    }

    /// `POST runners/verify`: whether a runner's token is valid.
    pub struct Verify {
        /// The runner's token.
        pub token: Secret,
        /// Which process or machine asks.
        pub system_id: String,
        /// What it is.
        pub info: Info,
    }

    /// `DELETE runners`, `DELETE runners/managers` and `POST runners/reset_authentication_token`.
    pub struct TokenOnly {
        /// The runner's token.
        pub token: Secret,
        /// Which process or machine; only for managers.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub system_id: String,
    }
}

/// Tags: in one text, separated by commas, as a stock runner sends them, or in a list of such texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tags {
    /// In one text.
    Text(String),
    /// In several.
    List(Vec<String>),
}

impl Tags {
    /// Whether there is nothing to send.
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::List(texts) => texts.is_empty(),
        }
    }
}

impl Default for Tags {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<String> for Tags {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Register {
    /// The tags, one by one.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let texts = match &self.tag_list {
            Tags::Text(text) => std::slice::from_ref(text),
            Tags::List(texts) => texts,
        };
        let tags = texts.iter().flat_map(|text| text.split(','));
        tags.map(str::trim).filter(|tag| !tag.is_empty())
    }
}
