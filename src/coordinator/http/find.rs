//! Finding what a request names.

use aqueduct_core::id::ProjectId;
use aqueduct_ports::store::{Project, StoreError};

use crate::App;

/// A project by number, or by path with its slashes written `%2F` where they would end it.
pub(crate) async fn project(app: &App, id: &str) -> Result<Option<Project>, StoreError> {
    match id.parse() {
        Ok(number) => app.store().project(ProjectId(number)).await,
        Err(_) => app.store().project_by_path(id).await,
    }
}
