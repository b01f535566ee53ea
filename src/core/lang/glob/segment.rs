//! What stands between two slashes of a pattern.

/// A compiled segment.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// An unclosed bracket.
    Never,
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Char(own) => *own == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
            Self::Never => false,
        }
    }
}

impl Segment {
    pub(super) fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '*' if matches!(tokens.last(), Some(Token::Any)) => {}
                '*' => tokens.push(Token::Any),
                '?' => tokens.push(Token::One),
                '[' => match class(rest) {
                    Some((token, after)) => {
                        tokens.push(token);
                        rest = after;
                    }
                    None => tokens.push(Token::Never),
                },
                '\\' => tokens.push(Token::Char(take(&mut rest).unwrap_or('\\'))),
                _ => tokens.push(Token::Char(c)),
            }
        }
        Self { tokens }
    }

    /// Goes back to the last `*` only.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut rest = text;
        let mut at = 0;
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let c = rest.chars().next();
            match (self.tokens.get(at), c) {
                (Some(Token::Any), _) => {
                    at += 1;
                    retry = Some((at, rest));
                    continue;
                }
                (Some(token), Some(c)) if token.accepts(c) => {
                    at += 1;
                    rest = &rest[c.len_utf8()..];
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after, from)) = retry else {
                return false;
            };
            let Some(skipped) = from.chars().next() else {
                return false;
            };
            rest = &from[skipped.len_utf8()..];
            retry = Some((after, rest));
            at = after;
        }
    }
}

/// A class whose `[` is read already, and what follows its `]`.
fn class(text: &str) -> Option<(Token, &str)> {
    let mut rest = text;
    let negated = rest.starts_with(['!', '^']);
    if negated {
        rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.starts_with(']') {
            return Some((Token::Class { negated, ranges }, &rest[1..]));
        }
        let low = member(&mut rest)?;
        let mut high = low;
        if let Some(after) = rest.strip_prefix('-')
            && !after.starts_with(']')
        {
            rest = after;
            high = member(&mut rest)?;
        }
        ranges.push((low, high));
    }
}

fn member(rest: &mut &str) -> Option<char> {
    match take(rest)? {
        '\\' => take(rest),
        c => Some(c),
    }
}

fn take(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}
