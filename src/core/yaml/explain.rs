//! Syntax errors in the words of a person who looks at the line.

use crate::diag::{Diagnostic, FileId, Span};

/// What the parser stumbled over, in our own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyntaxError {
    /// A tab where only spaces may stand.
    Tab,
    /// A character that can't begin a value.
    Character(char),
    /// A `:` inside of an unquoted value.
    Colon,
    /// A quote that is never closed.
    OpenQuote,
    /// A `[` or `{` that is never closed.
    OpenBracket(char),
    /// A bracket closed by the other kind.
    WrongBracket {
        /// The bracket that opened.
        open: char,
        /// The one that closed.
        close: char,
    },
    /// A line that stands too far left or right.
    Indentation,
    /// Text after the end of a quoted value.
    AfterQuote,
    /// `\x` where no escape is known.
    Escape,
    /// `key: - item`.
    ItemBehindKey,
    /// Nested too deep.
    Depth,
    /// Anything else, in the parser's words.
    Other(String),
}

/// Makes a diagnostic of what happened at `offset` of `text`.
pub(super) fn explain(error: &SyntaxError, file: FileId, text: &str, offset: usize) -> Diagnostic {
    let (line_start, line) = line_at(text, offset);
    let place = refine(error, line_start, line, offset);
    let span = char_span(file, text, place);
    if let Some(tab) = tab_in_indentation(line) {
        let span = char_span(file, text, line_start + tab);
        return Diagnostic::error("yaml-tab", span, "a tab can't be used for indentation")
            .with_help("indent with spaces");
    }
    let (code, message, help) = words(error, line);
    let diagnostic = Diagnostic::error(code, span, message);
    match help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

fn words(error: &SyntaxError, line: &str) -> (&'static str, String, Option<String>) {
    let quote = |what: &str| Some(format!("put the whole text in quotes if it holds {what}"));
    match error {
        SyntaxError::Tab => (
            "yaml-tab",
            "a tab can't stand here".into(),
            Some("use spaces".into()),
        ),
        SyntaxError::Character(found @ ('@' | '`' | '%')) => (
            "yaml-reserved-character",
            format!("a value can't begin with `{found}` unless it is quoted"),
            Some(format!("write it in quotes: \"{found}…\"")),
        ),
        SyntaxError::Character(found) => (
            "yaml-syntax",
            format!("unexpected character {found:?}"),
            quote("special characters"),
        ),
        SyntaxError::Colon => (
            "yaml-colon",
            "`: ` in an unquoted value: YAML reads it as another key".into(),
            Some(colon_help(line)),
        ),
        SyntaxError::OpenQuote => (
            "yaml-open-quote",
            "this quote is never closed".into(),
            Some("close it; inside of single quotes a quote is doubled: 'it''s'".into()),
        ),
        SyntaxError::OpenBracket(open) => (
            "yaml-open-bracket",
            format!("this `{open}` is never closed"),
            quote("brackets of its own"),
        ),
        SyntaxError::WrongBracket { open, close } => (
            "yaml-bracket",
            format!("`{open}` is closed by `{close}`"),
            quote("brackets of its own"),
        ),
        SyntaxError::Indentation => (
            "yaml-indentation",
            "this line doesn't fit the indentation above it".into(),
            Some("keys of one mapping and items of one list start in the same column".into()),
        ),
        SyntaxError::AfterQuote => (
            "yaml-after-quote",
            "text after a closing quote".into(),
            Some("quote the whole value, or use a block: `|` and the text below it".into()),
        ),
        SyntaxError::Escape => (
            "yaml-escape",
            "in double quotes `\\` begins an escape, and this one is unknown".into(),
            Some("use single quotes, where a backslash is only itself, or double it".into()),
        ),
        SyntaxError::ItemBehindKey => (
            "yaml-indentation",
            "a list item can't begin here".into(),
            Some("start the list on a line of its own below the key, or write it as [a, b]".into()),
        ),
        SyntaxError::Depth => (
            "yaml-too-deep",
            "values are nested too deep".into(),
            Some("at most 100 levels are read".into()),
        ),
        SyntaxError::Other(text) => (
            "yaml-syntax",
            text.clone(),
            Some("look at the line above too; text with special characters must be quoted".into()),
        ),
    }
}

fn colon_help(line: &str) -> String {
    let content = line.trim().trim_start_matches("- ");
    let short = content.chars().count() <= 60 && !content.contains('\'');
    if short && !content.is_empty() && line.trim_start().starts_with("- ") {
        format!("quote the whole text: '{content}'")
    } else {
        "quote the value, or use a block: `|` and the text below it".into()
    }
}

/// The parser points behind some errors; the line tells better where they are.
fn refine(error: &SyntaxError, line_start: usize, line: &str, offset: usize) -> usize {
    match error {
        // The second `: ` of the line is the one too many.
        SyntaxError::Colon => line
            .match_indices(": ")
            .nth(1)
            .map_or(offset, |(at, _)| line_start + at),
        _ => offset,
    }
}

fn tab_in_indentation(line: &str) -> Option<usize> {
    let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
    line[..indentation].find('\t')
}

/// The line that holds `offset`, and where it starts.
fn line_at(text: &str, offset: usize) -> (usize, &str) {
    let offset = floor_boundary(text, offset);
    let start = text[..offset].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let end = text[offset..]
        .find(['\n', '\r'])
        .map_or(text.len(), |at| offset + at);
    (start, &text[start..end])
}

/// The character at `offset`, or the point at the end of the text.
fn char_span(file: FileId, text: &str, offset: usize) -> Span {
    let start = floor_boundary(text, offset);
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    Span {
        file,
        start: start as u32,
        end: (start + length) as u32,
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
