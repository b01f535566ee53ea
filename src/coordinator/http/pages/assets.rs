//! Files that pages load.

use aqueduct_pages::assets;
use axum::{
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// A file whose address changes with its content: it is never asked for again.
pub(super) async fn serve(uri: Uri) -> Response {
    let Some(asset) = assets::find(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'",
        ),
    ];
    (headers, asset.body.as_ref()).into_response()
}
