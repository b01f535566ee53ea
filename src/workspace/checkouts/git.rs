//! The `git` program.

use std::{
    fs::File,
    path::Path,
    process::{Output, Stdio},
};

use aqueduct_ports::workspace::WorkspaceError;
use tokio::process::Command;

use super::{
    address::Address,
    words::{self, Trouble},
};
use crate::error::Result;

/// What of our own environment must not reach it.
const REMOVED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CONFIG_PARAMETERS",
];
/// Settings for every call: no hooks, no rubbish collection behind our back, no waiting for a server that has fallen silent, no
/// login but ours, and nowhere else than we were sent.
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.lowSpeedLimit", "100"),
    ("http.lowSpeedTime", "60"),
    ("http.followRedirects", "false"),
    ("credential.helper", ""),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", "main"),
    ("safe.directory", "*"),
];

/// Why a call failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    /// Git's own words, in one line, without a password.
    pub(super) words: String,
}

impl Failure {
    /// As the port's error; `what` could not be done.
    pub(super) fn error(self, what: &str) -> WorkspaceError {
        let text = format!("{what}: {}", self.words);
        match self.trouble {
            Trouble::Unreachable => WorkspaceError::Unreachable(text),
            Trouble::Refused | Trouble::Other => WorkspaceError::Refused(text),
        }
    }
}

/// Runs `git` in a directory for an address. Dropped, it kills the program.
pub(super) struct Git<'a> {
    pub(super) address: &'a Address,
    pub(super) dir: &'a Path,
    /// Held open by the program too: a lock that ends only with both.
    pub(super) lock: Option<&'a File>,
}

impl Git<'_> {
    /// Runs one command to its end.
    pub(super) async fn run(&self, args: &[&str]) -> std::result::Result<(), Failure> {
        let output = self.output(args).await;
        let output = output.map_err(|error| Failure {
            trouble: Trouble::Other,
            words: error.to_string(),
        })?;
        if output.status.success() {
            return Ok(());
        }
        let said = self
            .address
            .masked(&String::from_utf8_lossy(&output.stderr));
        tracing::debug!(command = args.first(), said, "git failed");
        let words = words::line(&said);
        Err(Failure {
            trouble: words::trouble(&said),
            words: if words.is_empty() {
                format!(
                    "git {} ended with {}",
                    args.first().unwrap_or(&""),
                    output.status
                )
            } else {
                words
            },
        })
    }

    async fn output(&self, args: &[&str]) -> Result<Output> {
        let broken = |cause: std::io::Error| WorkspaceError::Io {
            action: "run",
            path: "git".to_owned(),
            cause: cause.to_string(),
        };
        let stdin = match self.lock {
            Some(lock) => Stdio::from(lock.try_clone().map_err(broken)?),
            None => Stdio::null(),
        };
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(self.dir)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in REMOVED {
            command.env_remove(name);
        }
        let own = self.address.settings();
        let settings = SETTINGS.iter().map(|(key, value)| (*key, *value));
        let own = own
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let mut count = 0;
        for (key, value) in settings.chain(own) {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.output().await.map_err(broken)
    }
}
