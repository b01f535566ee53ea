//! `parallel`, its matrix, and `arch`: the instances that one job of the file stands for (pipeline-yaml section 10).

mod select;
#[cfg(test)]
mod tests;

pub(super) use select::{Selection, agree, select};

use std::{fmt, ops::Range};

use indexmap::IndexMap;

use super::{
    codes::{ARCH_CONFLICT, DUPLICATE_JOB, NAME_TOO_LONG, TOO_MANY_INSTANCES},
    model::{ArchDecl, Job, MatrixEntry, Parallel, Pipeline, Spanned},
};
use crate::{
    diag::{Diagnostic, Diagnostics},
    hash::{HashMap, State},
    platform::Arch,
};

/// The variable that is the axis of `arch`.
pub(super) const ARCH_AXIS: &str = "AQUEDUCT_ARCH";
/// Most instances of one job.
const MAX_INSTANCES: usize = 200;
/// Most jobs of one pipeline. Matrices multiply: a file of a few kilobytes can ask for millions.
const MAX_JOBS: usize = 100_000;
/// Longest full name of a job, in characters.
const MAX_NAME: usize = 255;

/// One job as it will run, before rules have a say.
#[derive(Clone, Debug)]
pub(super) struct Instance<'m> {
    /// The job of the file.
    pub(super) job: &'m Job,
    /// Its full name.
    pub(super) name: String,
    /// Name and value of each axis, in order of declaration.
    pub(super) axes: Vec<(&'m str, &'m str)>,
    /// Which one it is, from 1, and of how many; `None` for a job that is not parallel.
    pub(super) node: Option<(u32, u32)>,
    /// What `arch` or the axis pins it to; tags may pin it later.
    pub(super) arch: Option<Arch>,
}

/// All instances of a pipeline in file order.
#[derive(Clone, Debug)]
pub(super) struct Catalog<'m> {
    /// The instances.
    pub(super) all: Vec<Instance<'m>>,
    of_job: HashMap<&'m str, Range<usize>>,
}

impl<'m> Catalog<'m> {
    /// Multiplies every job; what can't be is told and stands there as a single instance.
    pub(super) fn new(model: &'m Pipeline, sink: &mut Diagnostics) -> Self {
        let mut catalog = Self {
            all: Vec::with_capacity(model.jobs.len()),
            of_job: HashMap::with_capacity_and_hasher(model.jobs.len(), State::default()),
        };
        let mut full = false;
        for (name, job) in &model.jobs {
            let start = catalog.all.len();
            match instances(job) {
                Ok(instances) if start + instances.len() <= MAX_JOBS => {
                    catalog.all.extend(instances);
                }
                // Each job keeps its place, so that others which name it are not blamed.
                Ok(_) => {
                    if !std::mem::replace(&mut full, true) {
                        sink.push(too_many_jobs(job));
                    }
                    catalog.all.push(single(job));
                }
                Err(diagnostic) => {
                    sink.push(*diagnostic);
                    catalog.all.push(single(job));
                }
            }
            catalog.of_job.insert(name, start..catalog.all.len());
        }
        check_names(&catalog, sink);
        catalog
    }

    /// The places of a job's instances in [`Self::all`]; empty for an unknown job.
    pub(super) fn of(&self, job: &str) -> Range<usize> {
        self.of_job.get(job).cloned().unwrap_or_default()
    }

    /// The places that a name in `needs` or `dependencies` means: all instances of a job, or the one of that full name.
    pub(super) fn named(&self, name: &str) -> Range<usize> {
        let whole = self.of(name);
        if !whole.is_empty() {
            return whole;
        }
        let of_matrix = name.match_indices(": [");
        let of_count = name.rmatch_indices(' ').take(1);
        of_matrix
            .chain(of_count)
            .filter_map(|(end, _)| self.of(&name[..end]).find(|at| self.all[*at].name == name))
            .map(|at| at..at + 1)
            .next()
            .unwrap_or_default()
    }
}

