//! A trace in pieces becomes lines that a person or a program can read.

use std::borrow::Cow;

/// A line longer than this is shown in pieces: a job that prints no line end must not fill the memory.
const MAX_LINE: usize = 64 * 1024;

/// Splits a stream of bytes into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that `bytes` completes, without their ends, section markers removed.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if self.rest.ends_with(b"\n") || self.rest.len() >= MAX_LINE {
                out.extend(self.take());
            }
        }
        out
    }

    /// What stands after the last line end.
    pub(crate) fn finish(&mut self) -> Option<String> {
        if self.rest.is_empty() {
            None
        } else {
            self.take()
        }
    }

    fn take(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.rest);
        let text = String::from_utf8_lossy(&bytes);
        visible(text.trim_end_matches(['\n', '\r'])).map(Cow::into_owned)
    }
}

/// What a terminal would still show of a line: after a carriage return the line is written anew, and a line
/// that consists of section markers alone isn't one.
fn visible(line: &str) -> Option<Cow<'_, str>> {
    let mut marked = false;
    let mut shown = Cow::Borrowed("");
    for part in line.split('\r') {
        let part = part.strip_prefix("\u{1b}[0K").unwrap_or(part);
        if part.starts_with("section_start:") || part.starts_with("section_end:") {
            marked = true;
        } else if !part.is_empty() {
            shown = Cow::Borrowed(part);
        }
    }
    (!marked || !shown.is_empty()).then_some(shown)
}

/// `line` without escape sequences: colours and cursor movements are for terminals.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    if line.contains('\u{1b}') {
        Cow::Owned(anstream::adapter::strip_str(line).to_string())
    } else {
        Cow::Borrowed(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_whatever_the_pieces() {
        let text = "one\ntwo\r\n\nlast";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut out: Vec<String> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| lines.push(piece))
                .collect();
            out.extend(lines.finish());
            assert_eq!(out, ["one", "two", "", "last"], "pieces of {size}");
        }
    }

    #[test]
    fn section_markers_are_not_lines() {
        let mut lines = Lines::default();
        let start = b"section_start:1700000000:step_script\r\x1b[0K";
        assert!(
            lines
                .push(b"section_end:1700000000:prepare\r\x1b[0K\n")
                .is_empty()
        );
        assert_eq!(
            lines.push(&[start.as_slice(), b"running\n"].concat()),
            ["running"]
        );
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        assert_eq!(Lines::default().push(b"10 %\r50 %\r100 %\n"), ["100 %"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let shown = Lines::default().push(&vec![b'x'; MAX_LINE + 1]);
        assert_eq!(shown.len(), 1);
    }

    #[test]
    fn escape_sequences_go() {
        assert_eq!(plain("\u{1b}[32;1m$ make\u{1b}[0;m"), "$ make");
    }
}
