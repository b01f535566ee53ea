//! Just enough HTML for index pages: anchors, their attributes, their text.

/// An `<a …>text</a>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchor {
    attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Anchor {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Every anchor of a page. Never fails: what is not one is passed over.
pub(super) fn anchors(page: &str) -> Vec<Anchor> {
    let mut out = Vec::new();
    let mut rest = page;
    while let Some(start) = find_tag(rest) {
        let tail = rest.get(start + 2..).unwrap_or_default();
        let (attributes, tail) = attributes(tail);
        let text = tail.split('<').next().unwrap_or_default();
        out.push(Anchor {
            attributes,
            text: unescape(text),
        });
        rest = tail;
    }
    out
}

/// Position of the next `<a` that is followed by white space.
fn find_tag(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.windows(3).position(|window| {
        window.first() == Some(&b'<')
            && window
                .get(1)
                .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'a'))
            && window.get(2).is_some_and(u8::is_ascii_whitespace)
    })
}

/// Attributes up to the closing `>`, and what follows it.
fn attributes(text: &str) -> (Vec<(String, String)>, &str) {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return (out, after);
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '=' || c == '>')
            .unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        if name.is_empty() && tail.is_empty() {
            return (out, "");
        }
        let tail = tail.trim_start();
        let (value, tail) = match tail.strip_prefix('=') {
            Some(tail) => attribute_value(tail.trim_start()),
            None => ("", tail),
        };
        if !name.is_empty() {
            out.push((name.to_ascii_lowercase(), unescape(value)));
        }
        rest = tail.trim_start();
    }
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text
        .find(|c: char| c.is_whitespace() || c == '>')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// For text and double-quoted attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#43;", "+"),
        ("&amp;", "&"),
    ];
    named
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_markup_is_read() {
        let page = "<abbr>no</abbr><a\nhref = x data-y>one</a><a href=\"&lt;&amp;\" ><b>two</b></a><a href='";
        let found = anchors(page);
        assert_eq!(found.len(), 3);
        assert_eq!(
            (found[0].attribute("href"), found[0].attribute("data-y")),
            (Some("x"), Some(""))
        );
        assert_eq!(found[0].text, "one");
        assert_eq!(found[1].attribute("href"), Some("<&"));
    }

    proptest! {
        #[test]
        fn garbage_ends(text in "(<a |<A\n|href=|'|\"|>|=|[a-z ]|é){0,60}") {
            let _ = anchors(&text);
        }

        #[test]
        fn escaped_text_comes_back(text in "[a-z<>&\"' ]{0,20}") {
            prop_assert_eq!(unescape(&escape(&text)), text);
        }
    }
}
