//! Variable files: `KEY=value` lines, `#` comments, optional `export` and quotes.

use std::path::Path;

use crate::error::CliError;

/// Reads a file of variables; the first bad line is an error that names its place.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, CliError> {
    let bytes = std::fs::read(path).map_err(|error| CliError::io("read", path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = 1 + valid.matches('\n').count();
        CliError::invalid(format!("{}:{line}: not UTF-8", path.display()))
    })?;
    parse(&text).map_err(|(line, cause)| {
        CliError::invalid(format!("{}:{line}: {cause}", path.display()))
            .with_help("write KEY=value, one a line; lines that begin with # are comments")
    })
}

fn parse(text: &str) -> Result<Vec<(String, String)>, (usize, String)> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    lines
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| pair(line).map_err(|cause| (number, cause)))
        .collect()
}

fn pair(line: &str) -> Result<(String, String), String> {
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (key, value) = line.split_once('=').ok_or("no `=`")?;
    let key = key.trim_end();
    if !super::is_name(key) {
        return Err(format!("`{key}` is not a variable name"));
    }
    Ok((key.to_owned(), unquote(value.trim())))
}

/// `'…'` as it stands; `"…"` with `\n`, `\"` and `\\`; anything else as it stands.
fn unquote(value: &str) -> String {
    let inner = |quote: char| {
        value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    if let Some(text) = inner('\'') {
        return text.to_owned();
    }
    let Some(text) = inner('"') else {
        return value.to_owned();
    };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(next @ ('"' | '\\')) => out.push(next),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            (char, false) => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_kinds() {
        let text = "\u{feff}# note\nA=1\r\nexport B = x y \nC='a # b'\nD=\"a\\nb\\\"\"\nE=\n";
        let expected = [
            ("A", "1"),
            ("B", "x y"),
            ("C", "a # b"),
            ("D", "a\nb\""),
            ("E", ""),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(parse("A=1\nnonsense").unwrap_err().0, 2);
        assert!(parse("1A=x").unwrap_err().1.contains("1A"));
    }
}
