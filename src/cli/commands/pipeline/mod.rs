//! `aqueduct pipeline`.

mod show;
mod watch;

use std::collections::BTreeMap;

use reqwest::Method;

use crate::{
    args::{CancelArgs, NumberArgs, PipelineCommand, PipelineListArgs},
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, Pipeline, Project},
    render::{Cell, stdout_color, table},
    wire::block_on,
};

/// Does what it says.
pub(crate) fn run(command: &PipelineCommand) -> Result<Exit, CliError> {
    block_on(async {
        match command {
            PipelineCommand::List(args) => list(args).await,
            PipelineCommand::Show(args) => show::show(args).await,
            PipelineCommand::Watch(args) => watch::watch(args).await,
            PipelineCommand::Cancel(args) => cancel(args).await,
            PipelineCommand::Retry(args) => retry(args).await,
        }
    })?
}

async fn list(args: &PipelineListArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let mut query = vec![("limit", args.limit.to_string())];
    if let Some(name) = &args.project {
        let project = coordinator.project(name).await?.value;
        query.push(("project", project.id.to_string()));
    }
    if let Some(name) = &args.git_ref {
        let whole = name.starts_with("refs/");
        let prefix = if whole { "" } else { "refs/heads/" };
        query.push(("ref", format!("{prefix}{name}")));
    }
    if let Some(status) = args.status {
        query.push(("status", status.name().to_owned()));
    }
    if let Some(before) = args.before {
        query.push(("before", before.to_string()));
    }
    let found = coordinator
        .get::<Vec<Pipeline>>(&["pipelines"], &query)
        .await?;
    let projects = coordinator.get::<Vec<Project>>(&["projects"], &[]).await?;
    let projects = projects.value.into_iter().map(|one| (one.id, one.path));
    let paths: BTreeMap<u64, String> = projects.collect();
    found.print(args.show.output, |found| {
        let row = |one: &Pipeline| row(one, paths.get(&one.project));
        let rows: Vec<_> = found.iter().map(row).collect();
        let heads = [
            "ID", "STATUS", "PROJECT", "REF", "COMMIT", "JOBS", "CREATED",
        ];
        table(heads, &rows, stdout_color())
    })
}

fn row(pipeline: &Pipeline, project: Option<&String>) -> [Cell; 7] {
    let number = || pipeline.project.to_string();
    [
        pipeline.id.into(),
        Cell::status(pipeline.status.name()),
        project.cloned().unwrap_or_else(number).into(),
        show::ref_name(&pipeline.git_ref).into(),
        super::project::short(&pipeline.sha).into(),
        pipeline.jobs.into(),
        pipeline.created_at.as_str().into(),
    ]
}

async fn cancel(args: &CancelArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let query = [("force", args.force.to_string())];
    act(&coordinator, args.id, "cancel", &query).await?;
    output::note(&format!("pipeline {} is stopped", args.id));
    Ok(Exit::Success)
}

async fn retry(args: &NumberArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    act(&coordinator, args.id, "retry", &[]).await?;
    output::note(&format!("pipeline {} goes on", args.id));
    Ok(Exit::Success)
}

async fn act(
    coordinator: &Coordinator,
    id: u64,
    action: &str,
    query: &[(&str, String)],
) -> Result<(), CliError> {
    let path = ["pipelines", &id.to_string(), action];
    let done = coordinator.act(Method::POST, &path, query).await;
    done.map_err(|error| coordinator.about("pipeline", id, error))
}
