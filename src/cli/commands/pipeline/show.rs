//! `aqueduct pipeline show`.

use std::fmt::Write as _;

use crate::{
    args::{NumberShowArgs, Output},
    commands::project::short,
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, Got, Job, Pipeline, RemoteError},
    render::{Cell, harmless, stdout_color, table},
};

/// A pipeline and its jobs.
pub(super) async fn show(args: &NumberShowArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.show.coordinator)?;
    let fetched = fetch(&coordinator, args.id).await;
    let (pipeline, jobs) =
        fetched.map_err(|error| coordinator.about("pipeline", args.id, error))?;
    if args.show.output == Output::Json {
        // One object: what the coordinator says of the pipeline, and its jobs beside it.
        let pipeline = pipeline.raw.trim_end();
        output::text(&format!(
            "{{\"pipeline\":{pipeline},\"jobs\":{}}}\n",
            jobs.raw.trim_end()
        ))?;
        return Ok(Exit::Success);
    }
    let mut text = head(&pipeline.value);
    text += &problems(&pipeline.value);
    if !jobs.value.is_empty() {
        let rows: Vec<_> = jobs.value.iter().map(row).collect();
        let heads = ["JOB", "STATUS", "STAGE", "NAME", "ATTEMPT", "TIME", "WHY"];
        text.push('\n');
        text += &table(heads, &rows, stdout_color());
    }
    output::text(&text)?;
    Ok(Exit::Success)
}

/// What is known of a pipeline now.
pub(super) async fn fetch(
    coordinator: &Coordinator,
    id: u64,
) -> Result<(Got<Pipeline>, Got<Vec<Job>>), RemoteError> {
    let id = id.to_string();
    let pipeline = coordinator.get(&["pipelines", &id], &[]).await?;
    let jobs = coordinator.get(&["pipelines", &id, "jobs"], &[]).await?;
    Ok((pipeline, jobs))
}

/// A branch by its name, everything else in full.
pub(super) fn ref_name(git_ref: &str) -> &str {
    git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref)
}

/// A pipeline in a line.
pub(super) fn head(pipeline: &Pipeline) -> String {
    let named = pipeline.name.as_ref().map(|name| format!(" '{name}'"));
    harmless(&format!(
        "pipeline {}{}: {}, {} at {} ({})\n",
        pipeline.id,
        named.unwrap_or_default(),
        pipeline.status,
        ref_name(&pipeline.git_ref),
        short(&pipeline.sha),
        pipeline.source,
    ))
}

/// Why it could not be compiled, a line each; nothing for one that could.
pub(super) fn problems(pipeline: &Pipeline) -> String {
    let mut text = String::new();
    let report = pipeline.diagnostics.as_ref();
    for error in report.into_iter().flat_map(|report| &report.errors) {
        let file = error.file.as_deref().unwrap_or_default();
        let place = match (error.line, error.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}: "),
            _ if file.is_empty() => String::new(),
            _ => format!("{file}: "),
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "  {place}{}", error.message);
        if let Some(help) = &error.help {
            let _ = writeln!(text, "    help: {help}");
        }
    }
    harmless(&text)
}

fn row(job: &Job) -> [Cell; 7] {
    [
        job.id.into(),
        Cell::status(job.status.name()),
        job.stage.as_str().into(),
        job.name.as_str().into(),
        job.attempt.into(),
        if job.duration_ms.0 > 0 {
            job.duration_ms.into()
        } else {
            Cell::default()
        },
        job.why().into(),
    ]
}
