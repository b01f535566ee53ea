//! Wildcards of `include:local`: `*` stays in its directory, `**` crosses directories.
//!
//! Not those of `changes`: `a/**.yml` takes all depths, `a/**/*.yml` only what lies in sub-directories.

/// The files that match, in their order. `files` is sorted.
pub(super) fn matching<'f>(pattern: &str, files: &'f [String]) -> Vec<&'f str> {
    let tokens = tokens(pattern);
    files
        .iter()
        .map(String::as_str)
        .filter(|file| is_match(&tokens, file))
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any bytes but `/`.
    Star,
    /// Any bytes.
    DoubleStar,
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.bytes().peekable();
    while let Some(byte) = bytes.next() {
        tokens.push(match byte {
            b'*' if bytes.next_if_eq(&b'*').is_some() => Token::DoubleStar,
            b'*' => Token::Star,
            byte => Token::Byte(byte),
        });
    }
    tokens
}

/// Runs over the path once, with the set of places in the pattern that are possible so far.
fn is_match(tokens: &[Token], path: &str) -> bool {
    let mut possible = vec![false; tokens.len() + 1];
    possible[0] = true;
    close(tokens, &mut possible);
    for byte in path.bytes() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| possible[*at]) {
            match token {
                Token::Byte(expected) if *expected == byte => next[at + 1] = true,
                Token::Star if byte != b'/' => next[at] = true,
                Token::DoubleStar => next[at] = true,
                _ => {}
            }
        }
        close(tokens, &mut next);
        if !next.contains(&true) {
            return false;
        }
        possible = next;
    }
    possible[tokens.len()]
}

/// A star may match nothing.
fn close(tokens: &[Token], possible: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if possible[at] && !matches!(token, Token::Byte(_)) {
            possible[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths() {
        let files = ["a/1.yml", "a/b/2.yml", "a/b/c/3.yml", "a/n.txt", "b.yml"];
        let files = files.map(str::to_owned);
        let table: [(&str, &[&str]); 6] = [
            ("a/*.yml", &["a/1.yml"]),
            ("a/**.yml", &["a/1.yml", "a/b/2.yml", "a/b/c/3.yml"]),
            ("a/**/*.yml", &["a/b/2.yml", "a/b/c/3.yml"]),
            ("*.yml", &["b.yml"]),
            ("a/*/2.yml", &["a/b/2.yml"]),
            ("c/*.yml", &[]),
        ];
        for (pattern, expected) in table {
            assert_eq!(matching(pattern, &files), expected, "{pattern}");
        }
    }

    #[test]
    fn many_stars_stay_linear() {
        let pattern = "*a".repeat(200);
        assert_eq!(matching(&pattern, &["a".repeat(5_000)]).len(), 1);
    }
}
