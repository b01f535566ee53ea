//! Image references: `registry/repository:tag@digest`, and `oci:PATH:TAG` for a layout on the disk.

use std::{fmt, path::PathBuf, str::FromStr};

use super::Digest;

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// In a registry.
    Registry(RegistryReference),
    /// In an OCI image layout.
    Layout(LayoutReference),
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryReference {
    /// Host, with its port where one is given; `docker.io` where none is named.
    pub registry: String,
    /// Path within the registry.
    pub repository: String,
    /// The tag, where one is given.
    pub tag: Option<String>,
    /// The digest, where one is given; it wins over the tag.
    pub digest: Option<Digest>,
}

/// An image in an OCI image layout directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayoutReference {
    /// The directory that holds `oci-layout`.
    pub path: PathBuf,
    /// The entry's `org.opencontainers.image.ref.name`; without one, the only entry.
    pub tag: Option<String>,
    /// The digest, where one is given; it wins over the tag.
    pub digest: Option<Digest>,
}

/// What a manifest is asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A name that can be moved.
    Tag(String),
    /// The content itself.
    Digest(Digest),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ReferenceError {
    text: String,
    reason: &'static str,
}

/// The tag meant where none is given.
const DEFAULT_TAG: &str = "latest";
/// The registry meant where none is given.
const DEFAULT_REGISTRY: &str = "docker.io";

impl Reference {
    /// What to ask its registry or layout for.
    pub fn target(&self) -> Target {
        let (tag, digest) = match self {
            Self::Registry(r) => (&r.tag, &r.digest),
            Self::Layout(r) => (&r.tag, &r.digest),
        };
        digest.clone().map_or_else(
            || Target::Tag(tag.clone().unwrap_or_else(|| DEFAULT_TAG.into())),
            Target::Digest,
        )
    }

    /// The same place by another tag or digest.
    #[must_use]
    pub fn with_target(&self, target: &Target) -> Self {
        let (new_tag, new_digest) = match target {
            Target::Tag(tag) => (Some(tag.clone()), None),
            Target::Digest(digest) => (None, Some(digest.clone())),
        };
        let mut out = self.clone();
        match &mut out {
            Self::Registry(RegistryReference { tag, digest, .. })
            | Self::Layout(LayoutReference { tag, digest, .. }) => {
                *tag = new_tag;
                *digest = new_digest;
            }
        }
        out
    }

    /// Whether both lie in the same repository of the same registry, or in the same layout.
    pub fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Registry(a), Self::Registry(b)) => {
                a.registry == b.registry && a.repository == b.repository
            }
            (Self::Layout(a), Self::Layout(b)) => a.path == b.path,
            _ => false,
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fail = |reason| ReferenceError {
            text: without_login(text),
            reason,
        };
        match text.strip_prefix("oci:") {
            Some(rest) => parse_layout(rest).map(Self::Layout),
            None => parse_registry(text).map(Self::Registry),
        }
        .map_err(fail)
    }
}

/// The text as it may be printed: somebody may have put a password in front of the host, as in URLs.
fn without_login(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((login, rest)) if login.contains(':') && !rest.starts_with("sha") => {
            format!("…@{rest}")
        }
        _ => text.into(),
    }
}

fn split_digest(text: &str) -> Result<(&str, Option<Digest>), &'static str> {
    match text.rsplit_once('@') {
        None => Ok((text, None)),
        Some((rest, digest)) => digest
            .parse()
            .map(|digest| (rest, Some(digest)))
            .map_err(|_| "what follows `@` is not a digest (`sha256:` and 64 hexadecimal digits)"),
    }
}

fn parse_layout(text: &str) -> Result<LayoutReference, &'static str> {
    // A path may hold `@`; only one that is followed by an algorithm is a digest.
    let (text, digest) = match text.rsplit_once('@') {
        Some((_, tail)) if tail.starts_with("sha256:") || tail.starts_with("sha512:") => {
            split_digest(text)?
        }
        _ => (text, None),
    };
    let (path, tag) = match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (text, None),
    };
    if path.is_empty() {
        return Err("`oci:` wants a path, as in `oci:PATH:TAG`");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(BAD_TAG);
    }
    Ok(LayoutReference {
        path: PathBuf::from(path),
        tag: tag.map(str::to_owned),
        digest,
    })
}

fn parse_registry(text: &str) -> Result<RegistryReference, &'static str> {
    if text.contains("://") {
        return Err("it is a URL; write it without the scheme");
    }
    let (name, digest) = split_digest(text)?;
    let (name, tag) = match name.rsplit_once(':') {
        Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
        _ => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(BAD_TAG);
    }
    let (registry, repository) = match name.split_once('/') {
        Some((host, rest)) if is_host(host) => (host, rest.to_owned()),
        _ => (DEFAULT_REGISTRY, name.to_owned()),
    };
    let registry = match registry {
        "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        other => other,
    };
    let repository = if registry == DEFAULT_REGISTRY && !repository.contains('/') {
        format!("library/{repository}")
    } else {
        repository
    };
    check_repository(&repository)?;
    Ok(RegistryReference {
        registry: registry.to_owned(),
        repository,
        tag: tag.map(str::to_owned),
        digest,
    })
}

/// The first component names a host if it could not be a folder: it has a dot or a port, is `localhost`, or has capitals.
fn is_host(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    let telling = text.contains(['.', ':'])
        || text == "localhost"
        || text.bytes().any(|b| b.is_ascii_uppercase());
    telling && text.bytes().all(legal)
}

const BAD_TAG: &str =
    "a tag has at most 128 letters, digits, `_`, `.` and `-`, and begins with neither `.` nor `-`";

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

fn check_repository(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text == "library/" {
        return Err("the repository is missing");
    }
    if text.len() > 255 {
        return Err("the repository has more than 255 characters");
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository has no upper-case letters");
    }
    if text.split('/').all(is_component) {
        Ok(())
    } else {
        Err(
            "a repository is made of lower-case letters and digits, joined by `.`, `_`, `__`, `-` or `/`",
        )
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution-spec 1.1).
fn is_component(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let separators_fit = text
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'));
    word(*first) && word(*last) && separators_fit
}

impl RegistryReference {
    /// `registry/repository`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tag, digest) = match self {
            Self::Registry(r) => {
                f.write_str(&r.name())?;
                (&r.tag, &r.digest)
            }
            Self::Layout(r) => {
                write!(f, "oci:{}", r.path.display())?;
                (&r.tag, &r.digest)
            }
        };
        if let Some(tag) = tag {
            write!(f, ":{tag}")?;
        }
        digest
            .as_ref()
            .map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
