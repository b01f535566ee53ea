//! One row: text in its styles, and the markers that stood in it.

use super::{
    escape::{self, Sequence},
    marker::{self, Marker},
    style::Style,
};

/// A row as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The runner's time stamp of the line, where it writes them.
    pub time: Option<String>,
    /// Its text.
    pub spans: Vec<Span>,
    pub(super) markers: Vec<Marker>,
}

/// Text of one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// How it looks.
    pub style: Style,
    /// What it says.
    pub text: String,
}

impl Row {
    /// Its text alone.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }

    /// Reads the bytes of a row, without its line feed, in the style that the row before left; leaves that of its own end.
    pub(super) fn read(bytes: &[u8], style: &mut Style) -> Self {
        let mut row = Self::default();
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut rest = match stamp(bytes) {
            Some((time, length)) => {
                row.time = Some(time);
                &bytes[length..]
            }
            None => bytes,
        };
        // A carriage return: what comes next takes the place of what is there.
        let mut returned = false;
        while let Some(first) = rest.first() {
            let length = match first {
                0x1b => {
                    let (sequence, length) = escape::read(rest);
                    match sequence {
                        Sequence::Style(parameters) => style.apply(parameters),
                        Sequence::Clear => row.spans.clear(),
                        Sequence::Other => {}
                    }
                    length
                }
                b'\r' => {
                    returned = true;
                    1
                }
                b's' if rest.starts_with(marker::PREFIX) => match marker::read(rest) {
                    Some((marker, length)) => {
                        row.markers.push(marker);
                        length
                    }
                    None => row.text_of(rest, *style, &mut returned),
                },
                _ => row.text_of(rest, *style, &mut returned),
            };
            rest = &rest[length..];
        }
        row
    }

    /// Takes what is text at the beginning of the bytes; its length.
    fn text_of(&mut self, bytes: &[u8], style: Style, returned: &mut bool) -> usize {
        let end = memchr::memchr2(0x1b, b'\r', bytes).unwrap_or(bytes.len());
        let next = memchr::memmem::find(&bytes[1..end], marker::PREFIX);
        let end = next.map_or(end, |at| at + 1);
        let text = String::from_utf8_lossy(&bytes[..end]);
        // What steers a terminal and is no sequence shows nowhere.
        let shown: String = text
            .chars()
            .filter(|c| *c == '\t' || !c.is_control())
            .collect();
        if std::mem::take(returned) {
            self.spans.clear();
        }
        if shown.is_empty() {
            return end;
        }
        match self.spans.last_mut() {
            Some(last) if last.style == style => last.text.push_str(&shown),
            _ => self.spans.push(Span { style, text: shown }),
        }
        end
    }
}

/// GitLab Runner's time stamp at the beginning of a line (`FF_TIMESTAMPS`): RFC 3339, the stream's number and letter, and whether the
/// line goes on. The stamp and the length of all that.
fn stamp(bytes: &[u8]) -> Option<(String, usize)> {
    let head = &bytes[..bytes.len().min(40)];
    let end = head.iter().position(|byte| *byte == b'Z')?;
    let time = std::str::from_utf8(&head[..=end]).ok()?;
    let digits = |range: std::ops::Range<usize>| {
        let part = time.as_bytes().get(range);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let shaped = marks
        .iter()
        .all(|(at, mark)| time.as_bytes().get(*at) == Some(mark));
    let fraction = time.get(19..end).unwrap_or_default();
    let fraction = fraction.is_empty()
        || fraction.starts_with('.') && fraction[1..].bytes().all(|byte| byte.is_ascii_digit());
    if !(shaped && digits(0..4) && digits(17..19) && fraction) {
        return None;
    }
    match head.get(end + 1..end + 6)? {
        [b' ', one, two, b'O' | b'E', b' ' | b'+']
            if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() =>
        {
            Some((time.to_owned(), end + 6))
        }
        _ => None,
    }
}
