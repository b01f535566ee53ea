//! The stable codes of this phase's diagnostics.

/// A keyword that isn't one, here or anywhere.
pub(super) const UNKNOWN_KEYWORD: &str = "unknown-keyword";
/// A value of the wrong YAML type.
pub(super) const INVALID_TYPE: &str = "invalid-type";
/// A value of the right type that is none of those allowed.
pub(super) const INVALID_VALUE: &str = "invalid-value";
/// An empty value where there must be one.
pub(super) const BLANK_VALUE: &str = "blank-value";
/// A keyword that must be there and isn't.
pub(super) const MISSING_KEYWORD: &str = "missing-keyword";
/// Keywords that exclude each other.
pub(super) const CONFLICTING_KEYWORDS: &str = "conflicting-keywords";
/// A keyword that this kind of job doesn't take.
pub(super) const KEYWORD_NOT_ALLOWED: &str = "keyword-not-allowed";
/// Too many, too long, too deep or out of range.
pub(super) const LIMIT_EXCEEDED: &str = "limit-exceeded";
/// The same value twice where each may stand once.
pub(super) const DUPLICATE_VALUE: &str = "duplicate-value";
/// A name that breaks the rules for names.
pub(super) const INVALID_NAME: &str = "invalid-name";
/// A name that means something else.
pub(super) const RESERVED_NAME: &str = "reserved-name";
/// No duration.
pub(super) const INVALID_DURATION: &str = "invalid-duration";
/// No expression of `rules:if`.
pub(super) const INVALID_EXPRESSION: &str = "invalid-expression";
/// No regular expression.
pub(super) const INVALID_REGEX: &str = "invalid-regex";
/// No job that does anything.
pub(super) const NO_JOBS: &str = "no-jobs";
/// Warning: a keyword without effect here.
pub(super) const IGNORED_KEYWORD: &str = "ignored-keyword";
/// Warning: legal, and hardly what was meant.
pub(super) const SUSPICIOUS: &str = "suspicious-value";
