//! Single HTTP exchanges: errors classified, bodies bounded.

use oci_client::errors::{OciEnvelope, OciErrorCode};
use reqwest::{RequestBuilder, Response, StatusCode};

use crate::{NoAnswer, RegistryError, retry::transient};

/// Longest part of an error body that is read.
const ERROR_BODY: usize = 8 * 1024;

/// Sends a request once; whoever needs its answer repeats the whole exchange. An answer that is not a success becomes
/// the error it stands for.
pub(crate) async fn send(request: RequestBuilder, what: &str) -> Result<Response, RegistryError> {
    match request.send().await {
        Ok(response) if response.status().is_success() => Ok(response),
        Ok(response) => Err(failure(response, what).await),
        Err(error) => Err(unreachable(&error, what)),
    }
}

/// The error that an answer without success stands for.
pub(crate) async fn failure(response: Response, what: &str) -> RegistryError {
    let status = response.status();
    let Said { message, codes } = said(response).await;
    let what = what.to_owned();
    let incomplete = |code: &OciErrorCode| {
        matches!(
            code,
            OciErrorCode::ManifestBlobUnknown | OciErrorCode::BlobUnknown
        )
    };
    match status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if codes.iter().any(incomplete) => {
            RegistryError::Incomplete { what, message }
        }
        StatusCode::NOT_FOUND => RegistryError::NotFound { what, message },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RegistryError::Auth {
            what,
            status: status.as_u16(),
            message,
        },
        status if transient(status) => RegistryError::Unreachable {
            what,
            cause: if message.is_empty() {
                format!("status {}", status.as_u16())
            } else {
                format!("status {}: {message}", status.as_u16())
            },
        },
        status => RegistryError::Refused {
            what,
            status: status.as_u16(),
            message,
        },
    }
}

/// A connection that failed or a body that broke off.
pub(crate) fn unreachable(error: &reqwest::Error, what: &str) -> RegistryError {
    let NoAnswer { cause, untrusted } = NoAnswer::of(error);
    let what = what.to_owned();
    if untrusted {
        RegistryError::Untrusted { what, cause }
    } else if error.is_redirect() {
        // The same answer would come again.
        RegistryError::Protocol { what, cause }
    } else {
        RegistryError::Unreachable { what, cause }
    }
}

/// What an error's body says.
#[derive(Default)]
struct Said {
    message: String,
    codes: Vec<OciErrorCode>,
}

/// The specification's error list, else the start of whatever a proxy sent.
async fn said(mut response: Response) -> Said {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ERROR_BODY {
            break;
        }
    }
    if let Ok(envelope) = serde_json::from_slice::<OciEnvelope>(&body) {
        let entries = envelope.errors.iter().map(|error| {
            let code = serde_json::to_value(&error.code).unwrap_or_default();
            format!("{} ({})", error.message, code.as_str().unwrap_or("?"))
        });
        return Said {
            message: entries.collect::<Vec<_>>().join(", "),
            codes: envelope
                .errors
                .into_iter()
                .map(|error| error.code)
                .collect(),
        };
    }
    let text = String::from_utf8_lossy(&body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    Said {
        message: line.unwrap_or_default().chars().take(160).collect(),
        codes: Vec::new(),
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn bounded(
    mut response: Response,
    limit: usize,
    what: &str,
) -> Result<Vec<u8>, RegistryError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error, what))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            let cause = format!("the answer is longer than {limit} bytes");
            return Err(RegistryError::protocol(what, cause));
        }
    }
    Ok(body)
}
