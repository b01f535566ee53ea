//! Things by the names that people give them.

use aqueduct_core::diag::did_you_mean;

use super::{Coordinator, Got, Job, Project, RemoteError};
use crate::error::CliError;

impl Coordinator {
    /// A project by path or number.
    pub(crate) async fn project(&self, name: &str) -> Result<Got<Project>, CliError> {
        let got = self.get(&["projects", name], &[]).await;
        match got {
            Err(error) if error.is_missing() => Err(self.no_project(name).await),
            other => Ok(other?),
        }
    }

    /// A job by its number.
    pub(crate) async fn job(&self, id: u64) -> Result<Got<Job>, RemoteError> {
        self.get(&["jobs", &id.to_string()], &[]).await
    }

    /// Says that there is none, and which one may have been meant.
    async fn no_project(&self, name: &str) -> CliError {
        let all = self.get::<Vec<Project>>(&["projects"], &[]).await;
        let all = all.map(|got| got.value).unwrap_or_default();
        let near = did_you_mean(name, all.iter().map(|one| one.path.as_str()));
        let help = near.map_or_else(
            || "`aqueduct project list` shows those that are known".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let text = format!("the coordinator at {} has no project '{name}'", self.url());
        CliError::invalid(text).with_help(help)
    }

    /// What went wrong with a pipeline, job or runner, by its number.
    pub(crate) fn about(&self, what: &str, id: u64, error: RemoteError) -> CliError {
        if !error.is_missing() {
            return error.into();
        }
        let help = match what {
            "pipeline" => "`aqueduct pipeline list` shows those that are known",
            "job" => "`aqueduct pipeline show PIPELINE` shows a pipeline's jobs and their numbers",
            _ => "`aqueduct runner-token list` shows those that are known",
        };
        let text = format!("the coordinator at {} has no {what} {id}", self.url());
        CliError::invalid(text).with_help(help)
    }
}
