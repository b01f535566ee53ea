//! `aqueduct image pack`.

use std::path::Path;

use aqueduct_core::image::{LayoutReference, Reference};
use aqueduct_publish::pack::{self, Addition, Ownership, PackOptions};

use super::index::{platform, reference};
use crate::{
    args::{ImageArgs, ImageCommand, PackArgs},
    error::CliError,
    exit::Exit,
    output, settings,
    wire::{block_on, registry_client},
};

/// Runs the command.
pub(crate) fn run(args: &ImageArgs) -> Result<Exit, CliError> {
    let ImageCommand::Pack(args) = &args.command;
    let options = options(args)?;
    let settings = settings::load(Path::new("."), None)?;
    let client = registry_client(&settings, &[])?;
    let report = block_on(pack::pack(&client, &options))?
        .map_err(|error| CliError::from_verdict(&error.verdict()))?;
    if args.json {
        output::json_line(&report)?;
    } else {
        output::text(&format!("{}@{}\n", report.reference, report.digest))?;
    }
    Ok(Exit::Success)
}

fn options(args: &PackArgs) -> Result<PackOptions, CliError> {
    Ok(PackOptions {
        platform: platform(&args.platform)?,
        from: args.from.as_deref().map(reference).transpose()?,
        add: args
            .files
            .iter()
            .map(|text| addition(text))
            .collect::<Result<_, _>>()?,
        ownership: if args.keep_ownership {
            Ownership::Keep
        } else {
            Ownership::Root
        },
        entrypoint: (!args.entrypoint.is_empty()).then(|| args.entrypoint.clone()),
        cmd: (!args.cmd.is_empty()).then(|| args.cmd.clone()),
        env: args.env.clone(),
        labels: args.label.iter().cloned().collect(),
        user: args.user.clone(),
        workdir: args.workdir.clone(),
        output: layout(&args.output)?,
        source_date_epoch: source_date_epoch()?,
    })
}

/// `SOURCE:TARGET`, or `SOURCE` alone for the root of the image.
fn addition(text: &str) -> Result<Addition, CliError> {
    if let Some(addition) = Addition::parse(text) {
        return Ok(addition);
    }
    let name = Path::new(text).file_name().ok_or_else(|| {
        CliError::invalid(format!("`{text}` names no file"))
            .with_help("write SOURCE:/PATH/IN/IMAGE")
    })?;
    let target = if Path::new(text).is_dir() {
        "/".to_owned()
    } else {
        format!("/{}", name.to_string_lossy())
    };
    Ok(Addition {
        source: text.into(),
        target,
    })
}

fn layout(text: &str) -> Result<LayoutReference, CliError> {
    let text = if text.starts_with("oci:") {
        text.to_owned()
    } else {
        format!("oci:{text}")
    };
    match reference(&text)? {
        Reference::Layout(layout) => Ok(layout),
        Reference::Registry(_) => Err(CliError::invalid(format!("`{text}` is not an OCI layout"))
            .with_help("write oci:PATH:TAG; `aqueduct index create` pushes it to a registry")),
    }
}

/// Times in an image come from `SOURCE_DATE_EPOCH`, or are the epoch itself: never the clock's.
fn source_date_epoch() -> Result<i64, CliError> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(_) => Ok(0),
        Ok(text) => text.trim().parse().map_err(|_| {
            CliError::invalid(format!(
                "SOURCE_DATE_EPOCH is `{text}`, not a number of seconds"
            ))
        }),
    }
}
