//! `needs` and `dependencies`.

use super::{Stages, stage, unknown_job};
use crate::{
    diag::{Diagnostic, Diagnostics},
    hash::HashSet,
    lang::{
        codes::{
            DEPENDENCY_NOT_NEEDED, DUPLICATE_NEED, LATER_STAGE, NEED_CYCLE, NO_SAME_ARCH,
            UNKNOWN_AXIS, UNKNOWN_INSTANCE,
        },
        graph::find_cycle,
        instances::{ARCH_AXIS, Catalog, Instance, KeyPath, Selection, path, select},
        model::{Job, JobNeed, Need, NeedTarget, Parallel, Pipeline, Spanned},
    },
    platform::Arch,
};

pub(super) fn check(
    model: &Pipeline,
    catalog: &Catalog<'_>,
    stages: &Stages<'_>,
    sink: &mut Diagnostics,
) {
    let checker = Checker {
        model,
        catalog,
        stages,
    };
    for job in model.jobs.values() {
        if let Some(needs) = &job.needs {
            checker.list(job, needs, "needs", sink);
        }
        for rule in job.rules.iter().flatten() {
            if let Some(needs) = &rule.needs {
                checker.list(job, needs, "rules:needs", sink);
            }
        }
        checker.dependencies(job, sink);
    }
    check_cycles(model, sink);
}

/// Whether a job can have an architecture: by its keyword, an axis, or a tag, whose variables only a context knows.
fn may_have_arch(job: &Job) -> bool {
    let axis = match job.parallel.as_ref().map(|parallel| &parallel.value) {
        Some(Parallel::Matrix(entries)) => {
            entries.iter().any(|entry| entry.contains_key(ARCH_AXIS))
        }
        _ => false,
    };
    let names_arch =
        |tag: &Spanned<String>| tag.value.contains(['$', '%']) || Arch::parse(&tag.value).is_some();
    job.arch.is_some() || axis || job.tags.iter().any(names_arch)
}

/// What is said of `arch: same` where there is no such instance.
pub(in crate::lang) fn no_same_arch(path: KeyPath<'_>, need: &JobNeed, why: &str) -> Diagnostic {
    let message = format!(
        "{path} asks for `{}` of the same architecture, but {why}",
        need.job.value
    );
    Diagnostic::error(NO_SAME_ARCH, need.job.span, message)
        .with_help("give both jobs an `arch` that has the architecture, or remove `arch: same`")
}

struct Checker<'c, 'm> {
    model: &'m Pipeline,
    catalog: &'c Catalog<'m>,
    stages: &'c Stages<'m>,
}

impl Checker<'_, '_> {
    fn list(&self, job: &Job, needs: &[Need], key: &'static str, sink: &mut Diagnostics) {
        let path = path(job, key);
        let mut seen = HashSet::default();
        for need in needs {
            if let NeedTarget::Job(target) = &need.target {
                self.entry(job, target, path, &mut seen, sink);
            }
        }
    }

    fn entry(
        &self,
        job: &Job,
        need: &JobNeed,
        path: KeyPath<'_>,
        seen: &mut HashSet<usize>,
        sink: &mut Diagnostics,
    ) {
        let name = &need.job;
        let Some(target) = self.target(name) else {
            if !need.optional {
                unknown_job(path, name, self.model, sink);
            }
            return;
        };
        // Also by the full name of an instance: that one would wait for itself.
        if target.name.value == job.name.value {
            let message = format!("{path} names the job itself");
            sink.push(Diagnostic::error(NEED_CYCLE, name.span, message).with_help("remove it"));
            return;
        }
        self.order(job, target, name, path, sink);
        if need.same_arch
            && let Some(without) = [job, target].into_iter().find(|job| !may_have_arch(job))
        {
            let why = format!("`{}` has none", without.name.value);
            sink.push(no_same_arch(path, need, &why));
            return;
        }
        let mut first = None;
        for at in self.catalog.of(&job.name.value) {
            let from = &self.catalog.all[at];
            match select(need, from, self.catalog) {
                Selection::Found(found) => {
                    first.get_or_insert(found);
                }
                failed => {
                    sink.push(not_selected(need, from, failed, path));
                    return;
                }
            }
            if need.matrix.is_none() {
                break;
            }
        }
        if first.iter().flatten().any(|at| !seen.insert(*at)) {
            let message = format!("{path} names `{}` twice", name.value);
            sink.push(
                Diagnostic::error(DUPLICATE_NEED, name.span, message)
                    .with_help("remove one of the two"),
            );
        }
    }

    /// The job that a name means, be it that of one instance.
    fn target(&self, name: &Spanned<String>) -> Option<&Job> {
        let first = self.catalog.named(&name.value).next()?;
        Some(self.catalog.all[first].job)
    }

