//! Escape sequences (ECMA-48) that a row may hold, and how long they are.

/// What stands at an escape character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequence<'a> {
    /// `ESC [ … m`: its parameters.
    Style(&'a str),
    /// `ESC [ 2 K`: the row is cleared.
    Clear,
    /// Something that doesn't show.
    Other,
}

const ESC: u8 = 0x1b;

/// The sequence that the bytes, which begin with an escape character, begin with, and its length. One that isn't ended is as long as the
/// bytes.
pub(super) fn read(bytes: &[u8]) -> (Sequence<'_>, usize) {
    match bytes.get(1) {
        Some(b'[') => control(bytes),
        // Operating system commands and their like are ended by BEL or ESC \.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => (Sequence::Other, text_end(bytes)),
        // One of a character set names it in the byte after.
        Some(b'(' | b')' | b'*' | b'+' | b'#' | b'%') => (Sequence::Other, bytes.len().min(3)),
        Some(0x20..=0x7e) => (Sequence::Other, 2),
        _ => (Sequence::Other, 1),
    }
}

/// `ESC [`, parameters (0x30 to 0x3f), intermediates (0x20 to 0x2f), and a final byte (0x40 to 0x7e).
fn control(bytes: &[u8]) -> (Sequence<'_>, usize) {
    let body = &bytes[2..];
    let parameters = body.iter().take_while(|byte| matches!(byte, 0x30..=0x3f));
    let parameters = &body[..parameters.count()];
    let rest = &body[parameters.len()..];
    let intermediates = rest.iter().take_while(|byte| matches!(byte, 0x20..=0x2f));
    let length = 2 + parameters.len() + intermediates.count();
    match bytes.get(length) {
        Some(last @ 0x40..=0x7e) => {
            let text = std::str::from_utf8(parameters).unwrap_or_default();
            let sequence = match (last, text) {
                (b'm', text) => Sequence::Style(text),
                (b'K', "2") => Sequence::Clear,
                _ => Sequence::Other,
            };
            (sequence, length + 1)
        }
        // Broken: what breaks it is text again.
        _ => (Sequence::Other, length),
    }
}

fn text_end(bytes: &[u8]) -> usize {
    for (at, byte) in bytes.iter().enumerate().skip(2) {
        match byte {
            0x07 => return at + 1,
            b'\\' if bytes[at - 1] == ESC => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_end_where_they_should() {
        let table: [(&str, Sequence<'_>, usize); 12] = [
            ("\x1b[31;1mred", Sequence::Style("31;1"), 7),
            ("\x1b[m", Sequence::Style(""), 3),
            ("\x1b[0K", Sequence::Other, 4),
            ("\x1b[2K", Sequence::Clear, 4),
            ("\x1b[?25l.", Sequence::Other, 6),
            ("\x1b[1\u{e9}", Sequence::Other, 3),
            ("\x1b]8;;http://x\x07text", Sequence::Other, 14),
            ("\x1b]0;title\x1b\\text", Sequence::Other, 11),
            ("\x1b]0;never", Sequence::Other, 9),
            ("\x1b(Bx", Sequence::Other, 3),
            ("\x1bcx", Sequence::Other, 2),
            ("\x1b", Sequence::Other, 1),
        ];
        for (text, sequence, length) in table {
            assert_eq!(read(text.as_bytes()), (sequence, length), "{text:?}");
        }
    }
}
