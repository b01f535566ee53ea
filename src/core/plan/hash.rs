//! Hashes over canonical JSON (RFC 8785).

use serde_json::Value;
use sha2::{Digest, Sha256};

/// `sha256:…` over the canonical form of a value: keys are sorted and numbers have one form, so that the order in which a
/// map was filled doesn't show. A value with a number that has no canonical form is hashed as it is written.
pub fn hash_of(value: &Value) -> String {
    match serde_json_canonicalizer::to_vec(value) {
        Ok(bytes) => hash_of_bytes(&bytes),
        Err(_) => hash_of_bytes(value.to_string().as_bytes()),
    }
}

/// `sha256:…` over bytes.
pub fn hash_of_bytes(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_canonical_form_is_hashed() {
        let one = json!({"b": 1, "a": [1.0, "é"]});
        let other = json!({"a": [1, "é"], "b": 1.0});
        assert_eq!(hash_of(&one), hash_of(&other));
        let bytes = "{\"a\":[1,\"é\"],\"b\":1}".as_bytes();
        assert_eq!(hash_of(&one), hash_of_bytes(bytes));
        assert_ne!(hash_of(&one), hash_of(&json!({"a": ["é", 1], "b": 1})));
    }
}
