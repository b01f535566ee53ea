//! Simple index pages (PEP 503 HTML, PEP 691 JSON): read those of servers, write our own.

use std::fmt::Write as _;

use serde::Deserialize;

use super::html;

/// A file that an index page lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name.
    pub filename: String,
    /// Where it is, possibly relative to the page; without the hash.
    pub href: String,
    /// SHA-256 in lower-case hexadecimal, where the page says it.
    pub sha256: Option<String>,
    /// Whether it was withdrawn (PEP 592).
    pub yanked: bool,
    /// `Requires-Python` of its metadata.
    pub requires_python: Option<String>,
    /// SHA-256 of the metadata file beside it (PEP 658), where the page says it.
    pub metadata_sha256: Option<String>,
}

/// A file to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFile {
    /// Its name, also its address relative to the page.
    pub filename: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// `Requires-Python` of its metadata.
    pub requires_python: Option<String>,
    /// SHA-256 of the metadata file beside it (PEP 658), where there is one.
    pub metadata_sha256: Option<String>,
}

/// Why a page can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Not the JSON of PEP 691.
    #[error("not a simple index page: {0}")]
    Json(#[from] serde_json::Error),
    /// A media type that is neither.
    #[error("a page of type `{0}` is not a simple index page")]
    Type(String),
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    yanked: serde_json::Value,
    #[serde(default, rename = "requires-python")]
    requires_python: Option<String>,
    #[serde(default, rename = "core-metadata")]
    core_metadata: serde_json::Value,
}

/// Reads a project's page by the type it was served with, not by the one that was asked for.
pub fn parse_page(content_type: &str, text: &str) -> Result<Vec<ListedFile>, PageError> {
    let media = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match media.as_str() {
        "application/vnd.pypi.simple.v1+json" | "application/json" => json_page(text),
        "application/vnd.pypi.simple.v1+html" | "text/html" | "application/xhtml+xml" | "" => {
            Ok(html_page(text))
        }
        _ => Err(PageError::Type(media)),
    }
}

fn json_page(text: &str) -> Result<Vec<ListedFile>, PageError> {
    let page: JsonPage = serde_json::from_str(text)?;
    let files = page.files.into_iter().map(|file| ListedFile {
        yanked: !matches!(
            file.yanked,
            serde_json::Value::Null | serde_json::Value::Bool(false)
        ),
        sha256: file
            .hashes
            .get("sha256")
            .map(|hash| hash.to_ascii_lowercase()),
        filename: file.filename,
        href: file.url,
        requires_python: file.requires_python,
        metadata_sha256: file.core_metadata["sha256"].as_str().map(str::to_owned),
    });
    Ok(files.collect())
}

fn html_page(text: &str) -> Vec<ListedFile> {
    let files = html::anchors(text).into_iter().filter_map(|anchor| {
        let href = anchor.attribute("href")?;
        let (address, fragment) = href.split_once('#').unwrap_or((href, ""));
        let sha256 = fragment
            .split('&')
            .find_map(|part| part.strip_prefix("sha256="))
            .map(str::to_ascii_lowercase);
        Some(ListedFile {
            filename: anchor.text.trim().to_owned(),
            href: address.to_owned(),
            sha256,
            yanked: anchor.attribute("data-yanked").is_some(),
            requires_python: anchor.attribute("data-requires-python").map(str::to_owned),
            metadata_sha256: anchor
                .attribute("data-core-metadata")
                .and_then(|value| value.strip_prefix("sha256="))
                .map(str::to_owned),
        })
    });
    files.collect()
}

/// A project's page, files sorted by name.
pub fn project_page(project: &str, files: &[PageFile]) -> String {
    let mut sorted: Vec<&PageFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.filename.cmp(&b.filename));
    let mut body = String::new();
    for file in sorted {
        let mut attributes = String::new();
        if let Some(requires) = &file.requires_python {
            let _ = write!(
                attributes,
                " data-requires-python=\"{}\"",
                html::escape(requires)
            );
        }
        if let Some(hash) = &file.metadata_sha256 {
            // The second spelling is what older installers look for (PEP 714).
            let _ = write!(
                attributes,
                " data-core-metadata=\"sha256={hash}\" data-dist-info-metadata=\"sha256={hash}\""
            );
        }
        let name = html::escape(&file.filename);
        let _ = writeln!(
            body,
            "<a href=\"{name}#sha256={}\"{attributes}>{name}</a><br>",
            file.sha256
        );
    }
    document(&format!("Links for {}", html::escape(project)), &body)
}

/// The root page: all projects, by their normalised names.
pub fn root_page(projects: &[String]) -> String {
    let mut sorted: Vec<&String> = projects.iter().collect();
    sorted.sort();
    let mut body = String::new();
    for project in sorted {
        let name = html::escape(project);
        let _ = writeln!(body, "<a href=\"{name}/\">{name}</a><br>");
    }
    document("Simple index", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"pypi:repository-version\" content=\"1.0\">\n<title>{title}</title>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PageFile {
        PageFile {
            filename: name.into(),
            sha256: "ab".repeat(32),
            requires_python: Some(">=3.8,<4".into()),
            metadata_sha256: Some("cd".repeat(32)),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let files = [file("a-1-py3-none-any.whl"), file("a-1+l.tar.gz")];
        let page = project_page("a", &files);
        insta::assert_snapshot!(page);
        let read = parse_page("text/html; charset=utf-8", &page).unwrap();
        let names: Vec<&str> = read.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!(names, ["a-1+l.tar.gz", "a-1-py3-none-any.whl"]);
        assert!(read.iter().all(|file| file.sha256 == Some("ab".repeat(32))));
        assert!(
            read.iter()
                .all(|file| file.metadata_sha256 == Some("cd".repeat(32)))
        );
        assert_eq!(read[0].requires_python.as_deref(), Some(">=3.8,<4"));
    }

    #[test]
    fn pages_of_real_servers() {
        let html = r#"<html><body><H1>Links</H1>
            <a  href='/packages/a-1.tar.gz#md5=00'>a-1.tar.gz</a>
            <A HREF="../../x/a-2.tar.gz?q=1&amp;r=2#sha256=AB" data-yanked="">a-2.tar.gz
            </A></body>"#;
        let read = parse_page("text/html", html).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].sha256.as_deref(), read[0].yanked), (None, false));
        assert_eq!(read[1].href, "../../x/a-2.tar.gz?q=1&r=2");
        assert_eq!(
            (read[1].sha256.as_deref(), read[1].yanked),
            (Some("ab"), true)
        );
        let json = r#"{"meta":{"api-version":"1.1"},"name":"a","files":[
            {"filename":"a-1.tar.gz","url":"a-1.tar.gz","hashes":{"sha256":"ab"},"yanked":"broken"},
            {"filename":"a-2.tar.gz","url":"https://h/a-2.tar.gz","hashes":{}}]}"#;
        let read = parse_page("application/vnd.pypi.simple.v1+json", json).unwrap();
        assert_eq!((read[0].yanked, read[1].yanked), (true, false));
        assert_eq!(read[1].sha256, None);
        assert!(parse_page("application/vnd.pypi.simple.v1+json", "{}").is_err());
        assert!(parse_page("image/png", "").is_err());
    }
}
