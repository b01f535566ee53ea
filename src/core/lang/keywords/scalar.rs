//! Checks of single values: strings, numbers, booleans, choices, durations, patterns.

use std::ops::RangeInclusive;

use super::{
    codes::{
        BLANK_VALUE, INVALID_DURATION, INVALID_REGEX, INVALID_TYPE, INVALID_VALUE, LIMIT_EXCEEDED,
    },
    field::{Field, one_of, shown},
    sink::Sink,
};
use crate::{
    diag::did_you_mean,
    lang::{
        duration,
        expr::{Pattern, PatternError},
        model::Spanned,
    },
    time::Millis,
    yaml::Value,
};

/// Seconds of a day.
const DAY: u64 = 86_400;
/// The longest `timeout`: a twelfth of a mean year.
pub(super) const MONTH: Millis = Millis::from_secs(2_629_746);
/// The longest `start_in`.
pub(super) const WEEK: Millis = Millis::from_secs(7 * DAY);

impl<'a> Field<'a> {
    /// A string.
    pub(super) fn text(&self, sink: &mut Sink<'_>) -> Option<&'a str> {
        let text = self.node.as_str();
        if text.is_none() {
            self.refuse_type(sink, "a string", self.quoting_help());
        }
        text
    }

    /// A string with something in it.
    pub(super) fn nonblank(&self, sink: &mut Sink<'_>) -> Option<&'a str> {
        let text = self.text(sink)?;
        if text.trim().is_empty() {
            self.refuse(
                sink,
                BLANK_VALUE,
                "must not be blank",
                "give it a value or remove it",
            );
            return None;
        }
        Some(text)
    }

    /// A string with something in it and at most `limit` characters.
    pub(super) fn short(&self, sink: &mut Sink<'_>, limit: usize) -> Option<&'a str> {
        let text = self.nonblank(sink)?;
        if text.chars().count() > limit {
            let message = format!("is longer than {limit} characters");
            self.refuse(sink, LIMIT_EXCEEDED, &message, "choose a shorter one");
            return None;
        }
        Some(text)
    }

    /// A string with something in it, owned.
    pub(super) fn owned(&self, sink: &mut Sink<'_>) -> Option<String> {
        self.nonblank(sink).map(str::to_owned)
    }

    /// A string with something in it, and its place.
    pub(super) fn spanned(&self, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
        self.owned(sink).map(|text| Spanned::new(text, self.span()))
    }

    /// A string, a number or a boolean, as text.
    pub(super) fn scalar(&self, sink: &mut Sink<'_>) -> Option<String> {
        let text = self.node.to_text().filter(|_| !self.node.is_null());
        if text.is_none() {
            self.refuse_type(sink, "a string, a number or a boolean", self.quoting_help());
        }
        text.map(Into::into)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, sink: &mut Sink<'_>) -> Option<bool> {
        let value = self.node.as_bool();
        if value.is_none() {
            self.refuse_type(sink, "a boolean", "write `true` or `false` without quotes");
        }
        value
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, sink: &mut Sink<'_>, range: RangeInclusive<i64>) -> Option<i64> {
        let (low, high) = (range.start(), range.end());
        let Some(value) = self.node.as_int() else {
            let help = format!("write a number from {low} to {high} without quotes");
            self.refuse_type(sink, "a whole number", help);
            return None;
        };
        if !range.contains(&value) {
            let text = format!("must be from {low} to {high}, not {value}");
            let help = format!("choose a number from {low} to {high}");
            self.refuse(sink, LIMIT_EXCEEDED, &text, help);
            return None;
        }
        Some(value)
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, sink: &mut Sink<'_>, words: &[(&str, T)]) -> Option<T> {
        let found = self
            .node
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let code = if self.node.as_str().is_some() {
            INVALID_VALUE
        } else {
            INVALID_TYPE
        };
        let help = self
            .node
            .as_str()
            .and_then(|text| did_you_mean(text, names.iter().copied()))
            .map_or_else(
                || format!("write {}", one_of(&names)),
                |near| format!("did you mean `{near}`?"),
            );
        let text = format!("must be {}", one_of(&names));
        self.refuse(sink, code, &text, help);
        None
    }

    /// A duration of at most `limit`; a whole number counts seconds.
    pub(super) fn duration(&self, sink: &mut Sink<'_>, limit: Option<Millis>) -> Option<Millis> {
        const HELP: &str = "write it like `30 minutes`, `1h 30m` or `3 days`";
        let length = match self.node.value() {
            Value::Int(seconds) => u64::try_from(*seconds).ok().map(Millis::from_secs),
            Value::String(text) => duration::parse(text),
            _ => {
                self.refuse_type(sink, "a duration", HELP);
                return None;
            }
        };
        let Some(length) = length else {
            self.refuse(sink, INVALID_DURATION, "must be a duration", HELP);
            return None;
        };
        match limit {
            Some(limit) if length > limit => {
                let days = limit.0 / 1000 / DAY;
                let text = format!("must not be longer than {days} days");
                self.refuse(sink, LIMIT_EXCEEDED, &text, "choose a shorter time");
                None
            }
            _ => Some(length),
        }
    }

    /// `/…/`, a regular expression; returned as written.
    pub(super) fn pattern(&self, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
        let text = self.nonblank(sink)?;
        self.check_pattern(sink, text)
            .then(|| Spanned::new(text.to_owned(), self.span()))
    }

    /// Whether `text` is a valid regular expression between slashes; says so where not.
    pub(super) fn check_pattern(&self, sink: &mut Sink<'_>, text: &str) -> bool {
        let Err(error) = Pattern::parse(text) else {
            return true;
        };
        let (message, help) = match error {
            PatternError::NotSlashed(_) => (
                "must be a regular expression between slashes".to_owned(),
                "write it like `/^v[0-9]+$/`",
            ),
            PatternError::Invalid { cause, .. } => (
                format!("must be a regular expression: {cause}"),
                "write it in the RE2 syntax, which has neither look-around nor back-references",
            ),
        };
        self.refuse(sink, INVALID_REGEX, &message, help);
        false
    }

    fn quoting_help(&self) -> String {
        match self.node.value() {
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                let source = self.node.source().unwrap_or_default();
                format!("put it in quotes: \"{}\"", shown(source))
            }
            Value::Sequence(_) => "write a single value, without the dash".to_owned(),
            Value::Mapping(_) => {
                "write a single value; text that holds `: ` needs quotes around it".to_owned()
            }
            _ => "give it a value or remove it".to_owned(),
        }
    }
}
