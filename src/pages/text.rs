//! Small texts: times, lengths of time, names of refs.

use aqueduct_core::time::{Millis, Timestamp};

/// Writes text so that it is text in HTML, between tags and in quoted attributes.
pub(crate) fn escape_into(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        html.push_str(&rest[..at]);
        html.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    html.push_str(rest);
}

/// A moment, for a `time` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As machines read it.
    pub machine: String,
    /// As people do: `5 min ago`.
    pub human: String,
}

impl Moment {
    /// How long ago, or in how much time.
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        let machine = at.rfc3339();
        let human = if at > now {
            format!("in {}", rough(at.since(now)))
        } else if now.since(at) < Millis::from_secs(10) {
            "just now".to_owned()
        } else if now.since(at) < Millis::from_secs(30 * 86_400) {
            format!("{} ago", rough(now.since(at)))
        } else {
            machine[..10].to_owned()
        };
        Self { machine, human }
    }
}

/// The greatest unit alone.
fn rough(length: Millis) -> String {
    match length.0 / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`.
pub fn duration(length: Millis) -> String {
    if length.0 < 10_000 {
        return format!("{}.{} s", length.0 / 1000, length.0 % 1000 / 100);
    }
    seconds(length.0 / 1000)
}

/// `12 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn seconds(length: u64) -> String {
    match length {
        0..60 => format!("{length} s"),
        60..3600 => format!("{} min {:02} s", length / 60, length % 60),
        _ => format!("{} h {:02} min", length / 3600, length / 60 % 60),
    }
}

/// `1.4 MB`, in powers of ten.
pub fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    for (unit, name) in units {
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10));
        }
    }
    format!("{bytes} B")
}

/// A ref as people say it, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefName {
    /// Without `refs/heads/` or `refs/tags/`.
    pub name: String,
    /// `branch`, `tag` or `ref`.
    pub kind: &'static str,
}

impl RefName {
    /// Of a full name.
    pub fn new(full: &str) -> Self {
        let known = [("refs/heads/", "branch"), ("refs/tags/", "tag")];
        let found = known
            .iter()
            .find_map(|(prefix, kind)| Some((full.strip_prefix(prefix)?, *kind)));
        let (name, kind) = found.unwrap_or((full, "ref"));
        Self {
            name: name.to_owned(),
            kind,
        }
    }
}

/// The first eight digits of a commit.
pub fn short_sha(sha: &str) -> String {
    sha.chars().take(8).collect()
}

/// Text in a query: everything but letters, digits and `-._~` as its bytes (RFC 3986).
pub fn query(text: &str) -> String {
    let mut written = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            written.push('%');
            written.push_str(&hex::encode_upper([byte]));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        let now = Timestamp(1_700_000_000_000);
        let table = [
            (-5, "just now"),
            (-59, "59 s ago"),
            (-61, "1 min ago"),
            (-7300, "2 h ago"),
            (-3 * 86_400, "3 d ago"),
            (-40 * 86_400, "2023-10-05"),
            (90, "in 1 min"),
        ];
        for (seconds, expected) in table {
            let at = Timestamp(now.0 + seconds * 1000);
            assert_eq!(Moment::new(at, now).human, expected);
        }
        assert_eq!(Moment::new(now, now).machine, "2023-11-14T22:13:20Z");
    }

    #[test]
    fn lengths_keep_what_matters() {
        let table = [
            (0, "0.0 s"),
            (1450, "1.4 s"),
            (12_900, "12 s"),
            (185_000, "3 min 05 s"),
            (7_620_000, "2 h 07 min"),
        ];
        for (millis, expected) in table {
            assert_eq!(duration(Millis(millis)), expected);
        }
        for (bytes, expected) in [(999, "999 B"), (1400, "1.4 kB"), (21_500_000, "21.5 MB")] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn names_are_cut_and_written_safely() {
        assert_eq!(RefName::new("refs/heads/a/b").name, "a/b");
        assert_eq!(RefName::new("refs/tags/v1").kind, "tag");
        assert_eq!(RefName::new("refs/merge-requests/1/head").kind, "ref");
        assert_eq!(query("a b&c=ü/"), "a%20b%26c%3D%C3%BC%2F");
        let mut html = String::new();
        escape_into(&mut html, "<a href='x\">&</a>ü");
        assert_eq!(html, "&lt;a href=&#39;x&quot;&gt;&amp;&lt;/a&gt;ü");
    }
}
