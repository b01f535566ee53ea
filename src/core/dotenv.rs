//! dotenv reports: `KEY=value` lines that become variables of later jobs.

/// Bytes of all dotenv reports of a job (GitLab's default).
pub const MAX_BYTES: u64 = 5 * 1024;
/// Variables of a job's dotenv reports (GitLab's default).
pub const MAX_VARIABLES: usize = 20;

/// Reads one file; `name` is for messages. A later line wins over an earlier one of the same key.
///
/// # Errors
/// What is wrong, with the line.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| format!("dotenv report {name} is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // Comments aren't part of GitLab's format, but it skips blank lines.
        if line.trim().is_empty() {
            continue;
        }
        let at = || format!("dotenv report {name}, line {}", index + 1);
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("{}: expected KEY=value", at()))?;
        let key = key.trim();
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!(
                "{}: '{key}' is not a variable name (letters, digits and _)",
                at()
            ));
        }
        let value = unquote(value.trim());
        pairs.retain(|(known, _)| known != key);
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// Takes a pair of quotes around the whole value away.
fn unquote(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn lines_become_variables() {
        let table: [(&str, &[(&str, &str)]); 6] = [
            ("A=1\nB=two words\n", &[("A", "1"), ("B", "two words")]),
            ("A=1\r\n\r\nA=2", &[("A", "2")]),
            ("URL=https://x/?a=b", &[("URL", "https://x/?a=b")]),
            ("Q=\"x y\"\nS='z'\n", &[("Q", "x y"), ("S", "z")]),
            ("E=", &[("E", "")]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(
                parse("f", text.as_bytes()).unwrap(),
                pairs(expected),
                "{text:?}"
            );
        }
    }

    #[test]
    fn errors_name_file_and_line() {
        let table: [(&[u8], &str); 3] = [
            (
                b"A=1\nnonsense\n",
                "dotenv report f, line 2: expected KEY=value",
            ),
            (
                b"A-B=1",
                "dotenv report f, line 1: 'A-B' is not a variable name (letters, digits and _)",
            ),
            (b"A=\xff", "dotenv report f is not UTF-8"),
        ];
        for (bytes, expected) in table {
            assert_eq!(parse("f", bytes).unwrap_err(), expected);
        }
    }
}
