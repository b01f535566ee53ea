//! What a command ends with when it can't go on: a cause, a way out, an exit code.

use std::fmt;

use aqueduct_core::{
    diag::ReportItem,
    verdict::{Verdict, VerdictKind},
};

use crate::exit::Exit;

/// A failure told to a person on standard error.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) exit: Exit,
    /// The cause, lower case, without a full stop.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) help: Option<String>,
}

impl CliError {
    /// The command line, a file or a setting is wrong.
    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Invalid,
            message: message.to_string(),
            help: None,
        }
    }

    /// The machine or a peer failed.
    pub(crate) fn infrastructure(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Infrastructure,
            message: message.to_string(),
            help: None,
        }
    }

    /// The work itself failed.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.to_string(),
            help: None,
        }
    }

    /// What a verdict says to somebody who gave a command, with the exit code of whom it blames.
    pub(crate) fn from_verdict(verdict: &Verdict) -> Self {
        let help = match (&verdict.hint, verdict.kind) {
            // The kind's own hint sends people to a pipeline file.
            (None, VerdictKind::ConfigInvalid) => {
                "correct the option, or the setting in aqueduct.toml, that the message names"
            }
            _ => verdict.hint(),
        };
        Self {
            exit: Exit::of(verdict.kind),
            message: verdict.to_string(),
            help: Some(help.to_owned()),
        }
    }

    /// Adds the way out.
    #[must_use]
    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// As `lint --json` and `plan --json` print it.
    pub(crate) fn to_report_item(&self) -> ReportItem {
        let code = match self.exit {
            Exit::Invalid => "invalid-input",
            _ => "infrastructure",
        };
        ReportItem {
            code: code.to_owned(),
            message: self.message.clone(),
            file: None,
            line: None,
            column: None,
            help: self.help.clone(),
        }
    }

    /// Replaces the exit code.
    #[must_use]
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// A file could not be read or written.
    pub(crate) fn io(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let base = Self::infrastructure(format!("can't {action} {}: {error}", path.display()));
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => base.with_help(
                "free some disk space, or point XDG_CACHE_HOME and XDG_STATE_HOME at a larger disk",
            ),
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => base
                .with_help(
                    "point XDG_CACHE_HOME and XDG_STATE_HOME at folders that can be written",
                ),
            std::io::ErrorKind::NotFound => Self {
                exit: Exit::Invalid,
                ..base
            },
            _ => base,
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}
