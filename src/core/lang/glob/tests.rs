use proptest::prelude::*;

use super::*;

fn is_match(pattern: &str, path: &str) -> bool {
    Glob::new(pattern).unwrap().is_match(path)
}

#[test]
fn fnmatch_with_path_names_dot_files_and_braces() {
    let table = [
        ("*.md", "README.md", true),
        ("*.md", "docs/README.md", false),
        ("*", ".gitlab-ci.yml", true),
        ("**/*.md", "README.md", true),
        ("**/*.md", "docs/a/b.md", true),
        ("**/*.md", ".github/b.md", true),
        ("docs/**/*", "docs/a", true),
        ("docs/**/*", "docs/a/b/.c", true),
        ("docs/**/*", "docs", false),
        ("docs/**", "docs/a", true),
        ("docs/**", "docs/a/b", false),
        ("docs/", "docs/a", false),
        ("docs", "docs/a", false),
        ("docs/*", "docs/a", true),
        ("docs/*", "docs/a/b", false),
        ("a**/b", "ax/b", true),
        ("a**/b", "ax/y/b", false),
        ("**/**/b", "b", true),
        ("**/a/**/b", "x/a/a/y/b", true),
        ("**/a/b", "a/x/a/b", true),
        ("src/{a,b}/*.rs", "src/b/x.rs", true),
        ("src/{a,b}/*.rs", "src/c/x.rs", false),
        ("{a,{b,c}}.rs", "c.rs", true),
        ("a{,b}.rs", "a.rs", true),
        ("{a.rs", "{a.rs", true),
        ("a}.rs", "a}.rs", true),
        ("?.rs", "é.rs", true),
        ("?.rs", "ab.rs", false),
        ("a?b", "a/b", false),
        ("[a-c].rs", "b.rs", true),
        ("[!a-c].rs", "b.rs", false),
        ("[^a-c].rs", "d.rs", true),
        ("[a-c.rs", "a.rs", false),
        ("[]].rs", "].rs", true),
        ("\\*.rs", "*.rs", true),
        ("\\*.rs", "a.rs", false),
        ("a*b*c", "aXbYbZc", true),
        ("Dockerfile*", "Dockerfile", true),
        ("", "", true),
        ("", "a", false),
    ];
    for (pattern, path, expected) in table {
        assert_eq!(is_match(pattern, path), expected, "{pattern} {path}");
    }
}

#[test]
fn lists_are_searched_also_for_directories() {
    let files = ["a/b.c", "ab", "docs/x/y.md", "z"];
    let table = [
        ("docs/", true),
        ("docs/x/", true),
        ("doc/", false),
        ("docs", false),
        ("ab", true),
        ("**/*.md", true),
        ("*.md", false),
        ("{q,z}", true),
    ];
    for (pattern, expected) in table {
        assert_eq!(
            Glob::new(pattern).unwrap().matches_any(&files),
            expected,
            "{pattern}"
        );
    }
}

#[test]
fn braces_that_explode_are_refused() {
    assert_eq!(Glob::new(&"{a,b}".repeat(40)).err(), Some(GlobError));
    assert!(Glob::new(&"{".repeat(10_000)).is_ok());
}

/// The definition without any care for time, on patterns without braces, brackets and escapes.
fn naive(pattern: &str, path: &str) -> bool {
    fn go(pattern: &[char], path: &[char], at_start: bool) -> bool {
        if at_start && pattern.starts_with(&['*', '*', '/']) {
            let skips = path.iter().enumerate().filter(|(_, c)| **c == '/');
            return go(&pattern[3..], path, true)
                || skips
                    .into_iter()
                    .any(|(at, _)| go(&pattern[3..], &path[at + 1..], true));
        }
        match (pattern.first(), path.first()) {
            (None, None) => true,
            (Some('*'), first) => {
                go(&pattern[1..], path, false)
                    || first.is_some_and(|c| *c != '/') && go(pattern, &path[1..], false)
            }
            (Some('?'), Some(c)) => *c != '/' && go(&pattern[1..], &path[1..], false),
            (Some(own), Some(c)) => own == c && go(&pattern[1..], &path[1..], *c == '/'),
            _ => false,
        }
    }
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    go(&chars(pattern), &chars(path), true)
}

proptest! {
    #[test]
    fn equals_the_naive_definition(pattern in "([ab*?/]|\\*\\*/){0,9}", path in "[ab/]{0,9}") {
        prop_assert_eq!(is_match(&pattern, &path), naive(&pattern, &path));
    }

    #[test]
    fn never_panics(pattern in "\\PC{0,40}", path in "\\PC{0,40}") {
        if let Ok(glob) = Glob::new(&pattern) {
            glob.is_match(&path);
            glob.matches_any(&[path]);
        }
    }
}
