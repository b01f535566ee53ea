//! Failure reasons and verdicts (runner-protocol 9).

use crate::verdict::{Verdict, VerdictKind};

macro_rules! reasons {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $fallback:ident;)+) => {
        /// Reasons that a runner may give.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reason {
            $($(#[$meta])* $variant,)+
        }

        impl Reason {
            /// All of them: what a coordinator lists in `features.failure_reasons`.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is said instead to a server that doesn't list it; itself for the three that any server takes.
            #[must_use]
            pub const fn fallback(self) -> Self {
                match self { $(Self::$variant => Self::$fallback,)+ }
            }
        }
    };
}

reasons! {
    /// The script failed; its exit code says how.
    ScriptFailure = "script_failure", ScriptFailure;
    /// The runner or its machine failed.
    RunnerSystemFailure = "runner_system_failure", RunnerSystemFailure;
    /// It ran longer than it may.
    JobExecutionTimeout = "job_execution_timeout", JobExecutionTimeout;
    /// The image could not be fetched.
    ImagePullFailure = "image_pull_failure", RunnerSystemFailure;
    /// Something else.
    UnknownFailure = "unknown_failure", ScriptFailure;
    /// The job asks for what can't be.
    RunnerConfigurationError = "runner_configuration_error", ScriptFailure;
    /// Something that the runner needs isn't reachable.
    RunnerExternalDependencyFailure = "runner_external_dependency_failure", RunnerSystemFailure;
    /// The runner was stopped.
    RunnerInterrupted = "runner_interrupted", UnknownFailure;
    /// Somebody cancelled it.
    JobCanceled = "job_canceled", UnknownFailure;
}

impl Reason {
    /// The reason of that name; `None` for an unknown one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.name() == name)
    }

    /// The reason that a verdict has on this wire.
    pub fn of(kind: VerdictKind) -> Self {
        match kind {
            VerdictKind::Canceled => Self::JobCanceled,
            kind => match kind.failure_reason() {
                // A server's words, which no runner may use.
                "runner_unsupported" => Self::RunnerConfigurationError,
                "missing_dependency_failure" | "stuck_or_timeout_failure" => {
                    Self::RunnerSystemFailure
                }
                name => Self::parse(name).unwrap_or(Self::UnknownFailure),
            },
        }
    }

    /// The nearest reason that a server takes which lists `allowed`.
    #[must_use]
    pub fn within(self, allowed: &[String]) -> Self {
        let mut reason = self;
        while reason.fallback() != reason && !allowed.iter().any(|name| name == reason.name()) {
            reason = reason.fallback();
        }
        reason
    }

    /// The verdict for a job that a stock runner says has failed so.
    pub fn verdict(self, exit_code: Option<i32>) -> Verdict {
        let (kind, cause) = match self {
            Self::ScriptFailure => return script(exit_code),
            Self::RunnerSystemFailure => (
                VerdictKind::RunnerLost,
                "the runner failed: the end of the log says how",
            ),
            Self::JobExecutionTimeout => (
                VerdictKind::ScriptTimeout,
                "the job ran longer than its timeout",
            ),
            Self::ImagePullFailure => (
                VerdictKind::ImagePull,
                "the runner could not fetch the image",
            ),
            Self::UnknownFailure => (
                VerdictKind::ScriptExit,
                "the runner gives no reason: the end of the log may",
            ),
            Self::RunnerConfigurationError => (
                VerdictKind::ConfigInvalid,
                "the runner can't do what the job asks for: the end of the log says why",
            ),
            Self::RunnerExternalDependencyFailure => (
                VerdictKind::ImagePull,
                "the runner could not reach what it needs: the end of the log says what",
            ),
            Self::RunnerInterrupted => (VerdictKind::RunnerLost, "the runner was stopped"),
            Self::JobCanceled => (VerdictKind::Canceled, "the job was canceled"),
        };
        let mut verdict = Verdict::new(kind, cause);
        verdict.exit_code = exit_code;
        verdict
    }
}

/// `script_failure`: also what a stock runner says when an upload failed, without a code then.
fn script(exit_code: Option<i32>) -> Verdict {
    match exit_code {
        Some(code) if code != 0 => Verdict::exit(code),
        _ => Verdict::new(
            VerdictKind::ScriptExit,
            "the job failed without an exit code: the end of the log says why",
        ),
    }
}

/// The verdict of a `failed` update by its reason, known, unknown or missing.
pub fn verdict(failure_reason: &str, exit_code: Option<i32>) -> Verdict {
    let reason = match failure_reason {
        "" => Reason::ScriptFailure,
        name => Reason::parse(name).unwrap_or(Reason::UnknownFailure),
    };
    reason.verdict(exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_a_reason_that_any_server_takes() {
        for kind in VerdictKind::ALL {
            let reason = Reason::of(*kind);
            assert_eq!(Reason::parse(reason.name()), Some(reason));
            let plain = reason.within(&[]).name();
            assert!(
                [
                    "script_failure",
                    "runner_system_failure",
                    "job_execution_timeout"
                ]
                .contains(&plain),
                "{kind}: {plain}"
            );
            let all: Vec<String> = Reason::ALL
                .iter()
                .map(|one| one.name().to_owned())
                .collect();
            assert_eq!(reason.within(&all), reason);
        }
    }

    #[test]
    fn reasons_of_stock_runners_become_verdicts() {
        for (reason, code, kind) in [
            ("script_failure", Some(7), VerdictKind::ScriptExit),
            ("", None, VerdictKind::ScriptExit),
            ("job_execution_timeout", None, VerdictKind::ScriptTimeout),
            ("runner_interrupted", None, VerdictKind::RunnerLost),
            ("job_canceled", None, VerdictKind::Canceled),
            ("something new", None, VerdictKind::ScriptExit),
        ] {
            let verdict = verdict(reason, code);
            assert_eq!((verdict.kind, verdict.exit_code), (kind, code), "{reason}");
        }
    }
}
