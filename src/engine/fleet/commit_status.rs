//! How a pipeline stands, as an effect that is stored with the change and told to the forge of its commit.

use aqueduct_core::{run::Status, time::Timestamp};
use aqueduct_ports::store::NewEffect;

use super::live::Live;

/// Kind of the effect that a pipeline's status is to be told.
pub const COMMIT_STATUS: &str = "commit_status";

/// Longest context that every forge takes, in characters.
const LONGEST: usize = 200;

/// Under which name a forge shows the pipelines of a project.
pub fn status_context(project_path: &str, pipeline_name: Option<&str>) -> String {
    let name = pipeline_name.unwrap_or(project_path).trim();
    let name = if name.is_empty() { project_path } else { name };
    let plain = name.chars().filter(|char| !char.is_control());
    format!("aqueduct/{}", plain.take(LONGEST).collect::<String>())
}

/// The effect of a pipeline's status on its commit. A newer one of the same commit and context takes the place of one that has not been
/// told: only the last counts.
pub(super) fn effect(sha: &str, context: &str, status: Status, now: Timestamp) -> NewEffect {
    NewEffect {
        kind: COMMIT_STATUS.to_owned(),
        subject: Some(format!("{COMMIT_STATUS}/{sha}/{context}")),
        body: format!("\"{}\"", status.name()),
        due: now,
    }
}

/// The effect of a change, if the pipeline's status is another than the stored one.
pub(super) fn of_change(live: &Live, now: Timestamp) -> Option<NewEffect> {
    let status = live.pipeline.state().status;
    if status == live.row.head.status {
        return None;
    }
    let context = status_context(&live.project_path, live.row.name.as_deref());
    Some(effect(&live.row.sha, &context, status, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_short_and_on_one_line() {
        assert_eq!(status_context("g/n", None), "aqueduct/g/n");
        assert_eq!(
            status_context("g/n", Some("Release\n1")),
            "aqueduct/Release1"
        );
        assert_eq!(status_context("g/n", Some(" ")), "aqueduct/g/n");
        assert_eq!(
            status_context("g/n", Some(&"é".repeat(999)))
                .chars()
                .count(),
            209
        );
    }
}
