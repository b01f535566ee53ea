//! Images and services of the wire.

use serde::{Deserialize, Serialize};

use super::Variable;
use crate::api::runner::wire::wire;

wire! {
    /// An image, or a service.
    pub struct Image {
        /// Reference; may hold variables. Empty leaves it to the runner.
        pub name: String,
        /// Names of a service, separated by spaces or commas.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub alias: String,
        /// Replaces the command of a service.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub command: Vec<String>,
        /// Replaces the entrypoint.
        pub entrypoint: Option<Vec<String>>,
        /// Ports for terminals.
        pub ports: Vec<Port>,
        /// Variables of a service alone.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub variables: Vec<Variable>,
        /// `always`, `if-not-present`, `never`, tried in order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub pull_policy: Vec<String>,
        /// What only some executors know. A stock runner refuses the job over an unknown key in it.
        pub executor_opts: ExecutorOptions,
    }

    /// A port.
    pub struct Port {
        /// Its number.
        pub number: u16,
        /// `http` or `https`.
        pub protocol: String,
        /// Its name.
        pub name: String,
    }

    /// `executor_opts`.
    pub struct ExecutorOptions {
        /// For docker, and for our containers.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub docker: Option<DockerOptions>,
        /// For kubernetes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub kubernetes: Option<KubernetesOptions>,
    }

    /// `executor_opts.docker`.
    pub struct DockerOptions {
        /// `linux/arm64`.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub platform: String,
        /// User to run as.
        #[serde(skip_serializing_if = "String::is_empty")]
        pub user: String,
    }

    /// `executor_opts.kubernetes`.
    pub struct KubernetesOptions {
        /// User to run as.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub user: Option<UserId>,
    }
}

/// A user: a number, or a text like `1000:1000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UserId {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl UserId {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}
