//! Finds a job's coverage in its trace, line by line as it passes.

use regex::Regex;

/// A longer line is looked at in pieces of this many bytes, so that output without newlines needs no memory.
const MAX_LINE: usize = 64 * 1024;

/// Looks for the last line that the regular expression matches.
#[derive(Debug)]
pub(crate) struct CoverageScanner {
    regex: Regex,
    number: Regex,
    line: Vec<u8>,
    found: Option<String>,
}

impl CoverageScanner {
    /// The expression of `coverage`, without its slashes; `None` if it isn't one (the plan has checked it).
    pub(crate) fn new(pattern: &str) -> Option<Self> {
        Some(Self {
            regex: Regex::new(pattern).ok()?,
            number: Regex::new(r"[0-9]+(\.[0-9]+)?").ok()?,
            line: Vec::new(),
            found: None,
        })
    }

    /// Takes the next bytes of the trace.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            self.end_line();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > MAX_LINE {
            self.end_line();
        }
    }

    /// What was found, as text: the first number of the last match in the last line with one.
    pub(crate) fn finish(mut self) -> Option<String> {
        self.end_line();
        self.found
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        let last = self.regex.captures_iter(&line).last();
        // With groups, what the last of them holds counts.
        let fragment = last.and_then(|captures| captures.iter().flatten().last());
        let number = fragment.and_then(|fragment| self.number.find(fragment.as_str()));
        if let Some(number) = number {
            self.found = Some(plain(number.as_str()));
        }
        self.line.clear();
    }
}

/// Without leading zeros.
fn plain(number: &str) -> String {
    let trimmed = number.trim_start_matches('0');
    if trimmed.is_empty() || trimmed.starts_with('.') {
        format!("0{trimmed}")
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_counts() {
        let table = [
            (
                r"Coverage: \d+\.\d+%",
                "Coverage: 12.5%\nCoverage: 80.25%\n",
                Some("80.25"),
            ),
            (r"TOTAL.*? (\d+%)", "TOTAL 100 20 080%", Some("80")),
            (r"\d+%", "10% 20% 30%", Some("30")),
            (r"\d+ of \d+", "12 of 85", Some("12")),
            (r"Coverage: \d+", "nothing", None),
            (r"cov \d+", "cov 0", Some("0")),
        ];
        for (pattern, text, expected) in table {
            for chunk in [1, 7, 1000] {
                let mut scanner = CoverageScanner::new(pattern).unwrap();
                text.as_bytes()
                    .chunks(chunk)
                    .for_each(|part| scanner.push(part));
                assert_eq!(
                    scanner.finish().as_deref(),
                    expected,
                    "{pattern} in chunks of {chunk}"
                );
            }
        }
    }

    #[test]
    fn a_pattern_that_is_none_finds_nothing() {
        assert!(CoverageScanner::new("(").is_none());
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut scanner = CoverageScanner::new("x").unwrap();
        for _ in 0..100 {
            scanner.push(&[b'a'; 10_000]);
        }
        assert!(scanner.line.len() <= MAX_LINE + 10_000);
    }
}
