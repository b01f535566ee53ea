//! Sizes in settings files: a number of bytes, or a text with a unit of powers of 1024, as `docker run --memory` reads it.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, Visitor},
};

/// How a size is written, for the reference.
pub(super) const TITLE: &str = "size: bytes, or `\"512MiB\"`, `\"2g\"`";

/// For `#[serde(deserialize_with)]`.
pub(super) fn option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    from.deserialize_any(Size).map(Some)
}

struct Size;

impl Visitor<'_> for Size {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size: a number of bytes, or a text such as \"512MiB\" or \"2g\"")
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<u64, E> {
        u64::try_from(bytes).map_err(|_| E::custom(format!("`{bytes}` is no size")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        parse(text).ok_or_else(|| {
            E::custom(format!(
                "`{text}` is no size: write a number of bytes, or one with a unit such as \"512MiB\" or \"2g\""
            ))
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1024", Some(1024)),
            ("64MiB", Some(64 << 20)),
            ("64 mb", Some(64 << 20)),
            ("2g", Some(2 << 30)),
            ("", None),
            ("MiB", None),
            ("1.5g", None),
            ("-1", None),
            ("99999999999t", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
