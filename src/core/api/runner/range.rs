//! Byte ranges of a trace, in this protocol's own form (runner-protocol 4.2): no unit, no total.

/// `Content-Range` of a piece of `len` bytes that begins at `start`: both ends count. A piece has at least one byte.
pub fn content_range(start: u64, len: u64) -> String {
    format!("{start}-{}", start.saturating_add(len).saturating_sub(1))
}

/// Where a piece begins; `None` if the header isn't a range. Its end says nothing: old runners counted it in, new ones
/// don't, and the body's length is what it is.
pub fn content_start(header: &str) -> Option<u64> {
    let header = header.trim();
    let header = header.strip_prefix("bytes").map_or(header, str::trim_start);
    let (start, rest) = header.split_once('-')?;
    let end = rest.split_once('/').map_or(rest, |(end, _)| end);
    number(end)?;
    number(start)
}

/// `Range` of an answer that `stored` bytes are there: the number is the next offset, not the last byte's.
pub fn stored_range(stored: u64) -> String {
    format!("0-{stored}")
}

/// How many bytes are stored, as an answer's `Range` says.
pub fn stored(header: &str) -> Option<u64> {
    let header = header.trim();
    let header = header.strip_prefix("bytes=").unwrap_or(header);
    number(header.strip_prefix("0-")?)
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_names_its_first_and_last_byte() {
        assert_eq!(content_range(0, 1919), "0-1918");
        assert_eq!(content_range(1919, 1), "1919-1919");
        for (header, start) in [
            ("0-1918", Some(0)),
            (" 20-1 ", Some(20)),
            ("bytes 7-8/9", Some(7)),
            ("7", None),
            ("-7", None),
            ("7-", None),
            ("+1-2", None),
            ("a-b", None),
            ("", None),
            ("99999999999999999999-1", None),
        ] {
            assert_eq!(content_start(header), start, "{header:?}");
        }
    }

    #[test]
    fn an_answer_names_the_next_offset() {
        assert_eq!(stored_range(1919), "0-1919");
        assert_eq!(stored("0-1919"), Some(1919));
        assert_eq!(stored("0-0"), Some(0));
        for header in ["", "1-5", "0-", "0--1", "0-x"] {
            assert_eq!(stored(header), None, "{header:?}");
        }
    }
}
