//! Which jobs this machine can't run, found before any of them starts.

use std::{fmt::Write as _, sync::Arc};

use aqueduct_core::{
    plan::{JobKind, PlanJob, When},
    platform::{Arch, Platform},
    sched::{self, ExecutorOffer, Offer, TagPolicy},
    verdict::Verdict,
};
use aqueduct_publish::Settings as ReleaseSettings;

use crate::{args::ExecutorChoice, error::CliError, exit::Exit};

/// Reads a variable that the pipeline was given, else one of the environment.
pub(crate) type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What to know of a machine to say what it can't run.
pub(crate) struct Machine {
    /// What jobs are run with.
    pub(crate) executor: ExecutorChoice,
    /// Why no container can be started.
    pub(crate) no_containers: Option<Verdict>,
    /// Why containers of an architecture can't run.
    pub(crate) container_arch: fn(Arch) -> Option<Verdict>,
    /// Why processes of the machine can't do jobs for an architecture.
    pub(crate) host_arch: fn(Arch) -> Option<Verdict>,
    /// Where `index` and `publish` jobs may release to.
    pub(crate) release: ReleaseSettings,
    /// Reads the secrets that those settings name.
    pub(crate) env: Env,
}

/// Refuses jobs that would start by themselves, or are `played`, and that the machine can't run: all of them at once.
pub(crate) fn check<'a>(
    jobs: impl Iterator<Item = &'a PlanJob>,
    played: &[String],
    machine: &Machine,
) -> Result<(), CliError> {
    let is_played = |job: &PlanJob| {
        job.when != When::Manual
            || played
                .iter()
                .any(|name| *name == job.name || *name == job.base)
    };
    let mut refused: Vec<(Verdict, Vec<&PlanJob>)> = Vec::new();
    for job in jobs.filter(|job| is_played(job)) {
        let Some(verdict) = machine.problem(job) else {
            continue;
        };
        match refused.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, jobs)) => jobs.push(job),
            None => refused.push((verdict, vec![job])),
        }
    }
    match refused.first() {
        None => Ok(()),
        Some((first, _)) => Err(refusal(&refused, Exit::of(first.kind))),
    }
}

fn refusal(refused: &[(Verdict, Vec<&PlanJob>)], exit: Exit) -> CliError {
    let mut message = "not all jobs of the pipeline can run here, so none was started".to_owned();
    let mut hints: Vec<&str> = Vec::new();
    for (verdict, jobs) in refused {
        // Writing to a String can't fail.
        let _ = write!(message, "\n  {verdict}");
        for PlanJob { name, place, .. } in jobs {
            let _ = match place.as_str() {
                "" => write!(message, "\n    {name}"),
                place => write!(message, "\n    {name} ({place})"),
            };
        }
        if !hints.contains(&verdict.hint()) {
            hints.push(verdict.hint());
        }
    }
    CliError::failed(message)
        .with_exit(exit)
        .with_help(hints.join("\n      "))
}

impl Machine {
    fn problem(&self, job: &PlanJob) -> Option<Verdict> {
        match &job.kind {
            JobKind::Script(_) => self.misplaced(job),
            JobKind::Publish(spec) => joined(spec.to.iter().chain(&spec.primary), |name| {
                self.release.publishable(name, &*self.env).err()
            }),
            JobKind::Index(spec) => {
                let images = spec.image.iter();
                let pushed = images.flat_map(|image| self.release.registries_of(image));
                joined(spec.copy_to.iter().chain(pushed), |name| {
                    self.release.pushable(name, &*self.env).err()
                })
            }
            JobKind::Trigger => None,
        }
    }

    fn misplaced(&self, job: &PlanJob) -> Option<Verdict> {
        let offers = [self.offer()];
        let Some(executor) = sched::place(job, &offers[0]) else {
            return sched::refusal(job, &offers);
        };
        if executor == HOST {
            return job.arch.and_then(self.host_arch);
        }
        let arch = job.arch.or_else(|| arch_of_image(job));
        self.no_containers
            .clone()
            .or_else(|| arch.and_then(self.container_arch))
    }

    /// What the runner of this process offers.
    fn offer(&self) -> Offer {
        let archs = Arch::ALL.to_vec();
        let host = (self.executor != ExecutorChoice::Oci)
            .then(|| ExecutorOffer::host(archs.clone(), self.executor == ExecutorChoice::Host));
        let containers =
            (self.executor != ExecutorChoice::Host).then(|| ExecutorOffer::container("oci", archs));
        Offer {
            runner: "local".to_owned(),
            executors: host.into_iter().chain(containers).collect(),
            tags: TagPolicy::Any,
            run_untagged: true,
        }
    }
}

/// The first of the problems with `names`, with the causes of those like it; names with variables are known later.
fn joined<'a>(
    names: impl IntoIterator<Item = &'a String>,
    problem: impl Fn(&str) -> Option<Verdict>,
) -> Option<Verdict> {
    let known = names.into_iter().filter(|name| !name.contains('$'));
    let problems: Vec<Verdict> = known.filter_map(|name| problem(name)).collect();
    let first = problems.first()?.clone();
    let mut causes: Vec<&str> = Vec::new();
    for like in problems.iter().filter(|like| like.hint() == first.hint()) {
        if !causes.contains(&like.cause.as_str()) {
            causes.push(&like.cause);
        }
    }
    let cause = causes.join(", ");
    Some(Verdict { cause, ..first })
}

const HOST: &str = "host";

/// The architecture that `image:docker:platform` names; the runner expands variables in it, later.
fn arch_of_image(job: &PlanJob) -> Option<Arch> {
    Platform::parse(job.image.as_ref()?.platform.as_deref()?)?.arch()
}
