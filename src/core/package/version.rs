//! PEP 440 versions: recognised in every spelling, written in one.

use std::{fmt, str::FromStr, sync::LazyLock};

use regex::{Captures, Regex};

/// The grammar of PEP 440, appendix B, without its verbose layout.
#[expect(
    clippy::expect_used,
    reason = "the pattern is a constant; a test compiles it"
)]
static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)",
        r"(?:[-_.]?(?P<pre_l>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?",
        r"(?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?",
        r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]+)?)?",
        r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
    ))
    .expect("the grammar compiles")
});

/// A version in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(String);

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version (PEP 440)")]
pub struct VersionError(String);

impl Version {
    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has a local part (`+cpu`), which public repositories refuse.
    pub fn is_local(&self) -> bool {
        self.0.contains('+')
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let fail = || VersionError(text.chars().take(80).collect());
        let parts = GRAMMAR.captures(text.trim()).ok_or_else(fail)?;
        Ok(Self(normal_form(&parts)))
    }
}

fn normal_form(parts: &Captures<'_>) -> String {
    let get = |name| parts.name(name).map(|part| part.as_str());
    let mut out = String::new();
    if let Some(epoch) = get("epoch").map(number).filter(|epoch| *epoch != "0") {
        out.push_str(epoch);
        out.push('!');
    }
    let release: Vec<&str> = get("release")
        .unwrap_or_default()
        .split('.')
        .map(number)
        .collect();
    out.push_str(&release.join("."));
    if let Some(letter) = get("pre_l") {
        out.push_str(match letter.to_ascii_lowercase().as_str() {
            "a" | "alpha" => "a",
            "b" | "beta" => "b",
            _ => "rc",
        });
        out.push_str(number(get("pre_n").unwrap_or_default()));
    }
    if get("post").is_some() {
        out.push_str(".post");
        out.push_str(number(
            get("post_n1").or(get("post_n2")).unwrap_or_default(),
        ));
    }
    if get("dev").is_some() {
        out.push_str(".dev");
        out.push_str(number(get("dev_n").unwrap_or_default()));
    }
    if let Some(local) = get("local") {
        let parts: Vec<String> = local.split(['-', '_', '.']).map(local_part).collect();
        out.push('+');
        out.push_str(&parts.join("."));
    }
    out
}

/// Without leading zeros; nothing is zero.
fn number(text: &str) -> &str {
    match text.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

fn local_part(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        number(text).to_owned()
    } else {
        text.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_pep_440() {
        let table = [
            ("1.0", "1.0"),
            (" v1.0\n", "1.0"),
            ("01.002.0", "1.2.0"),
            ("0!1", "1"),
            ("2!1.0", "2!1.0"),
            ("1.1alpha1", "1.1a1"),
            ("1.1-ALPHA.1", "1.1a1"),
            ("1.1_beta_2", "1.1b2"),
            ("1.1c", "1.1rc0"),
            ("1.1preview3", "1.1rc3"),
            ("1.0-1", "1.0.post1"),
            ("1.0r4", "1.0.post4"),
            ("1.0post", "1.0.post0"),
            ("1.0-dev", "1.0.dev0"),
            ("1.0.DEV07", "1.0.dev7"),
            (
                "1.0a1.post2.dev3+Ubuntu-01_x",
                "1.0a1.post2.dev3+ubuntu.1.x",
            ),
        ];
        for (text, normal) in table {
            assert_eq!(text.parse::<Version>().unwrap().as_str(), normal, "{text}");
        }
        for text in [
            "", "x", "1..0", "1.0+", "1.0+a..b", "1.0 1", "1.0-a-b", "1.0/../x",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_a_fixed_point(
            text in "(v)?([0-9]!)?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}([-_.]?(a|beta|RC|c)[-_.]?[0-9]{0,2})?(-[0-9]|\\.post[0-9]?)?(\\.?dev[0-9]?)?(\\+[a-zA-Z0-9]{1,4}([-_.][a-z0-9]{1,3})?)?",
        ) {
            let version: Version = text.parse().unwrap();
            let again: Version = version.as_str().parse().unwrap();
            prop_assert_eq!(again, version);
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Version>();
        }
    }
}
