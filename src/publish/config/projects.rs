//! What projects are allowed: `[projects."group/name"]`.

use aqueduct_core::allow::Allowed;

use super::{Settings, typed};

pub(super) fn read(path: &str, table: &toml::Table) -> Result<Allowed, String> {
    typed(path, table.clone())
}

/// A name that is allowed and not defined is a slip of the pen, told when the file is read.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    for (project, allowed) in &settings.projects {
        let destinations = allowed.destinations.iter();
        let registries = allowed.registries.iter();
        let unknown = destinations
            .filter_map(|name| settings.destination(name).err())
            .chain(registries.filter_map(|name| settings.registry(name).err()))
            .next();
        if let Some(unknown) = unknown {
            return Err(format!("`projects.\"{project}\"`: {unknown}"));
        }
    }
    Ok(())
}
