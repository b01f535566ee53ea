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
            for piece in piece.chunks(MAX_LINE) {
                self.rest.extend_from_slice(piece);
                if self.rest.ends_with(b"\n") {
                    out.extend(self.take());
                } else if self.rest.len() >= MAX_LINE {
                    let begun = begun_character(&self.rest);
                    let next = self.rest.split_off(self.rest.len() - begun);
                    out.extend(self.take());
                    self.rest = next;
                }
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

/// How many bytes at the end begin a character that is not complete.
fn begun_character(bytes: &[u8]) -> usize {
    let needed = |lead: u8| match lead {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => 0,
    };
    let mut last = bytes.iter().rev().zip(1..=3);
    let lead = last.find(|(byte, _)| **byte >= 0xc0);
    lead.filter(|(byte, there)| needed(**byte) > *there)
        .map_or(0, |(_, there)| there)
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

/// `line` without escape sequences and other control characters: colours and cursor movements are for terminals.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\t';
    if line.contains(steers) {
        let mut text = anstream::adapter::strip_str(line).to_string();
        text.retain(|c| !steers(c));
        Cow::Owned(text)
    } else {
        Cow::Borrowed(line)
    }
}

/// `line` with its colours alone: a job may paint its own lines, not steer a terminal that it shares with others.
pub(crate) fn colored(line: &str) -> Cow<'_, str> {
    if !line.contains(ESCAPE) {
        return plain(line);
    }
    let mut out = String::new();
    let (mut rest, mut from) = (line, 0);
    while let Some(at) = rest.get(from..).and_then(|text| text.find(ESCAPE)) {
        let at = from + at;
        match style_length(&rest[at..]) {
            Some(length) => {
                out.push_str(&plain(&rest[..at]));
                out.push_str(&rest[at..at + length]);
                (rest, from) = (&rest[at + length..], 0);
            }
            None => from = at + 1,
        }
    }
    out.push_str(&plain(rest));
    out.push_str("\u{1b}[0m");
    Cow::Owned(out)
}

const ESCAPE: char = '\u{1b}';

/// Bytes of the sequence "select graphic rendition" (ECMA-48, 8.3.117) that `text` begins with.
fn style_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || matches!(c, ';' | ':')))?;
    parameters[end..].starts_with('m').then_some(end + 3)
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
    fn a_line_without_end_is_cut_between_characters() {
        for text in ["x", "é", "日", "🦀", "\u{e9}日x"] {
            let text = text.repeat(MAX_LINE);
            let mut lines = Lines::default();
            let mut shown = lines.push(text.as_bytes());
            shown.extend(lines.finish());
            assert!(shown.iter().all(|piece| piece.len() < 2 * MAX_LINE));
            assert!(shown.concat() == text, "{}", &text[..text.len() / MAX_LINE]);
        }
    }

    #[test]
    fn escape_sequences_go() {
        assert_eq!(plain("\u{1b}[32;1m$ make\u{1b}[0;m"), "$ make");
        assert_eq!(plain("a\u{8}b\tc\u{7}"), "ab\tc");
    }

    #[test]
    fn colours_stay_and_nothing_else_that_steers_a_terminal() {
        let table = [
            ("no colour", "no colour"),
            ("\u{1b}[31mred\u{1b}[m", "\u{1b}[31mred\u{1b}[m\u{1b}[0m"),
            ("\u{1b}[38;5;1mé", "\u{1b}[38;5;1mé\u{1b}[0m"),
            ("\u{1b}[2Jgone \u{1b}[1mbold", "gone \u{1b}[1mbold\u{1b}[0m"),
            ("\u{1b}]0;title\u{7}text\u{7}", "text\u{1b}[0m"),
            ("cut \u{1b}[", "cut \u{1b}[0m"),
        ];
        for (line, shown) in table {
            assert_eq!(colored(line), shown, "{line:?}");
        }
    }
}
