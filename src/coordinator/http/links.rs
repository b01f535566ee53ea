//! The addresses that jobs know: `CI_JOB_URL`, `CI_PIPELINE_URL` and `CI_PROJECT_URL` are those of GitLab, below a project's path.

use axum::{
    extract::{FromRequestParts as _, Request},
    http::Method,
    response::{IntoResponse as _, Redirect, Response},
};

use super::pages::{self, Viewer};
use crate::App;

/// What a project's path is followed by.
#[derive(Debug, PartialEq, Eq)]
enum Link<'p> {
    Job(u64),
    Pipeline(u64),
    Project(&'p str),
}

/// Sends a person to the page that an address means. The pages check who may see them; where a project is looked for by its path,
/// that is done here, so that nobody learns which there are.
pub(super) async fn follow(app: &App, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let link = (parts.method == Method::GET).then(|| link(&path)).flatten();
    let to = match link {
        Some(Link::Job(id)) => format!("/jobs/{id}"),
        Some(Link::Pipeline(id)) => format!("/pipelines/{id}"),
        Some(Link::Project(path)) => {
            if let Err(error) = Viewer::from_request_parts(&mut parts, app).await {
                return error.into_response();
            }
            match app.store().project_by_path(path).await {
                Ok(Some(project)) => format!("/projects/{}", project.id),
                Ok(None) => return pages::not_found(),
                Err(error) => return super::error::ApiError::from(error).into_response(),
            }
        }
        None => return pages::not_found(),
    };
    Redirect::to(&to).into_response()
}

fn link(path: &str) -> Option<Link<'_>> {
    let path = path.strip_prefix('/')?;
    let Some((project, rest)) = path.split_once("/-/") else {
        // Projects stand in groups: what has no slash is no project's path.
        return path.contains('/').then_some(Link::Project(path));
    };
    if project.is_empty() {
        return None;
    }
    let (kind, id) = rest.split_once('/')?;
    let id = id.parse().ok()?;
    match kind {
        "jobs" => Some(Link::Job(id)),
        "pipelines" => Some(Link::Pipeline(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_below_a_projects_path_name_pages() {
        let table = [
            ("/group/name/-/jobs/12", Some(Link::Job(12))),
            ("/a/b/c/-/pipelines/3", Some(Link::Pipeline(3))),
            ("/group/name", Some(Link::Project("group/name"))),
            ("/group/name/-/jobs/12/raw", None),
            ("/group/name/-/jobs/-1", None),
            ("/group/name/-/jobs/99999999999999999999", None),
            ("/group/name/-/issues/1", None),
            ("/-/jobs/12", Some(Link::Project("-/jobs/12"))),
            ("//-/jobs/12", None),
            ("/nothing", None),
            ("*", None),
        ];
        for (path, expected) in table {
            assert_eq!(link(path), expected, "{path}");
        }
    }
}
