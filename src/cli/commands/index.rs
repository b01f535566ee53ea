//! `aqueduct index create|inspect`.

use std::{collections::BTreeMap, path::Path, str::FromStr as _};

use aqueduct_core::{image::Reference, platform::Platform};
use aqueduct_publish::index::{self, ImageOrigin, IndexOptions};

use crate::{
    args::{IndexArgs, IndexCommand, IndexCreateArgs, IndexInspectArgs},
    error::CliError,
    exit::Exit,
    output, settings,
    wire::{StderrLog, block_on, registry_client},
};

/// Runs the command.
pub(crate) fn run(args: &IndexArgs) -> Result<Exit, CliError> {
    match &args.command {
        IndexCommand::Create(args) => create(args),
        IndexCommand::Inspect(args) => inspect(args),
    }
}

fn create(args: &IndexCreateArgs) -> Result<Exit, CliError> {
    let settings = settings::load(Path::new("."), None)?;
    let image = reference(&args.image)?;
    let copies = args
        .copy_to
        .iter()
        .map(|name| {
            let registry = settings.release.registry(name).map_err(|error| {
                CliError::invalid(error).with_help("define it under [registries] in aqueduct.toml")
            })?;
            aqueduct_publish::copy_reference(&image, registry).map_err(CliError::invalid)
        })
        .collect::<Result<_, _>>()?;
    let options = IndexOptions {
        images: vec![image],
        sources: args
            .from
            .iter()
            .map(|text| reference(text).map(ImageOrigin::Reference))
            .collect::<Result<_, _>>()?,
        platforms: args
            .platform
            .iter()
            .map(|text| platform(text))
            .collect::<Result<_, _>>()?,
        annotations: args.annotation.iter().cloned().collect::<BTreeMap<_, _>>(),
        tags: args.tags.clone(),
        copies,
    };
    let client = registry_client(&settings, &args.plain_http)?;
    let report = block_on(index::create(&client, &options, &StderrLog))?
        .map_err(|error| CliError::from_verdict(&error.verdict()))?;
    if args.json {
        output::json_line(&report)?;
    } else {
        for pushed in &report.pushed {
            output::text(&format!("{}@{}\n", pushed.reference, report.digest))?;
        }
    }
    Ok(Exit::Success)
}

fn inspect(args: &IndexInspectArgs) -> Result<Exit, CliError> {
    let settings = settings::load(Path::new("."), None)?;
    let client = registry_client(&settings, &args.plain_http)?;
    let image = reference(&args.image)?;
    let found = block_on(index::inspect(&client, &image))?.map_err(|error| {
        let kind = error.verdict_kind();
        CliError::failed(&error)
            .with_exit(Exit::of(kind))
            .with_help(error.hint().unwrap_or(kind.hint()))
    })?;
    if args.json {
        output::json_line(&found)?;
    } else {
        output::text(&found.to_string())?;
    }
    Ok(Exit::Success)
}

/// An image reference of the command line.
pub(super) fn reference(text: &str) -> Result<Reference, CliError> {
    Reference::from_str(text).map_err(|error| {
        CliError::invalid(error)
            .with_help("write host/repository:tag, or oci:PATH:TAG for an OCI layout")
    })
}

/// A platform of the command line.
pub(super) fn platform(text: &str) -> Result<Platform, CliError> {
    Platform::parse(text).ok_or_else(|| {
        CliError::invalid(format!("`{text}` is not a platform"))
            .with_help("write OS/ARCH, such as linux/arm64")
    })
}
