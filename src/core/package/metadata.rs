//! Core metadata: `METADATA` of a wheel, `PKG-INFO` of an sdist.

/// Core metadata as header fields in file order, and the description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    fields: Vec<(String, String)>,
    /// The body, or the `Description` field of old files.
    pub description: Option<String>,
}

impl Metadata {
    /// Reads header lines up to the first empty one; the rest is the description. Never fails: what is missing shows
    /// when it is asked for.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut rest = text;
        while let Some((line, after)) = split_line(rest) {
            rest = after;
            if line.is_empty() {
                break;
            }
            let folded = line.starts_with([' ', '\t']);
            match (folded, fields.last_mut()) {
                (true, Some((_, value))) => {
                    value.push('\n');
                    value.push_str(unfold(line));
                }
                _ => {
                    if let Some((key, value)) = line.split_once(':') {
                        fields.push((key.trim().to_owned(), value.trim().to_owned()));
                    }
                }
            }
        }
        let body = (!rest.trim().is_empty()).then(|| rest.to_owned());
        let mut read = Self {
            fields,
            description: None,
        };
        read.description = body.or_else(|| read.get("Description").map(str::to_owned));
        read
    }

    /// The first value of a field; `UNKNOWN`, which old tools wrote for nothing, is nothing.
    pub fn get<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All values of a field.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(key, value)| key.eq_ignore_ascii_case(name) && value != "UNKNOWN")
            .map(|(_, value)| value.as_str())
    }

    /// `Metadata-Version` as numbers; (1, 0) where it isn't one.
    pub fn version(&self) -> (u32, u32) {
        let text = self.get("Metadata-Version").unwrap_or_default();
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        (major.parse().unwrap_or(1), minor.parse().unwrap_or(0))
    }
}

/// A folded line of an old description begins with eight spaces or a bar.
fn unfold(line: &str) -> &str {
    let trimmed = line
        .strip_prefix("        ")
        .unwrap_or_else(|| line.trim_start());
    trimmed.strip_prefix('|').unwrap_or(trimmed)
}

fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    Some((line.strip_suffix('\r').unwrap_or(line), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_body() {
        let text = "Metadata-Version: 2.1\r\nName: Demo\nClassifier: A\nclassifier: B\nLicense: UNKNOWN\nSummary: one\n  two\n\nBody: not a field\n";
        let read = Metadata::parse(text);
        assert_eq!(read.version(), (2, 1));
        assert_eq!(read.get("name"), Some("Demo"));
        assert_eq!(read.all("Classifier").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(read.get("License"), None);
        assert_eq!(read.get("Summary"), Some("one\ntwo"));
        assert_eq!(read.description.as_deref(), Some("Body: not a field\n"));
    }

    #[test]
    fn an_old_description_is_a_field() {
        let read = Metadata::parse("Name: x\nDescription: one\n        two\n");
        assert_eq!(read.description.as_deref(), Some("one\ntwo"));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,200}") {
            let _ = Metadata::parse(&text).version();
        }
    }
}
