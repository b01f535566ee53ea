//! References to variables within a text.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lang) enum Piece<'a> {
    /// Text that means itself.
    Text(&'a str),
    /// `$$`, or on the server `%%`.
    Escape(&'a str),
    /// A reference.
    Variable {
        /// The name.
        name: &'a str,
        /// As it was written.
        text: &'a str,
    },
}

/// Whose rules say what a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lang) enum Syntax {
    /// `$NAME`, `${NAME}`, `%NAME%`; `$$` and `%%` stay as they are.
    Server,
    /// Go's `os.Expand`: `$NAME`, `${anything}`, `$$`, one character behind `$` where it is special to a shell.
    Runner,
}

/// Whether a text can hold a reference at all.
pub(super) fn may_refer(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'$' || byte == b'%')
}

/// Cuts a text into its pieces.
pub(in crate::lang) fn pieces(text: &str, syntax: Syntax) -> Pieces<'_> {
    Pieces { rest: text, syntax }
}

/// See [`pieces`].
pub(in crate::lang) struct Pieces<'a> {
    rest: &'a str,
    syntax: Syntax,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.next_special(0);
        if start > 0 {
            return Some(Piece::Text(self.cut(start)));
        }
        if let Some((len, piece)) = self.reference() {
            self.rest = &self.rest[len..];
            return Some(piece);
        }
        // A lone sign is text, together with what follows it.
        let end = self.next_special(1);
        Some(Piece::Text(self.cut(end)))
    }
}

impl<'a> Pieces<'a> {
    fn cut(&mut self, at: usize) -> &'a str {
        let (text, rest) = self.rest.split_at(at);
        self.rest = rest;
        text
    }

    fn next_special(&self, from: usize) -> usize {
        let special = |byte: &u8| *byte == b'$' || (*byte == b'%' && self.syntax == Syntax::Server);
        self.rest.as_bytes()[from..]
            .iter()
            .position(special)
            .map_or(self.rest.len(), |at| at + from)
    }

    /// What begins with the sign at the start of the rest, with its length.
    fn reference(&self) -> Option<(usize, Piece<'a>)> {
        let rest = self.rest;
        let variable = |name: &'a str, len: usize| {
            let text = &rest[..len];
            Some((len, Piece::Variable { name, text }))
        };
        let second = rest.as_bytes().get(1).copied()?;
        match (self.syntax, rest.as_bytes()[0], second) {
            (_, b'$', b'$') | (Syntax::Server, b'%', b'%') => Some((2, Piece::Escape(&rest[..2]))),
            (Syntax::Server, b'%', _) => {
                let name = name(&rest[1..])?;
                rest[1 + name.len()..].starts_with('%').then_some(())?;
                variable(name, name.len() + 2)
            }
            (Syntax::Server, _, b'{') => {
                let name = name(&rest[2..])?;
                rest[2 + name.len()..].starts_with('}').then_some(())?;
                variable(name, name.len() + 3)
            }
            (Syntax::Runner, _, b'{') => match rest[2..].split_once('}') {
                Some((name, _)) => variable(name, name.len() + 3),
                None => variable("", 2),
            },
            (Syntax::Runner, _, b'*' | b'#' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9') => {
                variable(&rest[1..2], 2)
            }
            _ => {
                let name = name(&rest[1..])?;
                variable(name, name.len() + 1)
            }
        }
    }
}

/// A name at the start of a text.
fn name(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = &text[..end];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// Expands a text as a runner does: unknown names are empty, `$$` is a dollar.
pub fn expand_runner<'v>(text: &str, lookup: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text, Syntax::Runner) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Escape(_) => out.push('$'),
            Piece::Variable { name, .. } => out.push_str(lookup(name).unwrap_or("")),
        }
    }
    out
}
