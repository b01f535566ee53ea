//! The stable codes of what is found across jobs, with and without a context.

/// A job's stage isn't one of `stages`.
pub(super) const UNKNOWN_STAGE: &str = "unknown-stage";
/// `needs`, `dependencies`, `on_stop` or `index:from` names a job that isn't there.
pub(super) const UNKNOWN_JOB: &str = "unknown-job";
/// It names a job of a later stage.
pub(super) const LATER_STAGE: &str = "later-stage";
/// A job needs itself, or jobs need each other in a circle.
pub(super) const NEED_CYCLE: &str = "need-cycle";
/// The same job twice in one list.
pub(super) const DUPLICATE_NEED: &str = "duplicate-need";
/// A needed instance that the needed job doesn't have.
pub(super) const UNKNOWN_INSTANCE: &str = "unknown-instance";
/// A needed job that this pipeline leaves out.
pub(super) const NEED_LEFT_OUT: &str = "need-left-out";
/// `dependencies` and `needs` don't fit.
pub(super) const DEPENDENCY_NOT_NEEDED: &str = "dependency-not-needed";
/// `index:from` names a job whose artifacts don't arrive.
pub(super) const SOURCE_NOT_NEEDED: &str = "source-not-needed";
/// `on_stop` names a job that doesn't stop this environment.
pub(super) const INVALID_ON_STOP: &str = "invalid-on-stop";
/// An expanded environment name with characters that are not allowed.
pub(super) const INVALID_ENVIRONMENT: &str = "invalid-environment";
/// Two jobs get one name.
pub(super) const DUPLICATE_JOB: &str = "duplicate-job";
/// A job's name grows too long by its instance.
pub(super) const NAME_TOO_LONG: &str = "name-too-long";
/// More instances than allowed.
pub(super) const TOO_MANY_INSTANCES: &str = "too-many-instances";
/// `arch`, a matrix and tags that contradict each other.
pub(super) const ARCH_CONFLICT: &str = "arch-conflict";
/// `arch: same` without an architecture, or without a counterpart.
pub(super) const NO_SAME_ARCH: &str = "no-same-arch";
/// Variables in a circle, or without measure.
pub(super) const VARIABLE_CYCLE: &str = "variable-cycle";
/// `$[[ matrix.X ]]` for an axis that the job doesn't have.
pub(super) const UNKNOWN_AXIS: &str = "unknown-axis";
/// `compare_to` names a ref that can't be compared with.
pub(super) const UNRESOLVED_REF: &str = "unresolved-ref";
/// A keyword that this version can't evaluate.
pub(super) const NOT_SUPPORTED: &str = "not-supported";
/// A pattern of paths that can't be used.
pub(super) const INVALID_PATTERN: &str = "invalid-pattern";
/// Warning: a condition reads a variable that exists only in a running job.
pub(super) const PERSISTED_VARIABLE: &str = "persisted-variable";
/// Warning: a push to a branch with a merge request makes two pipelines.
pub(super) const DUPLICATE_PIPELINES: &str = "duplicate-pipelines";
/// Warning: the context leaves no pipeline.
pub(super) const EMPTY_PIPELINE: &str = "empty-pipeline";
