//! What other tools write where the specification wants something else.

use serde::{Deserialize, Deserializer};

/// `null` for an absent value, as programs in Go write an empty list or map.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
