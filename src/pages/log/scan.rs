//! Going through a log row by row.

use super::{
    marker::{self, Marker},
    row::Row,
    style::Style,
};

/// Longest row, in bytes of the log. A longer line goes on in rows without a number.
pub const ROW_LIMIT: usize = 16 << 10;
/// Sections within sections; deeper ones are rows like others.
const DEPTH: usize = 16;
/// An escape sequence is rarely longer: a row is not cut within one.
const SEQUENCE: usize = 64;

/// A place between two rows of a log, with what the rows before it left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Bytes before it.
    pub offset: u64,
    /// Line feeds before it.
    pub lines: u64,
    /// The next row goes on with the line of the one before.
    pub continued: bool,
    /// How text looks.
    pub style: Style,
    /// The sections that are open, the outermost first.
    pub sections: Vec<OpenSection>,
}

/// A section that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSection {
    /// Its name.
    pub name: String,
    /// What its first row says.
    pub title: String,
    /// When it began, in seconds since the epoch.
    pub began: i64,
    /// It is folded at first.
    pub collapsed: bool,
}

/// How much to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows at most.
    pub rows: usize,
    /// Not beyond this line (the number of line feeds before it).
    pub until: u64,
    /// The bytes are the log's last: what is left of them is a row too.
    pub last: bool,
}

impl Limits {
    /// Everything that is a whole row.
    pub const ALL: Self = Self {
        rows: usize::MAX,
        until: u64::MAX,
        last: false,
    };
}

/// What a row does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A section ends, that many seconds after it began.
    Close(u64),
    /// A section begins; the next row is its first.
    Open(OpenSection),
    /// A row of a line (counted from 1), or one that goes on with it.
    Row {
        line: u64,
        continued: bool,
        row: Row,
    },
}

impl Cursor {
    /// Takes the next row of the bytes, which begin here; `None` if they hold no whole one.
    fn next<'b>(&mut self, bytes: &'b [u8], last: bool) -> Option<&'b [u8]> {
        let window = &bytes[..bytes.len().min(ROW_LIMIT)];
        let (row, taken, ends) = match memchr::memchr(b'\n', window) {
            Some(end) => (&bytes[..end], end + 1, true),
            None if bytes.len() >= ROW_LIMIT => {
                let end = cut(window);
                (&bytes[..end], end, false)
            }
            None if last && !bytes.is_empty() => (bytes, bytes.len(), false),
            None => return None,
        };
        self.offset += taken as u64;
        if ends {
            self.lines += 1;
        }
        self.continued = !ends;
        Some(row)
    }

    /// Goes over whole rows of the bytes, which begin here, without showing them; how many bytes that were.
    pub fn skip(&mut self, bytes: &[u8], limits: Limits) -> usize {
        let begun = self.offset;
        let mut rows = 0;
        while rows < limits.rows && self.lines < limits.until {
            let rest = &bytes[(self.offset - begun) as usize..];
            let Some(row) = self.next(rest, limits.last) else {
                break;
            };
            rows += 1;
            let plain = memchr::memchr(0x1b, row).is_none()
                && memchr::memmem::find(row, marker::PREFIX).is_none();
            if !plain {
                let row = Row::read(row, &mut self.style);
                self.mark(&row, |_| {});
            }
        }
        (self.offset - begun) as usize
    }

    /// Goes over whole rows and tells what they do; how many bytes that were.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        limits: Limits,
        mut tell: impl FnMut(Step),
    ) -> usize {
        let begun = self.offset;
        let mut rows = 0;
        while rows < limits.rows && self.lines < limits.until {
            let rest = &bytes[(self.offset - begun) as usize..];
            let (line, continued) = (self.lines + 1, self.continued);
            let Some(raw) = self.next(rest, limits.last) else {
                break;
            };
            rows += 1;
            let row = Row::read(raw, &mut self.style);
            let opened = self.mark(&row, &mut tell);
            // What only steers the viewer is no row; an empty line is one, and so is the head of a section.
            let only_markers = !row.markers.is_empty() && row.spans.is_empty() && !opened;
            if !only_markers {
                tell(Step::Row {
                    line,
                    continued,
                    row,
                });
            }
        }
        (self.offset - begun) as usize
    }

    /// Opens and closes what a row's markers say; whether the last of them opens one.
    fn mark(&mut self, row: &Row, mut tell: impl FnMut(Step)) -> bool {
        let mut opened = false;
        for marker in &row.markers {
            opened = marker.opens && self.sections.len() < DEPTH;
            if opened {
                let section = section(marker, row);
                self.sections.push(section.clone());
                tell(Step::Open(section));
            } else if !marker.opens {
                self.close(marker, &mut tell);
            }
        }
        opened
    }

    /// Closes a section and what is open within it. One that isn't open is passed over.
    fn close(&mut self, marker: &Marker, tell: &mut impl FnMut(Step)) {
        let open = |section: &OpenSection| section.name == marker.name;
        let Some(at) = self.sections.iter().rposition(open) else {
            return;
        };
        while self.sections.len() > at {
            if let Some(section) = self.sections.pop() {
                let took = marker.at.saturating_sub(section.began);
                tell(Step::Close(u64::try_from(took).unwrap_or(0)));
            }
        }
    }
}

fn section(marker: &Marker, row: &Row) -> OpenSection {
    let text = row.text();
    let title = if text.trim().is_empty() {
        marker.name.replace('_', " ")
    } else {
        text.trim().chars().take(200).collect()
    };
    OpenSection {
        name: marker.name.clone(),
        title,
        began: marker.at,
        collapsed: marker.collapsed,
    }
}

/// Where to cut a row that is too long: not within a character, nor within an escape sequence.
fn cut(window: &[u8]) -> usize {
    let tail = window.len() - SEQUENCE;
    if let Some(at) = memchr::memrchr(0x1b, &window[tail..]) {
        return tail + at;
    }
    let boundary = |at: &usize| !matches!(window[*at], 0x80..=0xbf);
    (window.len() - 3..window.len())
        .rev()
        .find(boundary)
        .unwrap_or(window.len())
}
