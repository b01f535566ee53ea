//! Places of a log to begin at.

use super::scan::{Cursor, Limits};

/// Lines from one place to the next.
const LINES: u64 = 1000;
/// Bytes from one place to the next, where lines are long.
const BYTES: u64 = 128 << 10;

/// Places of a log to begin at, as far as it was read. A log of 100 MB has about a thousand.
#[derive(Clone, Debug, Default)]
pub struct Index {
    places: Vec<Cursor>,
    end: Cursor,
}

impl Index {
    /// How far the log was read: behind its last whole row.
    pub const fn end(&self) -> &Cursor {
        &self.end
    }

    /// Reads on. The bytes begin at [`Self::end`]; what is no whole row of them has to come again.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        loop {
            let last = self.places.last();
            let (offset, lines) = last.map_or((0, 0), |place| (place.offset, place.lines));
            // A row at a time only where a place is near.
            let limits = Limits {
                rows: if self.end.offset.saturating_sub(offset) + BYTES / 8 >= BYTES {
                    1
                } else {
                    64
                },
                until: lines + LINES,
                last: false,
            };
            let taken = self.end.skip(rest, limits);
            if taken == 0 {
                return;
            }
            rest = &rest[taken..];
            if self.end.offset - offset >= BYTES || self.end.lines - lines >= LINES {
                self.places.push(self.end.clone());
            }
        }
    }

    /// The last place that is known at or before the beginning of a line, which is counted from 1.
    pub fn before_line(&self, line: u64) -> Cursor {
        let lines = line.saturating_sub(1);
        // A place in the middle of a line lies behind its beginning.
        self.place(|place| place.lines < lines || place.lines == lines && !place.continued)
    }

    /// The last place that is known at or before an offset.
    pub fn before_offset(&self, offset: u64) -> Cursor {
        self.place(|place| place.offset <= offset)
    }

    fn place(&self, before: impl Fn(&Cursor) -> bool) -> Cursor {
        if before(&self.end) {
            return self.end.clone();
        }
        let at = self.places.partition_point(before);
        let place = at.checked_sub(1).map(|at| self.places[at].clone());
        place.unwrap_or_default()
    }
}
