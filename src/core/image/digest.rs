//! Content digests, `sha256:` and 64 hexadecimal digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

/// A digest whose spelling has been checked: algorithm `sha256` or `sha512`, lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest: `sha256:` and 64 hexadecimal digits are expected")]
pub struct DigestError {
    text: String,
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// From the 32 bytes of a SHA-256 hash.
    pub fn from_sha256(hash: &[u8; 32]) -> Self {
        Self(format!("sha256:{}", hex::encode(hash)))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `sha256` or `sha512`.
    pub fn algorithm(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.hex().get(..12).unwrap_or_default()
    }

    /// Whether `bytes` have this digest.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut verifier = Verifier::new(self);
        verifier.update(bytes);
        verifier.finish() == *self
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let length = match text.split_once(':') {
            Some(("sha256", _)) => 64,
            Some(("sha512", _)) => 128,
            _ => 0,
        };
        let hex = text.split_once(':').map_or("", |(_, hex)| hex);
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if length == 0 || hex.len() != length || !hex.bytes().all(lower_hex) {
            return Err(DigestError { text: text.into() });
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hashes a stream with the algorithm of an expected digest.
#[derive(Clone, Debug)]
pub struct Verifier(Hasher);

#[derive(Clone, Debug)]
enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Verifier {
    /// Starts a hash of the algorithm that `expected` names.
    pub fn new(expected: &Digest) -> Self {
        Self(match expected.algorithm() {
            "sha512" => Hasher::Sha512(Sha512::new()),
            _ => Hasher::Sha256(Sha256::new()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hash) => hash.update(bytes),
            Hasher::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of everything taken.
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            Hasher::Sha256(hash) => format!("sha256:{}", hex::encode(hash.finalize())),
            Hasher::Sha512(hash) => format!("sha512:{}", hex::encode(hash.finalize())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_object_has_the_digest_of_the_specification() {
        let digest = Digest::of(b"{}");
        assert_eq!(
            digest.as_str(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert!(digest.matches(b"{}"));
        assert!(!digest.matches(b"{} "));
        assert_eq!(digest.short(), "44136fa355b3");
    }

    #[test]
    fn sha512_is_verified_with_its_own_algorithm() {
        let mut verifier = Verifier(Hasher::Sha512(Sha512::new()));
        verifier.update(b"x");
        let digest = verifier.finish();
        assert_eq!(digest.algorithm(), "sha512");
        assert!(digest.to_string().parse::<Digest>().unwrap().matches(b"x"));
    }

    #[test]
    fn other_spellings_are_refused() {
        let upper = format!("sha256:{}", "A".repeat(64));
        let long = format!("sha256:{}", "a".repeat(65));
        for text in [
            "",
            "sha256:",
            "sha256:abc",
            "md5:abc",
            "sha256",
            &upper,
            &long,
            "ä:ö",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
