//! Names of distribution files (binary and source distribution formats of the packaging user guide, PEP 625).

use std::str::FromStr;

use super::Version;

/// A distribution file's name, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributionName {
    /// A wheel.
    Wheel(WheelName),
    /// A source distribution.
    Sdist(SdistName),
}

/// `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelName {
    /// Project as spelt in the name.
    pub name: String,
    /// Version as spelt in the name.
    pub raw_version: String,
    /// Version, normalised.
    pub version: Version,
    /// Build tag.
    pub build: Option<String>,
    /// Python tags, joined by dots.
    pub python: String,
    /// ABI tags, joined by dots.
    pub abi: String,
    /// Platform tags, joined by dots.
    pub platform: String,
}

/// `{name}-{version}.tar.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdistName {
    /// Project as spelt in the name.
    pub name: String,
    /// Version as spelt in the name.
    pub raw_version: String,
    /// Version, normalised.
    pub version: Version,
}

/// Why a name is not that of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{filename}: {reason}")]
pub struct FilenameError {
    filename: String,
    reason: String,
}

/// The name that index pages and comparisons use (PEP 503).
pub fn normalize_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

impl DistributionName {
    /// Project as spelt in the name.
    pub fn name(&self) -> &str {
        match self {
            Self::Wheel(wheel) => &wheel.name,
            Self::Sdist(sdist) => &sdist.name,
        }
    }

    /// Version, normalised.
    pub fn version(&self) -> &Version {
        match self {
            Self::Wheel(wheel) => &wheel.version,
            Self::Sdist(sdist) => &sdist.version,
        }
    }

    /// `filetype` of the upload form.
    pub const fn filetype(&self) -> &'static str {
        match self {
            Self::Wheel(_) => "bdist_wheel",
            Self::Sdist(_) => "sdist",
        }
    }

    /// `pyversion` of the upload form.
    pub fn pyversion(&self) -> &str {
        match self {
            Self::Wheel(wheel) => &wheel.python,
            Self::Sdist(_) => "source",
        }
    }
}

impl FromStr for DistributionName {
    type Err = FilenameError;

    fn from_str(filename: &str) -> Result<Self, FilenameError> {
        let read = if let Some(stem) = filename.strip_suffix(".whl") {
            wheel(stem).map(Self::Wheel)
        } else if let Some(stem) = filename.strip_suffix(".tar.gz") {
            sdist(stem).map(Self::Sdist)
        } else {
            Err("neither a wheel (.whl) nor a source distribution (.tar.gz)".into())
        };
        read.map_err(|reason| FilenameError {
            filename: filename.to_owned(),
            reason,
        })
    }
}

fn wheel(stem: &str) -> Result<WheelName, String> {
    let parts: Vec<&str> = stem.split('-').collect();
    let (name, version, build, python, abi, platform) = match parts.as_slice() {
        [name, version, python, abi, platform] => (name, version, None, python, abi, platform),
        [name, version, build, python, abi, platform] => {
            (name, version, Some(*build), python, abi, platform)
        }
        _ => return Err("a wheel's name has 5 or 6 fields joined by `-`".into()),
    };
    project(name)?;
    if build.is_some_and(|build| !build.starts_with(|c: char| c.is_ascii_digit())) {
        return Err("a build tag begins with a digit".into());
    }
    for tag in [python, abi, platform] {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if tag
            .split('.')
            .any(|part| part.is_empty() || !part.chars().all(legal))
        {
            return Err(format!("`{tag}` is not a compatibility tag"));
        }
    }
    Ok(WheelName {
        name: (*name).to_owned(),
        raw_version: (*version).to_owned(),
        version: parse_version(version)?,
        build: build.map(str::to_owned),
        python: (*python).to_owned(),
        abi: (*abi).to_owned(),
        platform: (*platform).to_owned(),
    })
}

fn sdist(stem: &str) -> Result<SdistName, String> {
    // Old tools left dashes in the project's name; the version never holds one.
    let (name, version) = stem
        .rsplit_once('-')
        .ok_or_else(|| "a source distribution is named `name-version.tar.gz`".to_owned())?;
    project(&name.replace('-', "_"))?;
    Ok(SdistName {
        name: name.to_owned(),
        raw_version: version.to_owned(),
        version: parse_version(version)?,
    })
}

/// In a wheel's name, `-` of a local version is written `_`; PEP 440 takes both.
fn parse_version(text: &str) -> Result<Version, String> {
    text.parse()
        .map_err(|error: super::VersionError| error.to_string())
}

fn project(name: &str) -> Result<(), String> {
    let word = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| word(c) || matches!(c, '_' | '.');
    if name.starts_with(word) && name.ends_with(word) && name.chars().all(inner) {
        Ok(())
    } else {
        Err(format!("`{name}` is not a project name"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wheels_and_sdists_are_read() {
        let name: DistributionName =
            "my_pkg-1.0rc01-2b-py2.py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
                .parse()
                .unwrap();
        let DistributionName::Wheel(wheel) = &name else {
            panic!("not a wheel")
        };
        assert_eq!(wheel.version.as_str(), "1.0rc1");
        assert_eq!(wheel.build.as_deref(), Some("2b"));
        assert_eq!(
            (name.filetype(), name.pyversion()),
            ("bdist_wheel", "py2.py3")
        );
        let name: DistributionName = "my-old-pkg-1.0.tar.gz".parse().unwrap();
        assert_eq!(
            (name.name(), name.version().as_str()),
            ("my-old-pkg", "1.0")
        );
        assert_eq!((name.filetype(), name.pyversion()), ("sdist", "source"));
    }

    #[test]
    fn other_names_say_why() {
        let table = [
            ("a.txt", "neither a wheel"),
            ("a-1.zip", "neither a wheel"),
            ("a-1.whl", "5 or 6 fields"),
            ("a-1-x1-py3-none-any.whl", "build tag"),
            ("a-1-py3-none-any/x.whl", "not a compatibility tag"),
            ("a-1-py3..py2-none-any.whl", "not a compatibility tag"),
            ("a-one-py3-none-any.whl", "not a version"),
            ("../a-1.tar.gz", "not a project name"),
            ("-1.tar.gz", "not a project name"),
            ("a.tar.gz", "name-version"),
        ];
        for (filename, reason) in table {
            let error = filename
                .parse::<DistributionName>()
                .unwrap_err()
                .to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn names_are_normalised_as_pep_503_says() {
        for text in ["Friendly-Bard", "friendly.bard", "FRIENDLY_-.bard"] {
            assert_eq!(normalize_name(text), "friendly-bard");
        }
    }

    proptest! {
        #[test]
        fn a_name_that_is_read_is_a_plain_file_name(text in "[a-zA-Z0-9._/\\\\-]{0,30}(\\.whl|\\.tar\\.gz)") {
            if text.parse::<DistributionName>().is_ok() {
                prop_assert!(!text.contains(['/', '\\']));
            }
        }
    }
}
