//! `aqueduct job`.

mod log;

use std::fmt::Write as _;

use reqwest::Method;

use crate::{
    args::{JobCommand, NumberShowArgs},
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, Job},
    render::harmless,
    wire::block_on,
};

/// Does what it says.
pub(crate) fn run(command: &JobCommand) -> Result<Exit, CliError> {
    block_on(async {
        match command {
            JobCommand::Show(args) => show(args).await,
            JobCommand::Log(args) => log::log(args).await,
            JobCommand::Cancel(args) => {
                let coordinator = Coordinator::of(&args.coordinator)?;
                let query = [("force", args.force.to_string())];
                act(&coordinator, args.id, "cancel", &query, "is stopped").await
            }
            JobCommand::Retry(args) => {
                let coordinator = Coordinator::of(&args.coordinator)?;
                act(&coordinator, args.id, "retry", &[], "runs once more").await
            }
            JobCommand::Play(args) => {
                let coordinator = Coordinator::of(&args.coordinator)?;
                act(&coordinator, args.id, "play", &[], "is started").await
            }
        }
    })?
}

async fn show(args: &NumberShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let got = coordinator.job(args.id).await;
    let job = got.map_err(|error| coordinator.about("job", args.id, error))?;
    job.print(args.show.output, described)
}

fn described(job: &Job) -> String {
    let mut text = format!("job {}: {}\n", job.id, job.name);
    let mut line = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {name:9} {value}");
    };
    if let Some(pipeline) = job.pipeline {
        line("pipeline", &pipeline.to_string());
    }
    line("stage", &job.stage);
    line("status", job.status.name());
    line("attempt", &job.attempt.to_string());
    if job.duration_ms.0 > 0 {
        line("time", &job.duration_ms.to_string());
    }
    let why = job.why();
    if !why.is_empty() {
        line("why", &why);
    }
    if let Some(verdict) = &job.verdict {
        line("hint", verdict.hint());
    }
    harmless(&text)
}

async fn act(
    coordinator: &Coordinator,
    id: u64,
    action: &str,
    query: &[(&str, String)],
    done: &str,
) -> Result<Exit, CliError> {
    let path = ["jobs", &id.to_string(), action];
    let acted = coordinator.act(Method::POST, &path, query).await;
    acted.map_err(|error| coordinator.about("job", id, error))?;
    output::note(&format!("job {id} {done}"));
    Ok(Exit::Success)
}
