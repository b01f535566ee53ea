//! What a project's `index` and `publish` jobs may release to: the operator's allow-list (design 3.8).
//!
//! A pipeline file chooses among what its project is allowed and defines nothing. What is not named is refused, so that a
//! project without an entry releases nowhere.

#[cfg(test)]
mod tests;

use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    image::Reference,
    package::normalize_name,
    verdict::{Verdict, VerdictKind},
};

/// What a project's `index` and `publish` jobs may release to in a coordinator. What is not named is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Allowed {
    /// Names of destinations: what `publish:to` may say.
    pub destinations: Vec<String>,
    /// Names of registries: what `index:copy_to` may say.
    pub registries: Vec<String>,
    /// Repositories that images are pushed to and read from, as `HOST/PATH` or `oci:/PATH`; each allows itself and all below
    /// it, in whole segments.
    pub repositories: Vec<String>,
    /// Names of Python distributions, in any spelling; `team-*` allows all that begin so, `*` all.
    pub packages: Vec<String>,
}

/// What a project is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operator doesn't allow it: `{what}` is not among {list} of [projects.\"{project}\"]")]
pub struct Denial {
    /// `group/name`.
    pub project: String,
    /// The list that lacks it.
    pub list: &'static str,
    /// What was asked for.
    pub what: String,
}

impl Denial {
    /// Why the job fails.
    pub fn verdict(&self) -> Verdict {
        let hint = format!(
            "use what the project is allowed, or have `{}` added to `{}` in the coordinator's settings",
            self.what, self.list
        );
        Verdict::new(VerdictKind::ConfigInvalid, self.to_string()).with_hint(hint)
    }
}

/// A project and what it is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Permit<'a> {
    /// `group/name`.
    pub project: &'a str,
    /// Its lists.
    pub allowed: &'a Allowed,
}

impl Permit<'_> {
    /// Whether it may publish to the destination of that name.
    ///
    /// # Errors
    /// [`Denial`] if not.
    pub fn destination(&self, name: &str) -> Result<(), Denial> {
        let found = self.allowed.destinations.iter().any(|one| one == name);
        self.decide(found, "destinations", name)
    }

    /// Whether it may copy images to the registry of that name.
    ///
    /// # Errors
    /// [`Denial`] if not.
    pub fn registry(&self, name: &str) -> Result<(), Denial> {
        let found = self.allowed.registries.iter().any(|one| one == name);
        self.decide(found, "registries", name)
    }

    /// Whether it may push to and read from where an image is. Reading counts too: it is done with the operator's login.
    ///
    /// # Errors
    /// [`Denial`] if not.
    pub fn repository(&self, image: &Reference) -> Result<(), Denial> {
        let mut entries = self.allowed.repositories.iter();
        match image {
            Reference::Registry(place) => {
                let name = format!("{}/{}", place.registry, place.repository);
                let found = entries.any(|entry| holds(entry, &name));
                self.decide(found, "repositories", &name)
            }
            Reference::Layout(place) => {
                let roots = entries.filter_map(|entry| entry.strip_prefix("oci:"));
                let found = roots
                    .map(Path::new)
                    .any(|root| root.is_absolute() && place.path.starts_with(root));
                let name = format!("oci:{}", place.path.display());
                self.decide(found && is_plain(&place.path), "repositories", &name)
            }
        }
    }

    /// Whether it may publish distributions of that name, in any spelling.
    ///
    /// # Errors
    /// [`Denial`] if not.
    pub fn package(&self, name: &str) -> Result<(), Denial> {
        let name = normalize_name(name);
        let found = self.allowed.packages.iter().any(|entry| {
            entry.strip_suffix('*').map_or_else(
                || normalize_name(entry) == name,
                |start| name.starts_with(&normalize_name(start)),
            )
        });
        self.decide(found, "packages", &name)
    }

    fn decide(&self, found: bool, list: &'static str, what: &str) -> Result<(), Denial> {
        if found {
            return Ok(());
        }
        Err(Denial {
            project: self.project.to_owned(),
            list,
            what: what.to_owned(),
        })
    }
}

/// Whether an entry is `name` or stands above it.
fn holds(entry: &str, name: &str) -> bool {
    let entry = entry.trim_end_matches('/');
    let rest = name.strip_prefix(entry).filter(|_| !entry.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path goes nowhere but down.
fn is_plain(path: &Path) -> bool {
    let down = |part| matches!(part, Component::RootDir | Component::Normal(_));
    path.components().all(down)
}
