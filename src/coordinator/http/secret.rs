//! The secret of a project's webhooks, in the JSON of its settings.
//!
//! It is kept as it is: a signature can only be checked with the secret that made it.

use aqueduct_ports::store::{Project, StoreError};
use serde_json::{Map, Value};

/// Its key in the settings.
const KEY: &str = "webhook_secret";

/// The project's secret, if it has one.
pub(crate) fn of(project: &Project) -> Result<Option<String>, StoreError> {
    let settings = read(&project.settings)?;
    Ok(settings.get(KEY).and_then(Value::as_str).map(str::to_owned))
}

/// The settings with this secret; whatever else they hold stays.
pub(crate) fn put(settings: &str, secret: &str) -> Result<String, StoreError> {
    let mut settings = read(settings)?;
    settings.insert(KEY.to_owned(), secret.into());
    Ok(Value::Object(settings).to_string())
}

fn read(settings: &str) -> Result<Map<String, Value>, StoreError> {
    // Its text may hold the secret: only the place of the error is told.
    serde_json::from_str(settings).map_err(|error| {
        let column = error.column();
        StoreError::Corrupt(format!("a project's settings are no JSON (byte {column})"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_leaves_the_other_settings_alone() {
        let once = put("{\"a\":[1]}", "one").unwrap();
        assert_eq!(
            put(&once, "two").unwrap(),
            r#"{"a":[1],"webhook_secret":"two"}"#
        );
        for broken in ["", "[]", "{\"webhook_secret\": s3cret}"] {
            let error = put(broken, "one").unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
