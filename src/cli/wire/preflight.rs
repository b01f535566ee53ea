//! Which jobs this machine can't run, found before any of them starts.

use std::fmt::Write as _;

use aqueduct_core::{
    plan::{JobKind, PlanJob, When},
    platform::{Arch, Platform},
    sched::{self, ExecutorOffer, Offer, TagPolicy},
    verdict::Verdict,
};

use crate::{args::ExecutorChoice, error::CliError, exit::Exit};

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
    let mut message =
        "this machine can't run all jobs of the pipeline, so none was started".to_owned();
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
        if !matches!(job.kind, JobKind::Script(_)) {
            return None;
        }
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

const HOST: &str = "host";

/// The architecture that `image:docker:platform` names; the runner expands variables in it, later.
fn arch_of_image(job: &PlanJob) -> Option<Arch> {
    Platform::parse(job.image.as_ref()?.platform.as_deref()?)?.arch()
}

#[cfg(test)]
mod tests {
    use aqueduct_core::{
        plan::{Image, ScriptSpec},
        verdict::VerdictKind,
    };

    use super::*;

    fn job(name: &str, arch: Option<Arch>, image: bool) -> PlanJob {
        let kind = JobKind::Script(ScriptSpec::default());
        PlanJob {
            place: format!("{name}.yml:1:1"),
            arch,
            image: image.then(Image::default),
            ..PlanJob::new(name, "test", 0, kind)
        }
    }

    fn no_arm(arch: Arch) -> Option<Verdict> {
        (arch == Arch::Arm64).then(|| {
            Verdict::new(VerdictKind::RunnerUnsupported, "no arm64 here").with_hint("buy one")
        })
    }

    fn machine(executor: ExecutorChoice, root: bool) -> Machine {
        let no_root = || {
            Verdict::new(VerdictKind::RunnerUnsupported, "containers need root")
                .with_hint("become root")
        };
        Machine {
            executor,
            no_containers: (!root).then(no_root),
            container_arch: no_arm,
            host_arch: no_arm,
        }
    }

    #[test]
    fn every_job_that_can_t_run_is_named() {
        let jobs = [
            job("plain", None, false),
            job("container", None, true),
            job("arm", Some(Arch::Arm64), false),
            job("arm-container", Some(Arch::Arm64), true),
            PlanJob {
                when: When::Manual,
                ..job("manual", Some(Arch::Arm64), false)
            },
        ];
        let told = |executor, root, played: &[&str]| {
            let played: Vec<String> = played.iter().map(ToString::to_string).collect();
            match check(jobs.iter(), &played, &machine(executor, root)) {
                Ok(()) => String::new(),
                Err(error) => format!(
                    "{error}\nhelp: {}\n",
                    error.help.as_deref().unwrap_or_default()
                ),
            }
        };
        insta::assert_snapshot!(
            [
                told(ExecutorChoice::Auto, true, &[]),
                told(ExecutorChoice::Auto, false, &["manual"]),
                told(ExecutorChoice::Host, true, &[]),
                told(ExecutorChoice::Oci, true, &[]),
            ]
            .join("\n")
        );
    }
}
