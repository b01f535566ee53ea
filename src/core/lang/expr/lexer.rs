//! Text to tokens.

use std::ops::Range;

use super::{ExpressionError, MAX_TOKENS};

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) lexeme: Lexeme<'a>,
    pub(super) range: Range<usize>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lexeme<'a> {
    Open,
    Close,
    Variable(&'a str),
    Text(&'a str),
    /// With its slashes and flags.
    Pattern(&'a str),
    Null,
    Operator(Operator),
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Match,
    NotMatch,
    And,
    Or,
}

impl Operator {
    const SPELLINGS: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("=~", Self::Match),
        ("!~", Self::NotMatch),
        ("&&", Self::And),
        ("||", Self::Or),
    ];

    /// Higher binds tighter.
    pub(super) const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::NotEqual | Self::Match | Self::NotMatch => 3,
        }
    }
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        if at == text.len() {
            return Ok(tokens);
        }
        let (lexeme, len) = next(&text[at..]).ok_or_else(|| unknown(text, at))?;
        if tokens.len() == MAX_TOKENS {
            return Err(ExpressionError::new(
                at..text.len(),
                format!("expression has more than {MAX_TOKENS} tokens"),
            )
            .with_help("split it into several rules"));
        }
        tokens.push(Token {
            lexeme,
            range: at..at + len,
        });
        at += len;
    }
}

/// The token at the start of `rest`, which is not empty, and its length in bytes.
fn next(rest: &str) -> Option<(Lexeme<'_>, usize)> {
    let mut chars = rest.chars();
    match chars.next()? {
        '(' => Some((Lexeme::Open, 1)),
        ')' => Some((Lexeme::Close, 1)),
        '$' => {
            let name = word(&rest[1..]);
            (!name.is_empty()).then_some((Lexeme::Variable(name), 1 + name.len()))
        }
        quote @ ('"' | '\'') => {
            let (inner, _) = rest[1..].split_once(quote)?;
            Some((Lexeme::Text(inner), inner.len() + 2))
        }
        '/' => {
            let len = pattern_len(rest)?;
            Some((Lexeme::Pattern(&rest[..len]), len))
        }
        _ if word(rest) == "null" => Some((Lexeme::Null, 4)),
        _ => Operator::SPELLINGS
            .iter()
            .find(|(spelling, _)| rest.starts_with(spelling))
            .map(|(spelling, operator)| (Lexeme::Operator(*operator), spelling.len())),
    }
}

fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// Length of the `/…/flags` at the start of `rest`; `\/` doesn't end it, nor does a slash right behind the first.
fn pattern_len(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'/' if at == 1 => return None,
            b'/' => break,
            _ => at += 1,
        }
    }
    let flags = bytes[at + 1..]
        .iter()
        .take_while(|byte| b"ismU".contains(byte))
        .count();
    Some(at + 1 + flags)
}

fn unknown(text: &str, at: usize) -> ExpressionError {
    let rest = &text[at..];
    let mut chars = rest.chars();
    let (first, second) = (chars.next().unwrap_or(' '), chars.next());
    let one = at..at + first.len_utf8();
    match (first, second) {
        ('$', Some('{')) | ('%', _) => {
            let close = if first == '%' { '%' } else { '}' };
            let end = rest[1..].find(close).map_or(rest.len(), |end| end + 2);
            ExpressionError::new(
                at..at + end,
                "this form of a variable is not possible in an expression",
            )
            .with_help("write `$NAME`")
        }
        ('$', _) => ExpressionError::new(one, "`$` is not followed by a variable's name"),
        ('"' | '\'', _) => ExpressionError::new(at..text.len(), "string has no closing quote"),
        ('/', Some('/')) => ExpressionError::new(at..at + 2, "regular expression is empty"),
        ('/', _) => ExpressionError::new(at..text.len(), "regular expression has no closing `/`")
            .with_help("write a slash inside of it as `\\/`"),
        ('!', _) => ExpressionError::new(one, "there is no `!` operator")
            .with_help("compare instead: `$NAME == null`, `$NAME != \"value\"`"),
        ('=' | '&' | '|', _) => {
            ExpressionError::new(one, format!("`{first}` alone is not an operator"))
                .with_help("operators are == != =~ !~ && ||")
        }
        ('<' | '>', _) => ExpressionError::new(one, format!("`{first}` is not an operator"))
            .with_help("operators are == != =~ !~ && ||"),
        _ => {
            let len = word(rest).len().max(first.len_utf8());
            ExpressionError::new(
                at..at + len,
                format!("`{}` is not part of an expression", &rest[..len]),
            )
            .with_help("a text stands in quotes, a variable begins with `$`")
        }
    }
}
