//! `index` and `publish` jobs.

mod guard;
mod record;

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use aqueduct_core::{
    image::{LayoutReference, Reference},
    plan::{IndexSource, IndexSpec, PublishSpec},
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::release::{InputArtifacts, ReleaseBackend, ReleaseInputs, ReleaseLog};
use aqueduct_registry::Client;
use async_trait::async_trait;

use crate::{
    Settings,
    index::{self, ImageOrigin, IndexOptions},
    python::{self, PublishOptions},
    registries::{Env, copy_reference, registry_client},
};

use guard::Guard;

/// Works off release jobs with the operator's destinations.
#[derive(Clone)]
pub struct Release {
    settings: Settings,
    env: Env,
    guarded: bool,
}

impl Release {
    /// A backend with these destinations; `env` reads the secrets that they name.
    pub fn new(
        settings: Settings,
        env: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            settings,
            env: Arc::new(env),
            guarded: false,
        }
    }

    /// The same for projects of other people: each may do what the settings allow it, and no more.
    #[must_use]
    pub fn guarded(self) -> Self {
        Self {
            guarded: true,
            ..self
        }
    }

    fn guard<'a>(&'a self, inputs: &'a ReleaseInputs) -> Result<Guard<'a>, Verdict> {
        if self.guarded {
            Guard::new(&self.settings, inputs.project.as_deref())
        } else {
            Ok(Guard::open())
        }
    }

    /// A client an `index` job: TLS roots take time to load, and most runs release nothing.
    fn client(&self) -> Result<Client, Verdict> {
        let env = Arc::clone(&self.env);
        registry_client(&self.settings, move |name| env(name), [])
            .map_err(|error| Verdict::new(VerdictKind::Internal, error.to_string()))
    }

    fn index_options(
        &self,
        spec: &IndexSpec,
        inputs: &ReleaseInputs,
    ) -> Result<IndexOptions, Verdict> {
        let images = spec.image.iter().map(|text| reference(text));
        let images: Vec<Reference> = images.collect::<Result<_, _>>()?;
        let mut copies = Vec::new();
        for name in &spec.copy_to {
            let registry = self.settings.registry(name).map_err(invalid)?;
            for image in &images {
                copies.push(copy_reference(image, registry).map_err(invalid)?);
            }
        }
        let mut sources = Vec::new();
        for source in &spec.from {
            sources.extend(origins(source, inputs)?);
        }
        Ok(IndexOptions {
            images,
            sources,
            platforms: spec.platforms.clone(),
            annotations: BTreeMap::from_iter(spec.annotations.clone()),
            tags: spec.tags.clone(),
            copies,
        })
    }
}

#[async_trait]
impl ReleaseBackend for Release {
    async fn index(
        &self,
        spec: &IndexSpec,
        inputs: &ReleaseInputs,
        log: &dyn ReleaseLog,
    ) -> Result<(), Verdict> {
        let guard = self.guard(inputs)?;
        guard.copies(&spec.copy_to)?;
        let options = self.index_options(spec, inputs)?;
        guard.images(&options)?;
        let report = index::create(&self.client()?, &options, log).await;
        let report = report.map_err(|error| error.verdict())?;
        log.released(record::of_index(&report));
        Ok(())
    }

    async fn publish(
        &self,
        spec: &PublishSpec,
        inputs: &ReleaseInputs,
        log: &dyn ReleaseLog,
    ) -> Result<(), Verdict> {
        let guard = self.guard(inputs)?;
        guard.destinations(spec.to.iter().chain(&spec.primary))?;
        if let Some(glob) = spec.python.iter().find(|glob| !stays_inside(glob)) {
            return Err(invalid(format!("`{glob}` is not a path within artifacts")));
        }
        let dirs: Vec<PathBuf> = inputs.jobs.iter().map(|job| job.dir.clone()).collect();
        let files = python::find_files(&dirs, &spec.python).map_err(|error| {
            let cause = format!("{error} in the artifacts of the needed jobs");
            Verdict::new(VerdictKind::ArtifactMissing, cause)
        })?;
        if let Some(out) = files.iter().find(|file| !lies_within(file, &dirs)) {
            let name = out.file_name().unwrap_or_default().display();
            return Err(invalid(format!("`{name}` leads out of the artifacts")));
        }
        guard.packages(&files)?;
        let options = PublishOptions {
            files,
            to: spec.to.clone(),
            primary: spec.primary.clone(),
            require: spec.require,
            on_conflict: spec.on_conflict,
            ..PublishOptions::default()
        };
        let env = Arc::clone(&self.env);
        let report = python::publish(&self.settings, &move |name: &str| env(name), &options, log)
            .await
            .map_err(|error| error.verdict())?;
        log.released(record::of_publish(&report));
        if let Some(lacking) = report.lacking() {
            log.line(&format!("WARNING: {lacking}"));
        }
        report.verdict().map_or(Ok(()), Err)
    }
}

