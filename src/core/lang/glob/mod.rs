//! Path patterns of `changes` and `exists`: Ruby's `fnmatch` with path separators respected, dot files included and
//! brace alternatives (pipeline-yaml section 7.2).
//!
//! `*`, `?` and `[…]` never match a `/`; `**/` at the start of a segment matches any number of directories, none included;
//! `**` anywhere else is a `*`. `\` takes the next character literally. An unclosed `[` matches nothing.

mod braces;
mod segment;
#[cfg(test)]
mod tests;

use segment::Segment;

/// Most alternatives that the braces of one pattern may expand to.
const MAX_ALTERNATIVES: usize = 1000;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Glob {
    alternatives: Vec<Alternative>,
}

/// Why a pattern can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pattern has more than {MAX_ALTERNATIVES} alternatives in braces")]
pub struct GlobError;

/// A pattern without braces.
#[derive(Clone, Debug)]
enum Alternative {
    /// Nothing special in it.
    Literal(String),
    /// Segments between slashes.
    Segments(Vec<Part>),
}

/// A piece of a path pattern.
#[derive(Clone, Debug)]
enum Part {
    /// `**/`
    AnyDirectories,
    /// What one path segment must look like.
    One(Segment),
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// Braces that expand beyond reason.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let texts = braces::expand(pattern, MAX_ALTERNATIVES).ok_or(GlobError)?;
        Ok(Self {
            alternatives: texts.iter().map(|text| Alternative::new(text)).collect(),
        })
    }

    /// Whether it matches the whole of a path that is relative and has no `.` or `..` in it.
    pub fn is_match(&self, path: &str) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| match alternative {
                Alternative::Literal(text) => text == path,
                Alternative::Segments(parts) => matches(parts, path),
            })
    }

    /// Whether any path of a sorted list matches. A pattern that ends in `/` asks for a directory with that name.
    pub fn matches_any<S: AsRef<str>>(&self, sorted: &[S]) -> bool {
        self.alternatives
            .iter()
            .any(|alternative| match alternative {
                Alternative::Literal(text) if text.ends_with('/') => {
                    let at = sorted.partition_point(|path| path.as_ref() < text.as_str());
                    sorted
                        .get(at)
                        .is_some_and(|path| path.as_ref().starts_with(text.as_str()))
                }
                Alternative::Literal(text) => sorted
                    .binary_search_by(|path| path.as_ref().cmp(text.as_str()))
                    .is_ok(),
                Alternative::Segments(parts) => {
                    sorted.iter().any(|path| matches(parts, path.as_ref()))
                }
            })
    }
}

impl Alternative {
    fn new(text: &str) -> Self {
        if !text.contains(['*', '?', '[', '\\']) {
            return Self::Literal(text.to_owned());
        }
        let mut parts = Vec::new();
        let mut segments = text.split('/').peekable();
        while let Some(segment) = segments.next() {
            if segment == "**" && segments.peek().is_some() {
                if !matches!(parts.last(), Some(Part::AnyDirectories)) {
                    parts.push(Part::AnyDirectories);
                }
            } else {
                parts.push(Part::One(Segment::new(segment)));
            }
        }
        Self::Segments(parts)
    }
}

/// Segment by segment; only the last `**/` is ever gone back to, which is enough since an earlier one can't do better.
fn matches(parts: &[Part], path: &str) -> bool {
    let mut rest = Some(path);
    let mut at = 0;
    let mut retry: Option<(usize, &str)> = None;
    loop {
        match (parts.get(at), rest) {
            (Some(Part::AnyDirectories), Some(text)) => {
                at += 1;
                retry = Some((at, text));
                continue;
            }
            (Some(Part::One(segment)), Some(text)) => {
                let (first, after) = split_segment(text);
                if segment.is_match(first) {
                    at += 1;
                    rest = after;
                    continue;
                }
            }
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => {}
        }
        // What `**/` matched so far grows by one directory, or there is no match.
        let Some((after, Some(longer))) = retry.map(|(after, from)| (after, split_segment(from).1))
        else {
            return false;
        };
        retry = Some((after, longer));
        at = after;
        rest = Some(longer);
    }
}

fn split_segment(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    }
}
