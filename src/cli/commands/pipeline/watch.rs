//! `aqueduct pipeline watch`.

use std::{collections::BTreeMap, time::Duration};

use aqueduct_core::run::Status;

use super::show::{fetch, head, problems};
use crate::{
    args::NumberArgs,
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, Job, Patience, Pipeline},
    render::{harmless, paint_status, stdout_color},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Says what happens until the pipeline has ended.
pub(super) async fn watch(args: &NumberArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let mut told = Told::default();
    let mut patience = Patience::new();
    loop {
        match fetch(&coordinator, args.id).await {
            Ok((pipeline, jobs)) => {
                patience.answered();
                let pipeline = pipeline.value;
                output::text(&told.news(&pipeline, &jobs.value, stdout_color()))?;
                if is_over(&pipeline, &jobs.value) {
                    return end(&pipeline);
                }
            }
            Err(error) => patience
                .wait(error)
                .await
                .map_err(|error| coordinator.about("pipeline", args.id, error))?,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Also if a job that nothing waits for could still be played: what then happens is another story.
fn is_over(pipeline: &Pipeline, jobs: &[Job]) -> bool {
    let moves = jobs.iter().any(|job| job.status.is_active());
    pipeline.finished_at.is_some() || pipeline.status.is_terminal() && !moves
}

fn end(pipeline: &Pipeline) -> Result<Exit, CliError> {
    output::text(&problems(pipeline))?;
    output::text(&head(pipeline))?;
    Ok(match pipeline.status {
        Status::Failed | Status::Canceled => Exit::Failed,
        _ => Exit::Success,
    })
}

/// What was said of each job.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    jobs: BTreeMap<u64, (Status, u32, String)>,
}

impl Told {
    /// What is new, a line each.
    fn news(&mut self, pipeline: &Pipeline, jobs: &[Job], color: bool) -> String {
        let mut text = String::new();
        if !std::mem::replace(&mut self.begun, true) {
            text += &head(pipeline);
        }
        for job in jobs {
            let now = (job.status, job.attempt, job.why());
            let before = self.jobs.insert(job.id, now.clone());
            // That a job waits for others of its pipeline is no news.
            let waits = job.status == Status::Created;
            if before.as_ref() != Some(&now) && !waits {
                text += &line(job, color);
            }
        }
        text
    }
}

fn line(job: &Job, color: bool) -> String {
    let status = paint_status(job.status.name(), color);
    let mut more = Vec::new();
    if job.attempt > 1 {
        more.push(format!("attempt {}", job.attempt));
    }
    if job.status.is_terminal() && job.duration_ms.0 > 0 {
        more.push(job.duration_ms.to_string());
    }
    more.extend(Some(job.why()).filter(|why| !why.is_empty()));
    let more = if more.is_empty() {
        String::new()
    } else {
        format!("  ({})", more.join(", "))
    };
    let name = harmless(&format!("{} {}", job.id, job.name));
    format!("{status}  {name}{}\n", harmless(&more))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pipeline() -> Pipeline {
        serde_json::from_value(json!({
            "id": 3, "project": 1, "ref": "refs/heads/main", "sha": "abcdef0123456789", "source": "push",
            "name": null, "status": "running", "diagnostics": null, "jobs": 1, "created_at": "", "finished_at": null,
        }))
        .unwrap()
    }

    fn job(status: &str, waiting: Option<&str>, duration: u64) -> Vec<Job> {
        let job = json!({
            "id": 7, "name": "build", "stage": "s", "status": status, "attempt": 1, "waiting": waiting,
            "verdict": null, "allow_failure": false, "duration_ms": duration,
        });
        vec![serde_json::from_value(job).unwrap()]
    }

    #[test]
    fn only_what_changes_is_told() {
        let mut told = Told::default();
        let steps = [
            (
                job("created", Some("waits for x"), 0),
                "pipeline 3: running, main at abcdef0123 (push)\n",
            ),
            (
                job("pending", Some("no runner"), 0),
                "pending   7 build  (no runner)\n",
            ),
            (job("pending", Some("no runner"), 0), ""),
            (job("running", None, 5), "running   7 build\n"),
            (job("running", None, 9), ""),
            (job("success", None, 1200), "success   7 build  (1.2s)\n"),
        ];
        for (jobs, text) in steps {
            assert_eq!(told.news(&pipeline(), &jobs, false), text);
        }
    }
}
