//! `aqueduct publish`.

use std::path::{Path, PathBuf};

use aqueduct_core::plan::{ConflictPolicy, Require};
use aqueduct_publish::{
    Destination, DirectoryDestination,
    python::{self, PublishOptions, ReleaseStatus},
};

use crate::{
    args::PublishArgs,
    error::CliError,
    exit::Exit,
    output,
    settings::{self, Settings},
    wire::{StderrLog, block_on, read_env},
};

/// Publishes and tells what became of each destination.
pub(crate) fn run(args: &PublishArgs) -> Result<Exit, CliError> {
    let mut settings = settings::load(Path::new("."), args.config.as_deref())?;
    let to = destinations(&mut settings, &args.to)?;
    let options = PublishOptions {
        files: files(&args.files)?,
        to,
        primary: args.primary.clone(),
        require: require(&args.require)?,
        on_conflict: on_conflict(&args.on_conflict)?,
        dry_run: args.dry_run,
        ..PublishOptions::default()
    };
    let report = block_on(python::publish(
        &settings.release,
        &read_env,
        &options,
        &StderrLog,
    ))?
    .map_err(|error| {
        let verdict = error.verdict();
        CliError {
            // What is wrong with the files stands a line each.
            message: format!("{}: {error}", verdict.kind),
            ..CliError::from_verdict(&verdict)
        }
    })?;
    if args.json {
        output::json_line(&report)?;
    } else {
        output::text(&report.to_string())?;
    }
    Ok(match (report.status, report.verdict()) {
        (ReleaseStatus::Published, _) => Exit::Success,
        (_, Some(verdict)) => {
            output::note(&format!("help: {}", verdict.hint()));
            Exit::of(verdict.kind)
        }
        (_, None) => Exit::Failed,
    })
}

fn files(globs: &[String]) -> Result<Vec<PathBuf>, CliError> {
    python::find_files(&[PathBuf::from(".")], globs).map_err(|error| {
        CliError::invalid(error)
            .with_help("paths start at this directory, or at that of --directory")
    })
}

/// Names of destinations; `directory:PATH` defines one on the spot.
fn destinations(settings: &mut Settings, names: &[String]) -> Result<Vec<String>, CliError> {
    for name in names {
        if let Some(path) = name.strip_prefix("directory:") {
            let path = std::path::absolute(path)
                .map_err(|error| CliError::io("find", Path::new(path), &error))?;
            let directory = Destination::Directory(DirectoryDestination { path });
            settings
                .release
                .destinations
                .insert(name.clone(), directory);
        } else {
            settings.release.destination(name).map_err(|error| {
                CliError::invalid(error)
                    .with_help("define it in aqueduct.toml, or write directory:PATH")
            })?;
        }
    }
    Ok(names.to_vec())
}

fn require(text: &str) -> Result<Require, CliError> {
    match text {
        "all" => Ok(Require::All),
        "quorum" => Ok(Require::Quorum),
        _ => text.parse().map(Require::Count).map_err(|_| {
            CliError::invalid(format!(
                "--require {text}: expected all, quorum or a number"
            ))
        }),
    }
}

fn on_conflict(text: &str) -> Result<ConflictPolicy, CliError> {
    match text {
        "fail" => Ok(ConflictPolicy::Fail),
        "skip" => Ok(ConflictPolicy::Skip),
        _ => Err(CliError::invalid(format!(
            "--on-conflict {text}: expected fail or skip"
        ))),
    }
}
