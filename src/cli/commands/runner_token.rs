//! `aqueduct runner-token` and `registration-token`.

use reqwest::Method;
use serde_json::json;

use crate::{
    args::{
        RegistrationTokenCommand, RegistrationTokenCreateArgs, RunnerTokenCommand,
        RunnerTokenCreateArgs, RunnerTokenRemoveArgs, ShowArgs,
    },
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, MadeRunner, MadeToken, Runner},
    render::{Cell, stdout_color, table},
    wire::block_on,
};

/// `runner-token`.
pub(crate) fn run(command: &RunnerTokenCommand) -> Result<Exit, CliError> {
    block_on(async {
        match command {
            RunnerTokenCommand::Create(args) => create(args).await,
            RunnerTokenCommand::List(args) => list(args).await,
            RunnerTokenCommand::Remove(args) => remove(args).await,
        }
    })?
}

/// `registration-token`.
pub(crate) fn registration(command: &RegistrationTokenCommand) -> Result<Exit, CliError> {
    let RegistrationTokenCommand::Create(args) = command;
    block_on(create_registration(args))?
}

async fn create(args: &RunnerTokenCreateArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let asked = json!({
        "description": args.description,
        "tags": args.tag_list,
        "run_untagged": args.run_untagged,
        "project": project(&coordinator, args.project.as_deref()).await?,
    });
    let made = coordinator
        .create::<MadeRunner>(&["runners"], &asked)
        .await?;
    let id = made.value.id;
    output::note(&format!("runner {id} is made; its token is told only now"));
    made.print(args.show.output, |made| format!("{}\n", made.token))
}

async fn create_registration(args: &RegistrationTokenCreateArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let asked = json!({
        "description": args.description,
        "project": project(&coordinator, args.project.as_deref()).await?,
    });
    let path = ["registration-tokens"];
    let made = coordinator.create::<MadeToken>(&path, &asked).await?;
    output::note("the token is told only now; `aqueduct runner register` takes it");
    made.print(args.show.output, |made| format!("{}\n", made.token))
}

async fn project(coordinator: &Coordinator, name: Option<&str>) -> Result<Option<u64>, CliError> {
    match name {
        Some(name) => Ok(Some(coordinator.project(name).await?.value.id)),
        None => Ok(None),
    }
}

async fn list(args: &ShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let all = coordinator.get::<Vec<Runner>>(&["runners"], &[]).await?;
    all.print(args.output, |all| {
        let rows: Vec<_> = all.iter().map(row).collect();
        let heads = ["ID", "DESCRIPTION", "TAGS", "TAKES", "PROJECT", "LAST SEEN"];
        table(heads, &rows, stdout_color())
    })
}

fn row(runner: &Runner) -> [Cell; 6] {
    let takes = match (runner.paused, runner.run_untagged) {
        (true, _) => "nothing: paused",
        (false, true) => "all jobs",
        (false, false) => "tagged jobs",
    };
    let seen = runner.managers.iter().map(|one| one.contacted_at.as_str());
    [
        runner.id.into(),
        runner.description.as_str().into(),
        runner.tags.join(",").into(),
        takes.into(),
        runner
            .project
            .map(|id| id.to_string())
            .unwrap_or_default()
            .into(),
        // RFC 3339 in one zone sorts as it reads.
        seen.max().unwrap_or("never").into(),
    ]
}

async fn remove(args: &RunnerTokenRemoveArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let id = args.runner;
    let path = ["runners", &id.to_string()];
    let removed = coordinator.act(Method::DELETE, &path, &[]).await;
    removed.map_err(|error| coordinator.about("runner", id, error))?;
    output::note(&format!("runner {id} is removed"));
    Ok(Exit::Success)
}
