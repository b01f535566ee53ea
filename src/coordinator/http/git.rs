//! Sources for jobs: git's smart HTTP, read only (design 3.10).

use std::io::Read as _;

use aqueduct_ports::{
    git::{ByteReader, GitError},
    store::Project,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio_util::io::ReaderStream;

use super::{error::ApiError, links, pages, token::basic_password};
use crate::App;

/// Longest request of a clone, unpacked: a list of what the client has.
const REQUEST: usize = 64 << 20;

/// What is asked of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Advertisement,
    Pack,
}

/// Everything that no other surface took: `GET /group/name.git/info/refs?service=git-upload-pack` and
/// `POST /group/name.git/git-upload-pack`.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let answer = match asked(
        request.method(),
        request.uri().path(),
        request.uri().query(),
    ) {
        Some((path, what)) => {
            let path = path.to_owned();
            clone(&app, &path, what, request).await
        }
        None if pages::wants_page(request.headers()) => return links::follow(&app, request).await,
        None => Err(ApiError::missing()),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

fn asked<'p>(method: &Method, path: &'p str, query: Option<&str>) -> Option<(&'p str, Asked)> {
    let path = path.strip_prefix('/')?;
    if let Some(path) = path.strip_suffix(".git/info/refs") {
        let service = query.is_some_and(|query| query.contains("service=git-upload-pack"));
        return (method == Method::GET && service).then_some((path, Asked::Advertisement));
    }
    let path = path.strip_suffix(".git/git-upload-pack")?;
    (method == Method::POST).then_some((path, Asked::Pack))
}

async fn clone(app: &App, path: &str, what: Asked, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let project = authorised(app, path, &parts.headers).await?;
    let protocol = parts
        .headers
        .get("git-protocol")
        .and_then(|value| value.to_str().ok());
    let mirrors = &app.ports.mirrors;
    let (reader, kind) = match what {
        Asked::Advertisement => (
            mirrors.advertise(project.id, protocol).await,
            "application/x-git-upload-pack-advertisement",
        ),
        Asked::Pack => {
            let body = unpacked(&parts.headers, body).await?;
            (
                mirrors.upload_pack(project.id, protocol, body).await,
                "application/x-git-upload-pack-result",
            )
        }
    };
    let reader = reader.map_err(|error| refused(&error))?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let body = Body::from_stream(ReaderStream::new(reader));
    Ok((headers, body).into_response())
}

/// The project, if the password is a token of a job of it. A wrong one is answered like a project that isn't there.
async fn authorised(app: &App, path: &str, headers: &HeaderMap) -> Result<Project, ApiError> {
    let unauthorised = || {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "a job's token is needed as the password",
        )
        .with("www-authenticate", "Basic realm=\"aqueduct\"")
    };
    let token = basic_password(headers).ok_or_else(unauthorised)?;
    let holder = app.fleet().holder(&token).ok_or_else(unauthorised)?;
    let project = app.store().project(holder.project).await?;
    project
        .filter(|project| project.path == path)
        .ok_or_else(ApiError::missing)
}

/// The body without its content coding; git packs longer ones.
async fn unpacked(headers: &HeaderMap, body: Body) -> Result<ByteReader, ApiError> {
    let too_long = |_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long");
    let bytes = to_bytes(body, REQUEST).await.map_err(too_long)?;
    let coding = headers.get(header::CONTENT_ENCODING);
    match coding.map_or(Ok("identity"), |value| value.to_str()) {
        Ok("identity") => Ok(Box::pin(std::io::Cursor::new(bytes))),
        Ok("gzip" | "x-gzip") => {
            let mut plain = Vec::new();
            let unpack = flate2::read::GzDecoder::new(bytes.as_ref());
            unpack
                .take(REQUEST as u64)
                .read_to_end(&mut plain)
                .map_err(|error| {
                    ApiError::bad(format!("the request can't be unpacked: {error}"))
                })?;
            Ok(Box::pin(std::io::Cursor::new(plain)))
        }
        _ => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content coding is none of identity, gzip",
        )),
    }
}

fn refused(error: &GitError) -> ApiError {
    tracing::warn!(%error, "a clone failed");
    let status = match error {
        GitError::Missing(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    ApiError::new(status, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_requests_of_a_clone_are_known() {
        let table = [
            (
                "GET",
                "/g/n.git/info/refs",
                Some("service=git-upload-pack"),
                Some(("g/n", Asked::Advertisement)),
            ),
            (
                "POST",
                "/g/s/n.git/git-upload-pack",
                None,
                Some(("g/s/n", Asked::Pack)),
            ),
            (
                "GET",
                "/g/n.git/info/refs",
                Some("service=git-receive-pack"),
                None,
            ),
            ("GET", "/g/n.git/info/refs", None, None),
            ("POST", "/g/n.git/git-receive-pack", None, None),
            ("GET", "/g/n.git/git-upload-pack", None, None),
            ("GET", "/g/n.git/HEAD", None, None),
        ];
        for (method, path, query, expected) in table {
            let method: Method = method.parse().unwrap();
            assert_eq!(asked(&method, path, query), expected, "{method} {path}");
        }
    }
}
