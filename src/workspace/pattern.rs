//! Paths and globs of `artifacts:paths`, `exclude` and `cache:paths` (doublestar syntax).

use std::path::PathBuf;

use globset::{Glob, GlobBuilder, GlobMatcher};

/// Characters that make a component more than a name.
const META: [char; 5] = ['*', '?', '[', '{', '\\'];

/// One pattern, relative to the project's directory.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The leading components without any glob: where to start looking.
    pub(crate) base: PathBuf,
    /// The rest; `None` if the pattern is a plain path.
    pub(crate) glob: Option<GlobMatcher>,
}

impl Pattern {
    /// Reads a pattern; the error says why it is refused.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let components = normalized(text)?;
        let literal = components
            .iter()
            .take_while(|component| !component.contains(META))
            .count();
        let base = components.iter().take(literal).collect();
        let glob = if literal == components.len() {
            None
        } else {
            Some(glob(&components.join("/"))?.compile_matcher())
        };
        Ok(Self { base, glob })
    }
}

/// The components without `.` and empty ones, `..` resolved by name.
fn normalized(text: &str) -> Result<Vec<&str>, String> {
    let outside = || format!("{text}: the path lies outside of the project's directory");
    if text.starts_with('/') {
        return Err(outside());
    }
    let mut components = Vec::new();
    for component in text.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop().ok_or_else(outside)?;
            }
            name => components.push(name),
        }
    }
    Ok(components)
}

fn glob(text: &str) -> Result<Glob, String> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
        .map_err(|error| format!("{text}: {}", error.kind()))
}

/// A glob for whole paths (`exclude`).
pub(crate) fn matcher(text: &str) -> Result<GlobMatcher, String> {
    Ok(glob(&normalized(text)?.join("/"))?.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_ends_before_the_first_glob() {
        let table = [
            ("dist", "dist", false),
            ("./dist/", "dist", false),
            ("a/../b", "b", false),
            (".", "", false),
            ("target/*/debug", "target", true),
            ("**/*.xml", "", true),
            ("a/b{c,d}/e", "a", true),
        ];
        for (text, base, has_glob) in table {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(pattern.base, PathBuf::from(base), "{text}");
            assert_eq!(pattern.glob.is_some(), has_glob, "{text}");
        }
    }

    #[test]
    fn paths_outside_are_refused() {
        for text in ["/etc/passwd", "../x", "a/../../x"] {
            let reason = Pattern::parse(text).unwrap_err();
            assert!(reason.contains("outside of the project"), "{reason}");
        }
        assert!(Pattern::parse("a/[").is_err());
    }

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        let table = [
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "d/e/a.txt", true),
            ("d/**", "d/e/a.txt", true),
            ("d/**/a.txt", "d/a.txt", true),
            ("*", ".hidden", true),
            ("{a,b}.txt", "b.txt", true),
            ("[!a].txt", "b.txt", true),
            (r"\*.txt", "*.txt", true),
            (r"\*.txt", "a.txt", false),
        ];
        for (text, path, expected) in table {
            assert_eq!(
                matcher(text).unwrap().is_match(path),
                expected,
                "{text} on {path}"
            );
        }
    }
}
