//! Section markers (runner protocol, section 4.4): `section_start:SECONDS:NAME[OPTIONS]` and `section_end:SECONDS:NAME`, each
//! ended by a carriage return.

/// A marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// It opens a section; `false`: it closes one.
    pub(super) opens: bool,
    /// Seconds since the epoch.
    pub(super) at: i64,
    /// The section.
    pub(super) name: String,
    /// It is folded at first.
    pub(super) collapsed: bool,
}

/// What every marker begins with.
pub(super) const PREFIX: &[u8] = b"section_";
/// Longest name.
const NAME: usize = 256;

/// The marker that the bytes begin with, and its length with its carriage return.
pub(super) fn read(bytes: &[u8]) -> Option<(Marker, usize)> {
    let rest = bytes.strip_prefix(PREFIX)?;
    let (opens, rest) = match rest.strip_prefix(b"start:") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(b"end:")?),
    };
    let colon = rest.iter().take(20).position(|byte| *byte == b':')?;
    let at = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
    let rest = &rest[colon + 1..];
    let end = rest.iter().take(2 * NAME).position(|byte| *byte == b'\r')?;
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    let (name, options) = match text.split_once('[') {
        Some((name, options)) => (name, options.strip_suffix(']')?),
        None => (text, ""),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > NAME || !name.chars().all(legal) {
        return None;
    }
    let marker = Marker {
        opens,
        at,
        name: name.to_owned(),
        collapsed: options.split(',').any(|option| option == "collapsed=true"),
    };
    Some((marker, bytes.len() - rest.len() + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_and_nothing_else() {
        let (marker, length) =
            read(b"section_start:17:a-b_1.x[hide_duration=true,collapsed=true]\rHead").unwrap();
        assert!(marker.opens && marker.collapsed);
        assert_eq!(
            (marker.at, marker.name.as_str(), length),
            (17, "a-b_1.x", 60)
        );
        let (marker, length) = read(b"section_end:18:a\r").unwrap();
        assert!(!marker.opens && !marker.collapsed);
        assert_eq!((marker.at, length), (18, 17));
        for broken in [
            "section_start:17:a",
            "section_start::a\r",
            "section_start:17:\r",
            "section_start:x:a\r",
            "section_start:17:a b\r",
            "section_start:17:a[collapsed=true\r",
            "section_middle:17:a\r",
            "sect",
        ] {
            assert_eq!(read(broken.as_bytes()), None, "{broken}");
        }
    }
}
