//! Asks the operator's allow-list before anything is sent.

use std::path::PathBuf;

use aqueduct_core::{
    allow::{Denial, Permit},
    image::Reported,
    package::DistributionName,
    verdict::{Verdict, VerdictKind},
};

use crate::{
    Settings,
    index::{ImageOrigin, IndexOptions},
};

/// What the job's project may do; without a permit, everything.
pub(super) struct Guard<'a>(Option<Permit<'a>>);

impl<'a> Guard<'a> {
    /// For a run on somebody's own machine.
    pub(super) const fn open() -> Self {
        Self(None)
    }

    /// For a project, which must be one that the operator has named.
    pub(super) fn new(settings: &'a Settings, project: Option<&'a str>) -> Result<Self, Verdict> {
        let refused = |cause: String| Err(Verdict::new(VerdictKind::ConfigInvalid, cause));
        let Some(project) = project else {
            return refused("the job belongs to no project, so nothing allows it a release".into());
        };
        match settings.projects.get(project) {
            Some(allowed) => Ok(Self(Some(Permit { project, allowed }))),
            None => refused(format!(
                "the operator allows the project {project} no releases: there is no [projects.\"{project}\"] in the coordinator's settings"
            )),
        }
    }

    /// Destinations by name.
    pub(super) fn destinations<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Result<(), Verdict> {
        self.each(names, |permit, name| permit.destination(name))
    }

    /// Registries by name.
    pub(super) fn copies(&self, names: &[String]) -> Result<(), Verdict> {
        self.each(names, |permit, name| permit.registry(name))
    }

    /// Where an index is pushed to, and where its images are read from. Layouts among the artifacts are the project's own.
    pub(super) fn images(&self, options: &IndexOptions) -> Result<(), Verdict> {
        self.each(&options.images, Permit::repository)?;
        let read = options.sources.iter().filter_map(|source| match source {
            ImageOrigin::Reference(reference) => Some(reference.clone()),
            // What can't be read is told when it is to be used.
            ImageOrigin::DigestFile { text, .. } => Reported::parse(text).ok()?.reference,
            ImageOrigin::Layout { .. } => None,
        });
        self.each(read, |permit, reference| permit.repository(&reference))
    }

    /// Distributions by their files' names, which what is inside of them has to agree with. Other files are refused later.
    pub(super) fn packages(&self, files: &[PathBuf]) -> Result<(), Verdict> {
        let names = files.iter().filter_map(|file| {
            let name: DistributionName = file.file_name()?.to_str()?.parse().ok()?;
            Some(name.name().to_owned())
        });
        self.each(names, |permit, name| permit.package(&name))
    }

    fn each<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        allows: impl Fn(&Permit<'a>, T) -> Result<(), Denial>,
    ) -> Result<(), Verdict> {
        let Some(permit) = &self.0 else {
            return Ok(());
        };
        let denied = all.into_iter().find_map(|one| allows(permit, one).err());
        denied.map_or(Ok(()), |denial| Err(denial.verdict()))
    }
}
