//! `WHEEL` and `RECORD` of a wheel.

use super::{Metadata, WheelName};

/// One line of `RECORD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordEntry {
    /// Path in the archive.
    pub path: String,
    /// `sha256=…` in unpadded URL-safe base64; empty for `RECORD` itself.
    pub hash: String,
    /// Size in bytes; empty for `RECORD` itself.
    pub size: String,
}

/// Reads `RECORD`: comma-separated, a path with a comma or quote in it quoted.
pub fn parse_record(text: &str) -> Vec<RecordEntry> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let fields = csv_fields(line);
            let field = |index: usize| fields.get(index).cloned().unwrap_or_default();
            RecordEntry {
                path: field(0),
                hash: field(1),
                size: field(2),
            }
        })
        .collect()
}

fn csv_fields(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut out, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            other => push(&mut out, other),
        }
    }
    out
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

/// The `Tag` lines that a wheel of this name must have in `WHEEL`: the full product of its tags, sorted.
pub fn wheel_tags(name: &WheelName) -> Vec<String> {
    let mut out = Vec::new();
    for python in name.python.split('.') {
        for abi in name.abi.split('.') {
            let platforms = name.platform.split('.');
            out.extend(platforms.map(|platform| format!("{python}-{abi}-{platform}")));
        }
    }
    out.sort();
    out
}

/// The `Tag` lines of a `WHEEL` file, sorted. It has the same form as metadata.
pub(super) fn written_tags(wheel: &str) -> Vec<String> {
    let read = Metadata::parse(wheel);
    let mut tags: Vec<String> = read.all("Tag").map(str::to_owned).collect();
    tags.sort();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::DistributionName;

    #[test]
    fn records_with_awkward_paths() {
        let entries =
            parse_record("a.py,sha256=x,3\n\"b,\"\"c\"\".py\",sha256=y,4\r\n\nd/RECORD,,\n");
        let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(paths, ["a.py", "b,\"c\".py", "d/RECORD"]);
        assert_eq!(
            (entries[1].hash.as_str(), entries[1].size.as_str()),
            ("sha256=y", "4")
        );
    }

    #[test]
    fn tags_are_the_full_product() {
        let DistributionName::Wheel(name) = "a-1-py2.py3-none-any.whl".parse().unwrap() else {
            panic!("not a wheel");
        };
        assert_eq!(wheel_tags(&name), ["py2-none-any", "py3-none-any"]);
        assert_eq!(
            written_tags("Wheel-Version: 1.0\nTag: b\nTag: a\n"),
            ["a", "b"]
        );
    }
}
