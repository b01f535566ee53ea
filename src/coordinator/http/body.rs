//! Reading bodies whose type runners don't always state.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::ApiError;

/// A JSON body, whatever `Content-Type` says. What it says wrong is answered with where it is.
pub(crate) struct LooseJson<T>(pub(crate) T);

/// The same, or a form (`application/x-www-form-urlencoded`), or nothing at all: older runners register and leave with forms, and
/// some send their token in the header alone.
pub(crate) struct LooseBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for LooseJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        json(&bytes(request, state).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for LooseBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_form = is_form(request.headers());
        let bytes = bytes(request, state).await?;
        let read = if is_form || bytes.is_empty() {
            serde_json::from_value(form(&bytes)).map_err(|error| unexpected(&error))
        } else {
            json(&bytes)
        };
        read.map(Self)
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|error| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
        } else {
            ApiError::bad("the body could not be read")
        }
    })
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| unexpected(&error))
}

fn unexpected(error: &serde_json::Error) -> ApiError {
    ApiError::bad(format!("the body is not what is expected: {error}"))
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// The fields of a form as a JSON object. A field that comes several times is a list, and words for yes and no are booleans
/// where they can't be anything else.
fn form(bytes: &[u8]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, text) in form_urlencoded::parse(bytes) {
        let name = name.strip_suffix("[]").unwrap_or(&name).to_owned();
        // `info[name]` and the like: nothing that a form is needed for.
        if name.contains('[') {
            continue;
        }
        let value = scalar(&name, &text);
        match fields.get_mut(&name) {
            None => drop(fields.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}

fn scalar(name: &str, text: &str) -> Value {
    let number = || text.trim().parse::<u64>().ok().map(Value::from);
    let word = || match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(Value::Bool(false)),
        _ => None,
    };
    let typed = match name {
        "run_untagged" | "locked" | "paused" | "active" => word(),
        "maximum_timeout" => number(),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use aqueduct_core::api::runner::lifecycle::Register;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_says_the_same_as_json() {
        let body = b"token=GR1&description=a+b&run_untagged=False&tag_list=x&tag_list=y%2Cz&maximum_timeout=60&info[name]=n";
        let expected = json!({
            "token": "GR1", "description": "a b", "run_untagged": false, "tag_list": ["x", "y,z"], "maximum_timeout": 60,
        });
        assert_eq!(form(body), expected);
        let read: Register = serde_json::from_value(expected).unwrap();
        assert_eq!(read.tags().collect::<Vec<_>>(), ["x", "y", "z"]);
        assert_eq!(read.run_untagged, Some(false));
        assert_eq!(
            form(b"tag_list[]=x&token=1"),
            json!({"tag_list": "x", "token": "1"})
        );
        assert_eq!(form(b""), json!({}));
    }
}