fn check_names(catalog: &Catalog<'_>, sink: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Job> =
        HashMap::with_capacity_and_hasher(catalog.all.len(), State::default());
    for Instance { job, name, .. } in &catalog.all {
        // A name that is too long by itself has been told where names are checked.
        if name.chars().count() > MAX_NAME && job.name.value.chars().count() <= MAX_NAME {
            let message = format!(
                "{} makes the name `{name}`, which is longer than {MAX_NAME} characters",
                path(job, "parallel")
            );
            sink.push(
                Diagnostic::error(NAME_TOO_LONG, job.name.span, message)
                    .with_help("shorten the job's name or the values of its matrix"),
            );
        }
        if let Some(other) = seen.insert(name, job) {
            let message = format!("jobs:{} makes a second job named `{name}`", job.name.value);
            sink.push(
                Diagnostic::error(DUPLICATE_JOB, job.name.span, message)
                    .with_label(other.name.span, "the first one is made here")
                    .with_help("rename one of the two"),
            );
        }
    }
}

fn single(job: &Job) -> Instance<'_> {
    Instance {
        job,
        name: job.name.value.clone(),
        axes: Vec::new(),
        node: None,
        arch: match &job.arch {
            Some(ArchDecl::One(arch)) => Some(arch.value),
            _ => None,
        },
    }
}

fn instances(job: &Job) -> Result<Vec<Instance<'_>>, Box<Diagnostic>> {
    let parallel = job.parallel.as_ref();
    match (&job.arch, parallel.map(|parallel| &parallel.value)) {
        (Some(ArchDecl::Axis(archs)), None) => matrix(job, Some(archs), &[]),
        (Some(ArchDecl::Axis(archs)), Some(Parallel::Matrix(entries))) => {
            matrix(job, Some(archs), entries)
        }
        (Some(ArchDecl::Axis(archs)), Some(Parallel::Count(_))) => {
            let message = format!(
                "{} can't be a number beside a list of architectures",
                path(job, "parallel")
            );
            let place = parallel.map_or(archs[0].span, |parallel| parallel.span);
            Err(Box::new(
                Diagnostic::error(ARCH_CONFLICT, place, message).with_help(
                    "write the shards as an axis: `parallel: {matrix: [{SHARD: [1, 2]}]}`",
                ),
            ))
        }
        (_, Some(Parallel::Matrix(entries))) => matrix(job, None, entries),
        (_, Some(Parallel::Count(total))) => Ok(shards(job, *total)),
        (_, None) => Ok(vec![single(job)]),
    }
}

fn shards(job: &Job, total: u32) -> Vec<Instance<'_>> {
    (1..=total)
        .map(|index| Instance {
            name: format!("{} {index}/{total}", job.name.value),
            node: Some((index, total)),
            ..single(job)
        })
        .collect()
}

/// The union of the entries' products, architectures first. Of two equal combinations the later one stays, at the place of
/// the first.
fn matrix<'m>(
    job: &'m Job,
    archs: Option<&'m Vec<Spanned<Arch>>>,
    entries: &'m [MatrixEntry],
) -> Result<Vec<Instance<'m>>, Box<Diagnostic>> {
    let arch_axis = archs.map(|archs| {
        let values: Vec<&str> = archs.iter().map(|arch| arch.value.as_str()).collect();
        (ARCH_AXIS, values)
    });
    let mut combinations = Vec::new();
    let count = entries.len().max(1);
    for at in 0..count {
        let entry = entries.get(at);
        if arch_axis.is_some() && entry.is_some_and(|entry| entry.contains_key(ARCH_AXIS)) {
            return Err(Box::new(two_arch_axes(job)));
        }
        let own = entry.into_iter().flatten();
        let own =
            own.map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()));
        let axes: Vec<(&str, Vec<&str>)> = arch_axis.clone().into_iter().chain(own).collect();
        let sizes = axes.iter().map(|(_, values)| values.len());
        let size = sizes
            .fold(1, usize::saturating_mul)
            .saturating_add(combinations.len());
        if size > MAX_INSTANCES {
            return Err(Box::new(too_many(job, size)));
        }
        combinations.extend(product(&axes));
    }
    let total = combinations.len() as u32;
    let mut unique: IndexMap<String, Instance<'_>> = IndexMap::new();
    for (index, axes) in (1..).zip(combinations) {
        let instance = one(job, axes, (index, total))?;
        unique.insert(instance.name.clone(), instance);
    }
    Ok(unique.into_values().collect())
}

