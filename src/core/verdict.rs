//! Why a job ended, and whom that blames: the closed list of design section 5.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whom a failure blames; retry rules and the user interface follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The job's own script.
    Script,
    /// The pipeline file or the settings it names.
    Config,
    /// Machines, nodes, networks, registries.
    Infrastructure,
    /// A person who cancelled.
    User,
    /// Aqueduct.
    Aqueduct,
}

macro_rules! verdicts {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $blame:ident, $reason:literal, $hint:literal;)+) => {
        /// The kind of a verdict. Names are stable: scripts match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum VerdictKind {
            $($(#[$meta])* #[serde(rename = $name)] $variant,)+
        }

        impl VerdictKind {
            /// Every kind, in documentation order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Whom it blames.
            pub const fn blame(self) -> Blame {
                match self { $(Self::$variant => Blame::$blame,)+ }
            }

            /// GitLab's failure reason for it on the wire (runner API, `failure_reason`).
            pub const fn failure_reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)+ }
            }

            /// What to do next, in one line.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

verdicts! {
    /// The script ended with a non-zero exit code.
    ScriptExit = "script.exit", Script, "script_failure", "the log's last lines say why; CI_DEBUG_TRACE=true traces each command";
    /// The job ran longer than its timeout.
    ScriptTimeout = "script.timeout", Script, "job_execution_timeout", "raise the job's `timeout`, or make it faster";
    /// The kernel killed the job for its memory use.
    ScriptOom = "script.oom", Script, "script_failure", "raise the job's memory limit, or use less memory";
    /// The configuration can't be run as written.
    ConfigInvalid = "config.invalid", Config, "runner_configuration_error", "correct what the message names, in the pipeline file or in aqueduct.toml";
    /// The registry has no such image.
    ImageNotFound = "image.not-found", Config, "runner_configuration_error", "check the image's name and tag";
    /// The registry refused the credentials.
    ImageAuth = "image.auth", Config, "runner_configuration_error", "log in to the registry (docker config.json), or make the image public";
    /// The image exists, but not for the job's architecture.
    ImageNoPlatform = "image.no-platform", Config, "runner_configuration_error", "use an image that has this platform, or change the job's `arch`";
    /// The image could not be fetched.
    ImagePull = "image.pull", Infrastructure, "runner_external_dependency_failure", "check that the registry can be reached, then retry";
    /// The image has no shell to run scripts with.
    ImageNoShell = "image.no-shell", Config, "runner_configuration_error", "use an image with `sh` (distroless and scratch images have none)";
    /// No runner takes this architecture or these tags.
    RunnerNone = "runner.none", Config, "stuck_or_timeout_failure", "start a runner with this architecture and these tags, or change the job";
    /// No node can take the pod.
    NodeUnschedulable = "node.unschedulable", Infrastructure, "runner_system_failure", "see the scheduler's reason; add a node, or ask for less";
    /// The node went away under the job.
    NodeLost = "node.lost", Infrastructure, "runner_system_failure", "the job is retried on another node";
    /// The pod was evicted.
    PodEvicted = "pod.evicted", Infrastructure, "runner_system_failure", "the job is retried; ask for the resources it needs if this repeats";
    /// Someone deleted the pod.
    PodDeleted = "pod.deleted", Infrastructure, "runner_system_failure", "the job is retried";
    /// The runner stopped reporting.
    RunnerLost = "runner.lost", Infrastructure, "runner_system_failure", "the job is retried; check the runner";
    /// The runner can't do what the job asks for.
    RunnerUnsupported = "runner.unsupported", Config, "runner_unsupported", "use an executor that can, or drop the keyword";
    /// An artifact that the job needs isn't there.
    ArtifactMissing = "artifact.missing", Config, "missing_dependency_failure", "check `artifacts:paths` of the job that should have made it";
    /// The job's artifacts could not be stored.
    ArtifactUpload = "artifact.upload", Infrastructure, "runner_system_failure", "check free disk space and the object store";
    /// A cache could not be read or written; it never fails a job.
    CacheError = "cache.error", Infrastructure, "runner_system_failure", "the job goes on without its cache";
    /// A secret the job names has no value.
    SecretMissing = "secret.missing", Config, "runner_configuration_error", "define the variable, or pass it with --var or --env-file";
    /// A destination refused the credentials.
    DestinationAuth = "destination.auth", Config, "runner_configuration_error", "check the destination's credentials in aqueduct.toml";
    /// A destination already has other bytes under this name.
    DestinationConflict = "destination.conflict", Config, "script_failure", "other bytes are already published under this name: raise the version";
    /// A destination could not be reached or failed.
    DestinationFailed = "destination.failed", Infrastructure, "runner_external_dependency_failure", "run again: what is already there is not sent twice";
    /// What is to be released is incomplete or wrong.
    DestinationRefused = "destination.refused", Config, "script_failure", "correct what the message names, then run again";
    /// Somebody cancelled it.
    Canceled = "canceled", User, "script_failure", "start it again when wanted";
    /// A fault in Aqueduct or in the machine under it.
    Internal = "internal", Aqueduct, "runner_system_failure", "please report this with the log";
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a job ended otherwise than in success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The stable kind.
    pub kind: VerdictKind,
    /// The cause in one line, lower case, no full stop: `"bash: make: command not found (exit 127)"`.
    pub cause: String,
    /// The script's exit code, where it got that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// A hint for this very case; the kind's hint otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Verdict {
    /// A verdict with the kind's own hint. Lines of the cause become one; what steers terminals is taken out, since
    /// causes quote servers and images.
    pub fn new(kind: VerdictKind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: one_line(cause.into()),
            exit_code: None,
            hint: None,
        }
    }

    /// `script.exit(n)`, with what the shell means by the code where it is one of its own.
    pub fn exit(code: i32) -> Self {
        let mut verdict = Self::new(
            VerdictKind::ScriptExit,
            format!("script ended with exit code {code}"),
        );
        verdict.exit_code = Some(code);
        verdict.hint = exit_hint(code).map(str::to_owned);
        verdict
    }

    /// Replaces the hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or(self.kind.hint())
    }
}

fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let lines = text.split(['\n', '\r']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ").replace(char::is_control, " ")
}

/// Exit codes that POSIX shells give a meaning (POSIX.1-2024, 2.8.2).
fn exit_hint(code: i32) -> Option<&'static str> {
    match code {
        126 => Some(
            "a program was found but can't be started: look at its mode, and at the architecture it is for",
        ),
        127 => Some(
            "a command was not found: install it in `before_script`, or use an image that has it",
        ),
        137 => Some(
            "something killed the script with SIGKILL: often the kernel, where memory was short",
        ),
        139 => Some("a program of the script crashed with a segmentation fault"),
        141 => Some(
            "a program wrote into a pipe that nobody read any more (SIGPIPE), which fails the line under pipefail",
        ),
        143 => Some("something asked the script to end with SIGTERM"),
        _ => None,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_one_line_that_steers_no_terminal() {
        let cause = |text: &str| Verdict::new(VerdictKind::Internal, text).cause;
        assert_eq!(
            cause("a.whl: torn\r\n\n  b.whl: ä\n"),
            "a.whl: torn; b.whl: ä"
        );
        assert_eq!(cause("no \u{1b}[31mway\u{7}"), "no  [31mway ");
    }

    #[test]
    fn exit_codes_of_the_shell_have_hints_of_their_own() {
        let general = VerdictKind::ScriptExit.hint();
        for (code, word) in [
            (126, "architecture"),
            (127, "not found"),
            (137, "memory"),
            (139, "crashed"),
            (141, "pipefail"),
            (143, "SIGTERM"),
        ] {
            assert!(Verdict::exit(code).hint().contains(word), "{code}");
        }
        assert_eq!(Verdict::exit(1).hint(), general);
    }
}
