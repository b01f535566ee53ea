//! From the system's errors to the port's.

use std::{fmt::Display, path::Path};

use aqueduct_ports::workspace::WorkspaceError;

/// What this crate's functions answer.
pub(crate) type Result<T> = std::result::Result<T, WorkspaceError>;

/// Makes an error of `action` on `path`; for `map_err`.
pub(crate) fn failed<E: Display>(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(E) -> WorkspaceError {
    let path = path.display().to_string();
    move |cause| WorkspaceError::Io {
        action,
        path,
        cause: cause.to_string(),
    }
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|cause| {
            Err(WorkspaceError::Io {
                action: "finish",
                path: "the disk work".into(),
                cause: cause.to_string(),
            })
        })
}