/// The cartesian product, the first axis slowest.
fn product<'m>(axes: &[(&'m str, Vec<&'m str>)]) -> Vec<Vec<(&'m str, &'m str)>> {
    axes.iter().fold(vec![Vec::new()], |done, (name, values)| {
        let longer = |begun: &Vec<(&'m str, &'m str)>| {
            let begun = begun.clone();
            values.iter().map(move |value| {
                let mut axes = begun.clone();
                axes.push((*name, *value));
                axes
            })
        };
        done.iter().flat_map(longer).collect()
    })
}

fn one<'m>(
    job: &'m Job,
    axes: Vec<(&'m str, &'m str)>,
    node: (u32, u32),
) -> Result<Instance<'m>, Box<Diagnostic>> {
    let values: Vec<&str> = axes.iter().map(|(_, value)| *value).collect();
    let name = format!("{}: [{}]", job.name.value, values.join(", "));
    let base = single(job);
    let arch = match axes.iter().find(|(name, _)| *name == ARCH_AXIS) {
        Some((_, value)) => Some(axis_arch(job, value)?),
        None => base.arch,
    };
    if base.arch.is_some_and(|pinned| Some(pinned) != arch) {
        return Err(Box::new(two_arch_axes(job)));
    }
    Ok(Instance {
        name,
        axes,
        node: Some(node),
        arch,
        ..base
    })
}

fn axis_arch(job: &Job, value: &str) -> Result<Arch, Box<Diagnostic>> {
    Arch::parse(value).ok_or_else(|| {
        let message = format!(
            "{} gives {ARCH_AXIS} the value `{value}`, which is no architecture",
            path(job, "parallel:matrix")
        );
        let place = job
            .parallel
            .as_ref()
            .map_or(job.name.span, |parallel| parallel.span);
        Box::new(
            Diagnostic::error(ARCH_CONFLICT, place, message)
                .with_help("write `amd64` or `arm64`, or give the axis another name"),
        )
    })
}

fn two_arch_axes(job: &Job) -> Diagnostic {
    let message = format!(
        "{} and `arch` both say the architecture",
        path(job, "parallel:matrix")
    );
    let place = job
        .parallel
        .as_ref()
        .map_or(job.name.span, |parallel| parallel.span);
    Diagnostic::error(ARCH_CONFLICT, place, message).with_help(format!(
        "`arch` with a list is the axis {ARCH_AXIS}: write one of the two"
    ))
}

fn too_many(job: &Job, size: usize) -> Diagnostic {
    let message = format!(
        "{} makes {size} jobs, at most {MAX_INSTANCES} are allowed",
        path(job, "parallel")
    );
    let place = job
        .parallel
        .as_ref()
        .map_or(job.name.span, |parallel| parallel.span);
    Diagnostic::error(TOO_MANY_INSTANCES, place, message)
        .with_help("shorten the lists (the architectures multiply them), or split the job")
}

fn too_many_jobs(job: &Job) -> Diagnostic {
    let message = format!(
        "the pipeline has more than {MAX_JOBS} jobs at `{}`",
        job.name.value
    );
    Diagnostic::error(TOO_MANY_INSTANCES, job.name.span, message)
        .with_help("split it into child pipelines, or shorten its matrices")
}

/// `jobs:<name>:<key>`, with which messages about a keyword begin. Written out only where there is a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPath<'m> {
    job: Option<&'m str>,
    key: &'static str,
}

impl KeyPath<'_> {
    /// A keyword of the pipeline itself.
    pub(super) const fn of_pipeline(key: &'static str) -> Self {
        Self { job: None, key }
    }
}

impl fmt::Display for KeyPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.job {
            Some(job) => write!(f, "jobs:{job}:{}", self.key),
            None => f.write_str(self.key),
        }
    }
}

/// The path of a job's keyword.
pub(super) fn path<'m>(job: &'m Job, key: &'static str) -> KeyPath<'m> {
    KeyPath {
        job: Some(&job.name.value),
        key,
    }
}
