//! `aqueduct project`, `branch` and `env`.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::json;

use crate::{
    args::{
        BranchCommand, EnvCommand, ProjectAddArgs, ProjectArgs, ProjectCommand, ProjectShowArgs,
        ShowArgs,
    },
    error::CliError,
    exit::Exit,
    output,
    remote::{Branch, Coordinator, Environment, Project},
    render::{Cell, harmless, stdout_color, table},
    wire::block_on,
};

/// Characters of a commit's hash that are shown.
const SHORT: usize = 10;

/// `project`.
pub(crate) fn run(command: &ProjectCommand) -> Result<Exit, CliError> {
    block_on(async {
        match command {
            ProjectCommand::List(args) => list(args).await,
            ProjectCommand::Add(args) => add(args).await,
            ProjectCommand::Show(args) => show(args).await,
            ProjectCommand::Remove(args) => remove(args).await,
            ProjectCommand::Look(args) => look(args).await,
        }
    })?
}

/// `branch`.
pub(crate) fn branch(command: &BranchCommand) -> Result<Exit, CliError> {
    let BranchCommand::List(args) = command;
    block_on(branches(args))?
}

/// `env`.
pub(crate) fn env(command: &EnvCommand) -> Result<Exit, CliError> {
    let EnvCommand::List(args) = command;
    block_on(environments(args))?
}

/// The first characters of a commit's hash.
pub(super) fn short(sha: &str) -> String {
    sha.chars().take(SHORT).collect()
}

async fn list(args: &ShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let all = coordinator.get::<Vec<Project>>(&["projects"], &[]).await?;
    all.print(args.output, |all| {
        let rows: Vec<_> = all.iter().map(row).collect();
        let heads = ["ID", "PATH", "REPOSITORY", "REFS", "LOOKED AT", "TROUBLE"];
        table(heads, &rows, stdout_color())
    })
}

fn row(project: &Project) -> [Cell; 6] {
    let watch = &project.watch;
    [
        project.id.into(),
        project.path.as_str().into(),
        project.git_url.as_str().into(),
        watch.refs.into(),
        watch.answered_at.as_deref().unwrap_or_default().into(),
        watch.error.as_deref().unwrap_or_default().into(),
    ]
}

async fn add(args: &ProjectAddArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let asked = json!({
        "path": args.path,
        "git_url": args.git_url,
        "default_branch": args.default_branch,
        "interval_ms": u64::from(args.interval) * 1000,
    });
    let made = coordinator.create::<Project>(&["projects"], &asked).await?;
    made.print(args.show.output, |project| {
        let mut text = format!("project {} is {}\n", harmless(&project.path), project.id);
        if let (Some(forge), Some(secret)) = (&args.forge, &project.webhook_secret) {
            let url = coordinator.url();
            // Writing to a String can't fail.
            let _ = write!(
                text,
                "webhook  {url}/hooks/{forge}/{}  (JSON; pushes, branches and tags)\nsecret   {secret}  (told only now)\n",
                harmless(&project.path)
            );
        }
        text
    })
}

async fn show(args: &ProjectShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let project = coordinator.project(&args.project).await?;
    project.print(args.show.output, described)
}

fn described(project: &Project) -> String {
    let watch = &project.watch;
    let never = "not yet, since the coordinator started";
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = writeln!(text, "{}", project.path);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:15} {value}");
    };
    line("id", &project.id.to_string());
    line("repository", &project.git_url);
    line(
        "default branch",
        project
            .default_branch
            .as_deref()
            .unwrap_or("what the repository says"),
    );
    line("looked at every", &project.interval_ms.to_string());
    line("added", &project.created_at);
    line("last answer", watch.answered_at.as_deref().unwrap_or(never));
    line("refs", &watch.refs.to_string());
    if let Some(error) = &project.commit_status_error {
        line("commit status", error);
    }
    if let Some(error) = &watch.error {
        line(
            "trouble",
            &format!("{error} ({} times in a row)", watch.failures),
        );
    }
    harmless(&text)
}

async fn remove(args: &ProjectArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let project = coordinator.project(&args.project).await?.value;
    let id = project.id.to_string();
    coordinator
        .act(Method::DELETE, &["projects", &id], &[])
        .await?;
    output::note(&format!("project {} is forgotten", harmless(&project.path)));
    Ok(Exit::Success)
}

async fn look(args: &ProjectArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let project = coordinator.project(&args.project).await?.value;
    let id = project.id.to_string();
    coordinator
        .act(Method::POST, &["projects", &id, "look"], &[])
        .await?;
    output::note(&format!(
        "the repository of {} is looked at",
        harmless(&project.path)
    ));
    Ok(Exit::Success)
}

async fn branches(args: &ProjectShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let id = coordinator
        .project(&args.project)
        .await?
        .value
        .id
        .to_string();
    let all = coordinator
        .get::<Vec<Branch>>(&["projects", &id, "branches"], &[])
        .await?;
    all.print(args.show.output, |all| {
        let row = |one: &Branch| -> [Cell; 4] {
            [
                one.name.as_str().into(),
                short(&one.sha).into(),
                one.updated_at.as_str().into(),
                one.missing_since.as_deref().unwrap_or_default().into(),
            ]
        };
        let rows: Vec<_> = all.iter().map(row).collect();
        table(
            ["REF", "COMMIT", "UPDATED", "MISSING SINCE"],
            &rows,
            stdout_color(),
        )
    })
}

async fn environments(args: &ProjectShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let id = coordinator
        .project(&args.project)
        .await?
        .value
        .id
        .to_string();
    let path = ["projects", &id, "environments"];
    let all = coordinator.get::<Vec<Environment>>(&path, &[]).await?;
    all.print(args.show.output, |all| {
        let row = |one: &Environment| -> [Cell; 7] {
            let job = one.deployed_by.map(|job| job.to_string());
            [
                one.name.as_str().into(),
                one.state.as_str().into(),
                one.tier.as_str().into(),
                one.git_ref.as_str().into(),
                job.unwrap_or_default().into(),
                one.stops_at.as_deref().unwrap_or_default().into(),
                one.url.as_deref().unwrap_or_default().into(),
            ]
        };
        let rows: Vec<_> = all.iter().map(row).collect();
        let heads = ["NAME", "STATE", "TIER", "REF", "JOB", "STOPS AT", "URL"];
        table(heads, &rows, stdout_color())
    })
}
