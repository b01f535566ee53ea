//! Regular expressions `/…/flags` in the RE2 dialect, on the `regex` crate.
//!
//! The two are close relatives. What differs and is translated here: the classes `\d \w \s \b` are ASCII in RE2; a `{`
//! that begins no repetition is literal there; inside brackets `[`, `&&`, `--`, `~~` mean nothing special there.

use std::{fmt, iter::Peekable, str::Chars};

use regex::bytes::{Regex, RegexBuilder};

/// Bytes that one compiled regular expression may take; what needs more is refused as too large.
const SIZE_LIMIT: usize = 1 << 20;

/// A compiled regular expression; unanchored and case sensitive unless it says otherwise.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a text is not a regular expression of the language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It doesn't stand between slashes.
    #[error("`{0}` is not a regular expression of the form /…/")]
    NotSlashed(String),
    /// It does, and is wrong.
    #[error("regular expression {text} is invalid: {cause}")]
    Invalid {
        /// With its slashes.
        text: String,
        /// In one line.
        cause: String,
    },
}

impl Pattern {
    /// Compiles `/…/` with any of the flags `i s m U` behind it.
    ///
    /// # Errors
    ///
    /// A text of another form, or one that RE2 would refuse.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let (source, flags) =
            split(text).ok_or_else(|| PatternError::NotSlashed(text.to_owned()))?;
        let has = |flag| flags.contains(flag);
        let regex = RegexBuilder::new(&translate(source))
            .case_insensitive(has('i'))
            .dot_matches_new_line(has('s'))
            .multi_line(has('m'))
            .swap_greed(has('U'))
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|error| PatternError::Invalid {
                text: text.to_owned(),
                cause: one_line(&error),
            })?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    /// Whether it is found anywhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    /// As it was written, slashes and flags included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `text` has the form `/…/flags`, valid or not.
    pub fn is_slashed(text: &str) -> bool {
        split(text).is_some()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What stands between the first and the last slash, and the flags.
fn split(text: &str) -> Option<(&str, &str)> {
    let (source, flags) = text.strip_prefix('/')?.rsplit_once('/')?;
    (!source.is_empty() && flags.chars().all(|flag| "ismU".contains(flag)))
        .then_some((source, flags))
}

/// The last line of the regex crate's message is the cause; those above it draw the place.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default().trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// RE2's syntax as the `regex` crate's.
fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Q') => quoted(&mut chars, &mut out),
                Some(escaped) => escape(escaped, &mut out),
                None => out.push('\\'),
            },
            '[' => class(&mut chars, &mut out),
            '{' if !is_repetition(chars.clone()) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// `\Q…\E`: literal text.
fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek() == Some(&'E') {
            chars.next();
            break;
        }
        text.push(c);
    }
    out.push_str(&regex::escape(&text));
}

fn escape(escaped: char, out: &mut String) {
    match escaped {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\f\\r ]"),
        'S' => out.push_str("[^\\t\\n\\f\\r ]"),
        'b' => out.push_str("(?-u:\\b)"),
        'B' => out.push_str("(?-u:\\B)"),
        other => literal_or_escape(other, out),
    }
}

/// Escapes that mean the same in both; `\/`, `\<` and `\>` are just the character.
fn literal_or_escape(escaped: char, out: &mut String) {
    if !matches!(escaped, '/' | '<' | '>') && escaped.is_ascii() {
        out.push('\\');
    }
    out.push(escaped);
}

/// A bracket class whose `[` is read already.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    let mut after_class = false;
    while let Some(c) = chars.next() {
        let mut is_class = false;
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => {
                let escaped = chars.next().unwrap_or('\\');
                is_class = matches!(escaped, 'd' | 'D' | 'w' | 'W' | 's' | 'S');
                escape(escaped, out);
            }
            '[' if chars.peek() == Some(&':') => posix_class(chars, out),
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if after_class || chars.peek() == Some(&'-') => out.push_str("\\-"),
            _ => out.push(c),
        }
        after_class = is_class;
    }
}

/// `[:alpha:]` is copied as it is.
fn posix_class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    for c in chars.by_ref() {
        out.push(c);
        if c == ']' {
            return;
        }
    }
}

/// Whether what follows a `{` is `n}`, `n,}` or `n,m}`.
fn is_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let inner: String = rest.take(12).take_while(|&c| c != '}').collect();
    let (low, high) = inner.split_once(',').unwrap_or((&inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    inner.len() < 12 && !low.is_empty() && digits(low) && digits(high)
}