fn invalid(cause: impl Into<String>) -> Verdict {
    Verdict::new(VerdictKind::ConfigInvalid, cause)
}

fn reference(text: &str) -> Result<Reference, Verdict> {
    text.trim()
        .parse()
        .map_err(|error: aqueduct_core::image::ReferenceError| invalid(error.to_string()))
}

/// The images that one source of a spec names: one per instance of the job it names.
fn origins(source: &IndexSource, inputs: &ReleaseInputs) -> Result<Vec<ImageOrigin>, Verdict> {
    match source {
        IndexSource::Reference(text) => Ok(vec![ImageOrigin::Reference(reference(text)?)]),
        IndexSource::DigestFile { job, path } => instances(job, inputs)?
            .map(|instance| {
                let file = artifact(instance, path)?;
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| missing(instance, path, &error.to_string()))?;
                let name = format!("{path} of {}", instance.job);
                Ok(ImageOrigin::DigestFile { name, text })
            })
            .collect(),
        IndexSource::Layout { job, path } => instances(job, inputs)?
            .map(|instance| {
                let dir = artifact(instance, path)?;
                if !dir.join("index.json").is_file() {
                    return Err(missing(instance, path, "there is no OCI layout"));
                }
                let place = LayoutReference {
                    path: dir,
                    tag: None,
                    digest: None,
                };
                let name = format!("{path} of {}", instance.job);
                Ok(ImageOrigin::Layout { name, place })
            })
            .collect(),
    }
}

/// The instances of a job, by its name in the file or the full name of one of them.
fn instances<'a>(
    job: &'a str,
    inputs: &'a ReleaseInputs,
) -> Result<impl Iterator<Item = &'a InputArtifacts>, Verdict> {
    let mut found = inputs
        .jobs
        .iter()
        .filter(move |input| input.base == job || input.job == job)
        .peekable();
    if found.peek().is_none() {
        let cause = format!("no artifacts of the job `{job}` are here");
        return Err(Verdict::new(VerdictKind::ArtifactMissing, cause)
            .with_hint(format!("add `{job}` to `needs`, with its artifacts")));
    }
    Ok(found)
}

/// Whether a path, or a glob, is relative and free of `..`.
fn stays_inside(path: &str) -> bool {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.trim().is_empty() && Path::new(path.trim()).components().all(inside)
}

/// Whether a file is what it seems: a link in the artifacts may point anywhere.
fn lies_within(file: &Path, dirs: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(file).is_some_and(|file| {
        let mut roots = dirs.iter().filter_map(|dir| real(dir));
        roots.any(|root| file.starts_with(root))
    })
}

/// A path within an instance's artifacts, never outside of them.
fn artifact(instance: &InputArtifacts, path: &str) -> Result<PathBuf, Verdict> {
    if !stays_inside(path) {
        return Err(invalid(format!("`{path}` is not a path within artifacts")));
    }
    let relative = Path::new(path.trim());
    let full = instance.dir.join(relative);
    // A link in the artifacts may point anywhere.
    let real = full
        .canonicalize()
        .map_err(|error| missing(instance, path, &error.to_string()))?;
    let root = instance
        .dir
        .canonicalize()
        .map_err(|error| missing(instance, path, &error.to_string()))?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(invalid(format!(
            "`{path}` of {} leads out of its artifacts",
            instance.job
        )))
    }
}

fn missing(instance: &InputArtifacts, path: &str, cause: &str) -> Verdict {
    let text = format!(
        "{path} is not among the artifacts of {}: {cause}",
        instance.job
    );
    Verdict::new(VerdictKind::ArtifactMissing, text)
}

#[cfg(test)]
mod tests;