    /// Whether all instances that a name means are among those that are needed.
    fn are_needed(&self, name: &Spanned<String>, needs: &[Need]) -> bool {
        let needed = needs.iter().filter_map(|need| match &need.target {
            NeedTarget::Job(target) => Some(self.catalog.named(&target.job.value)),
            _ => None,
        });
        let needed: Vec<_> = needed.collect();
        let mut wanted = self.catalog.named(&name.value);
        wanted.all(|at| needed.iter().any(|range| range.contains(&at)))
    }

    fn order(
        &self,
        job: &Job,
        target: &Job,
        name: &Spanned<String>,
        path: KeyPath<'_>,
        sink: &mut Diagnostics,
    ) {
        let (Some(own), Some(theirs)) = (self.stages.of(job), self.stages.of(target)) else {
            return;
        };
        if theirs > own {
            let message = format!(
                "{path} names `{}` of the stage `{}`, which comes after `{}`",
                name.value,
                stage(target),
                stage(job)
            );
            sink.push(
                Diagnostic::error(LATER_STAGE, name.span, message)
                    .with_label(target.name.span, "defined here")
                    .with_help("move one of the jobs to another stage"),
            );
        }
    }

    fn dependencies(&self, job: &Job, sink: &mut Diagnostics) {
        let Some(dependencies) = &job.dependencies else {
            return;
        };
        let path = path(job, "dependencies");
        for name in dependencies {
            let Some(target) = self.target(name) else {
                unknown_job(path, name, self.model, sink);
                continue;
            };
            self.order(job, target, name, path, sink);
            if let Some(needs) = &job.needs
                && !self.are_needed(name, needs)
            {
                let message = format!(
                    "{path} names `{}`, which is not among the job's `needs`",
                    name.value
                );
                sink.push(
                    Diagnostic::error(DEPENDENCY_NOT_NEEDED, name.span, message)
                        .with_help("add it to `needs`, or remove it here"),
                );
            }
        }
    }
}

/// Whether a need names that job of this pipeline.
pub(super) fn is_job(need: &Need, name: &str) -> bool {
    matches!(&need.target, NeedTarget::Job(target) if target.job.value == name)
}

/// The error for a selection that finds nothing.
pub(in crate::lang) fn not_selected(
    need: &JobNeed,
    from: &Instance<'_>,
    failed: Selection,
    path: KeyPath<'_>,
) -> Diagnostic {
    let span = need.job.span;
    match failed {
        Selection::UnknownAxis(axis) => {
            let message = format!(
                "{path} uses `matrix.{axis}`, but `{}` has no such axis",
                from.name
            );
            Diagnostic::error(UNKNOWN_AXIS, span, message)
                .with_help("use the name of an axis of the job's own `parallel: matrix` or `arch`")
        }
        Selection::NoSuchInstance(values) => {
            let message = format!(
                "{path} names an instance of `{}` that it doesn't have: {values}",
                need.job.value
            );
            Diagnostic::error(UNKNOWN_INSTANCE, span, message)
                .with_help("use values of the needed job's own matrix")
        }
        Selection::Found(_) => {
            let message = format!("{path} names no instance of `{}`", need.job.value);
            Diagnostic::error(UNKNOWN_INSTANCE, span, message)
                .with_help("use values of the needed job's own matrix")
        }
    }
}

/// Circles through whole jobs. Needs that select instances are left to the plan, where instances are known.
fn check_cycles(model: &Pipeline, sink: &mut Diagnostics) {
    let whole = |need: &Need| match &need.target {
        NeedTarget::Job(target) if target.matrix.is_none() && !target.same_arch => {
            model.jobs.get_index_of(&target.job.value)
        }
        _ => None,
    };
    let edges: Vec<Vec<usize>> = model
        .jobs
        .values()
        .enumerate()
        .map(|(own, job)| {
            let needs = job.needs.iter().flatten().filter_map(whole);
            needs.filter(|at| *at != own).collect()
        })
        .collect();
    if let Some(cycle) = find_cycle(&edges) {
        let jobs: Vec<&Job> = cycle.iter().map(|at| &model.jobs[*at]).collect();
        sink.push(cycle_error(
            &jobs,
            jobs.iter().map(|job| job.name.value.as_str()),
        ));
    }
}

/// The error for jobs that need each other in a circle; `names` as they are to be shown.
pub(in crate::lang) fn cycle_error<'n>(
    jobs: &[&Job],
    names: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    let mut names: Vec<&str> = names.collect();
    names.extend(names.first().copied());
    let message = format!("jobs need each other in a circle: {}", names.join(" -> "));
    let place = jobs.first().map(|job| job.name.span).unwrap_or_default();
    let error =
        Diagnostic::error(NEED_CYCLE, place, message).with_help("remove one of these needs");
    jobs.iter().skip(1).fold(error, |error, job| {
        error.with_label(job.name.span, "part of the circle")
    })
}
