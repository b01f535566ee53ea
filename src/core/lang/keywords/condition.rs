//! Expressions and path lists, which `rules`, `only` and `except` share.

use super::{
    codes::{BLANK_VALUE, INVALID_EXPRESSION, SUSPICIOUS},
    field::Field,
    sink::Sink,
};
use crate::{
    diag::{Diagnostic, Span},
    lang::{expr::Expression, model::Spanned},
    yaml::Style,
};

/// Most patterns of one `changes` or `exists`.
pub(super) const MAX_PATTERNS: usize = 50;

/// The way out where the mistake itself tells none.
const EXPRESSION_HELP: &str = "write it like `$NAME == \"text\"` or `$NAME =~ /pattern/`, joined with `&&`, `||` and parentheses";

/// An expression, kept as text.
pub(super) fn expression(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
    if is_blank(field, sink) {
        return None;
    }
    let text = field.nonblank(sink)?;
    if !sink.is_flawless(text) {
        check(field, text, sink)?;
    }
    Some(Spanned::new(text.to_owned(), field.span()))
}

/// Tells what is wrong with an expression; `None` if it is none.
fn check(field: &Field<'_>, text: &str, sink: &mut Sink<'_>) -> Option<()> {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => {
            let span = inside(field, text, error.range.clone());
            let text = format!("is not an expression: {error}");
            let message = format!("{} {text}", field.path);
            let mut found = Diagnostic::error(INVALID_EXPRESSION, span, message);
            found.help = Some(error.help.unwrap_or(EXPRESSION_HELP).to_owned());
            sink.add(&text, found);
            return None;
        }
    };
    let odd = expression.compared_patterns();
    if odd.is_empty() {
        sink.note_flawless(text);
    }
    for range in odd {
        let span = inside(field, text, range);
        let text = "compares with a regular expression, which is never equal";
        let help = "use `=~` or `!~`";
        sink.warning(SUSPICIOUS, field.path, span, text, help);
    }
    Some(())
}

/// A list of at most 50 path patterns.
pub(super) fn patterns(field: &Field<'_>, sink: &mut Sink<'_>) -> Vec<Spanned<String>> {
    if is_blank(field, sink) {
        return Vec::new();
    }
    let patterns = field.flat_texts(sink).unwrap_or_default();
    field.check_count(sink, patterns.len(), MAX_PATTERNS);
    patterns
}

/// Reports a condition without a value: dropping it silently would make the rule match more than it says.
fn is_blank(field: &Field<'_>, sink: &mut Sink<'_>) -> bool {
    let blank = field.node.is_null();
    if blank {
        let help = "give it a value, or remove the keyword";
        field.refuse(sink, BLANK_VALUE, "must not be blank", help);
    }
    blank
}

/// The place of a part of a scalar's text. Where the notation doesn't show the text letter by letter (escapes, folded
/// blocks) it is the whole scalar.
fn inside(field: &Field<'_>, text: &str, range: std::ops::Range<usize>) -> Span {
    let whole = field.span();
    let quotes = match field.node.style() {
        Style::Plain => 0,
        Style::Quoted => 1,
        Style::Block => return whole,
    };
    if (whole.end - whole.start) as usize != text.len() + 2 * quotes {
        return whole;
    }
    let start = whole.start + (quotes + range.start.min(text.len())) as u32;
    let end = whole.start + (quotes + range.end.min(text.len())) as u32;
    Span {
        start,
        end,
        ..whole
    }
}
