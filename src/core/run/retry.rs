//! Whether an attempt that failed is followed by another: two budgets, one rule a verdict.

use super::{Budget, JobRules, Limits, Spent};
use crate::verdict::{Verdict, VerdictKind};

/// What pays for a further attempt after a verdict of some kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryRule {
    /// Nothing: the same would happen again.
    Never,
    /// The user's `retry`.
    User,
    /// The budget for infrastructure failures, then the user's.
    Infrastructure,
}

/// The retry rule of a verdict.
pub const fn retry_rule(kind: VerdictKind) -> RetryRule {
    match kind {
        VerdictKind::RunnerNone
        | VerdictKind::ArtifactMissing
        | VerdictKind::SecretMissing
        | VerdictKind::ConfigInvalid
        | VerdictKind::CacheError
        | VerdictKind::Canceled => RetryRule::Never,
        VerdictKind::ScriptExit
        | VerdictKind::ScriptTimeout
        | VerdictKind::ScriptOom
        | VerdictKind::ImageNotFound
        | VerdictKind::ImageAuth
        | VerdictKind::ImageNoPlatform
        | VerdictKind::ImageNoShell
        | VerdictKind::NodeUnschedulable
        | VerdictKind::RunnerUnsupported
        | VerdictKind::DestinationAuth
        | VerdictKind::DestinationConflict
        | VerdictKind::DestinationRefused => RetryRule::User,
        VerdictKind::ImagePull
        | VerdictKind::NodeLost
        | VerdictKind::PodEvicted
        | VerdictKind::PodDeleted
        | VerdictKind::RunnerLost
        | VerdictKind::ArtifactUpload
        | VerdictKind::DestinationFailed
        | VerdictKind::Internal => RetryRule::Infrastructure,
    }
}

/// What pays for another attempt after `verdict`; `None` if the job has failed.
pub(super) fn pays(
    job: &JobRules,
    limits: &Limits,
    spent: Spent,
    verdict: &Verdict,
    exit_code: Option<i32>,
) -> Option<Budget> {
    let rule = retry_rule(verdict.kind);
    if rule == RetryRule::Never {
        return None;
    }
    if rule == RetryRule::Infrastructure && spent.infrastructure < limits.infrastructure_retries {
        return Some(Budget::Infrastructure);
    }
    (spent.user < job.retry.max && user_wants(job, verdict.kind, exit_code)).then_some(Budget::User)
}

/// Reason *or* exit code must match; a `retry` with exit codes alone means only those.
fn user_wants(job: &JobRules, kind: VerdictKind, exit_code: Option<i32>) -> bool {
    let retry = &job.retry;
    if exit_code.is_some_and(|code| retry.exit_codes.contains(&code)) {
        return true;
    }
    if retry.when.is_empty() {
        return retry.exit_codes.is_empty();
    }
    retry.when.iter().any(|reason| {
        reason == "always"
            || reason == kind.failure_reason()
            || narrower(kind).contains(&reason.as_str())
    })
}

/// Other reasons of GitLab that describe the same failure more closely, or as part of a group.
const fn narrower(kind: VerdictKind) -> &'static [&'static str] {
    match kind {
        VerdictKind::ScriptTimeout => &["server_timeout_running"],
        VerdictKind::RunnerLost => &["stuck_or_timeout_failure", "no_updates_running"],
        VerdictKind::Internal => &["unknown_failure"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Retry;

    fn job(max: u32, when: &[&str], exit_codes: &[i32]) -> JobRules {
        JobRules {
            name: "job".into(),
            stage: 0,
            when: crate::plan::When::OnSuccess,
            allow_failure: crate::plan::AllowFailure::No,
            start_in: crate::time::Millis(0),
            needs: None,
            retry: Retry {
                max,
                when: when.iter().map(ToString::to_string).collect(),
                exit_codes: exit_codes.to_vec(),
            },
            timeout: crate::time::Millis(0),
            resource_group: None,
            played: false,
        }
    }

    #[test]
    fn reason_or_exit_code_pays_from_the_users_budget() {
        type Row = (
            u32,
            &'static [&'static str],
            &'static [i32],
            i32,
            Option<Budget>,
        );
        let user = Some(Budget::User);
        let table: &[Row] = &[
            (0, &[], &[], 1, None),
            (1, &[], &[], 1, user),
            (1, &["always"], &[], 1, user),
            (1, &["script_failure"], &[], 1, user),
            (1, &["runner_system_failure"], &[], 1, None),
            (1, &[], &[137], 1, None),
            (1, &[], &[137], 137, user),
            (1, &["runner_system_failure"], &[137], 137, user),
        ];
        for (max, when, codes, exit, expected) in table {
            let got = pays(
                &job(*max, when, codes),
                &Limits::default(),
                Spent::default(),
                &Verdict::exit(*exit),
                Some(*exit),
            );
            assert_eq!(
                got, *expected,
                "max {max} when {when:?} codes {codes:?} exit {exit}"
            );
        }
    }

    #[test]
    fn infrastructure_pays_first_and_the_user_after_it() {
        let verdict = Verdict::new(VerdictKind::NodeLost, "node gone");
        let after = |infrastructure, user| {
            let spent = Spent {
                user,
                infrastructure,
                claims: 0,
                returns: 0,
            };
            pays(&job(1, &[], &[]), &Limits::default(), spent, &verdict, None)
        };
        assert_eq!(after(0, 0), Some(Budget::Infrastructure));
        assert_eq!(after(1, 1), Some(Budget::Infrastructure));
        assert_eq!(after(2, 0), Some(Budget::User));
        assert_eq!(after(2, 1), None);
    }

    #[test]
    fn what_would_only_repeat_is_never_retried() {
        for kind in VerdictKind::ALL {
            let paid = pays(
                &job(2, &["always"], &[]),
                &Limits::default(),
                Spent::default(),
                &Verdict::new(*kind, "x"),
                None,
            );
            assert_eq!(
                paid.is_none(),
                retry_rule(*kind) == RetryRule::Never,
                "{kind}"
            );
        }
    }
}
