//! A job and its log.

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    plan::PlanJob,
    release::ReleaseReport,
    run::Status,
    time::{Millis, Timestamp},
};
use aqueduct_engine::JobSnapshot;
use aqueduct_ports::{
    executor::Placement,
    store::{Artifact, PipelineRow},
};
use askama::Template;

use crate::{
    log::{self, Part},
    release::ReleaseView,
    shell::Shell,
    status::StatusView,
    text::{Moment, RefName, duration, query, size},
};

/// What the page of a job is made of.
#[derive(Clone, Debug)]
pub struct JobFacts {
    /// Its pipeline.
    pub pipeline: PipelineRow,
    /// Path of its project.
    pub project: String,
    /// Its id.
    pub id: GlobalJobId,
    /// Its part of the plan.
    pub plan: PlanJob,
    /// Where it stands.
    pub job: JobSnapshot,
    /// Who has, or last had it.
    pub runner: Option<String>,
    /// Where its last attempt runs, or ran.
    pub place: Option<Placement>,
    /// What became of its release.
    pub release: Option<Box<ReleaseReport>>,
    /// What all its attempts left.
    pub artifacts: Vec<Artifact>,
    /// The attempt whose log is shown.
    pub attempt: u32,
    /// Its log.
    pub log: LogView,
}

/// The part of a log that is shown.
#[derive(Clone, Debug)]
pub struct LogView {
    /// The rows; `None`: the page's other parts alone are asked for.
    pub part: Option<LogPart>,
    /// Bytes that are kept.
    pub bytes: u64,
    /// Whole lines of the log.
    pub lines: u64,
    /// Bytes that the runner sent and that were too many to keep.
    pub lost: u64,
}

/// Rows of a log.
#[derive(Clone, Debug)]
pub struct LogPart {
    /// Whole rows.
    pub part: Part,
    /// The row that is being written, at the end of the log.
    pub tail: Option<Part>,
    /// The log goes on behind it.
    pub more: bool,
    /// Rows of a part, for the links to others.
    pub rows: u64,
}

/// The page of a job.
#[derive(Clone, Debug, Template)]
#[template(path = "job.html")]
pub struct JobPage {
    shell: Shell,
    id: GlobalJobId,
    name: String,
    stage: String,
    status: StatusView,
    project: (ProjectId, String),
    pipeline: PipelineId,
    git_ref: RefName,
    ref_url: String,
    facts: Vec<(&'static str, String)>,
    since: Moment,
    waiting: Option<String>,
    verdict: Option<Verdict>,
    releases: Vec<ReleaseView>,
    artifacts: Vec<Left>,
    attempts: Vec<Attempt>,
    attempt: u32,
    may_cancel: bool,
    may_retry: bool,
    may_play: bool,
    log: Option<ShownLog>,
}

#[derive(Clone, Debug)]
struct Verdict {
    kind: &'static str,
    cause: String,
    hint: String,
    allowed: bool,
}

#[derive(Clone, Debug)]
struct Left {
    kind: String,
    file_name: String,
    size: String,
    url: String,
    expires: Option<Moment>,
}

#[derive(Clone, Debug)]
struct Attempt {
    number: u32,
    shown: bool,
}

#[derive(Clone, Debug)]
struct ShownLog {
    html: String,
    tail: String,
    empty: Option<&'static str>,
    first: u64,
    last: u64,
    lines: u64,
    size: String,
    lost: Option<String>,
    begin: Option<String>,
    older: Option<String>,
    newer: Option<String>,
    end: Option<String>,
    /// It grows, and its continuation is told with the page's events.
    follow: bool,
}

impl JobPage {
    /// Made of what the store and the fleet answered.
    pub fn new(shell: Shell, facts: &JobFacts, now: Timestamp) -> Self {
        let job = &facts.job;
        let may_change = shell.may_change();
        let verdict = job.verdict.as_ref().map(|verdict| Verdict {
            kind: verdict.kind.name(),
            cause: verdict.cause.clone(),
            hint: verdict.hint().to_owned(),
            allowed: job.allow_failure,
        });
        Self {
            id: facts.id,
            name: job.name.clone(),
            stage: job.stage.clone(),
            status: StatusView::of_job(job.status, job.allow_failure),
            project: (facts.pipeline.project, facts.project.clone()),
            pipeline: facts.pipeline.id,
            git_ref: RefName::new(&facts.pipeline.git_ref),
            ref_url: format!(
                "/projects/{}?ref={}",
                facts.pipeline.project,
                query(&facts.pipeline.git_ref)
            ),
            facts: properties(facts),
            since: Moment::new(job.since, now),
            waiting: job.waiting.as_ref().map(ToString::to_string),
            verdict,
            releases: facts
                .release
                .iter()
                .map(|report| ReleaseView::new(facts.id, &facts.job.name, report))
                .collect(),
            artifacts: left(facts, now),
            attempts: (1..=job.attempt)
                .map(|number| Attempt {
                    number,
                    shown: number == facts.attempt,
                })
                .collect(),
            attempt: facts.attempt,
            may_cancel: may_change && !job.status.is_terminal(),
            may_retry: may_change
                && matches!(
                    job.status,
                    Status::Failed | Status::Canceled | Status::Success
                ),
            may_play: may_change && matches!(job.status, Status::Manual | Status::Scheduled),
            log: shown(facts),
            shell: shell.live(events(facts)),
        }
    }
}

/// One connection tells of the job and of its log: browsers open few to one host.
fn events(facts: &JobFacts) -> String {
    match &facts.log.part {
        Some(view) if is_current_and_open(facts) && !view.more => format!(
            "/jobs/{}/log?attempt={}&from={}",
            facts.id, facts.attempt, view.part.to.offset
        ),
        _ => format!("/events?pipeline={}", facts.pipeline.id),
    }
}

/// What there is to say of a job, in pairs.
fn properties(facts: &JobFacts) -> Vec<(&'static str, String)> {
    let (plan, job) = (&facts.plan, &facts.job);
    let took = (job.duration > Millis(0)).then(|| duration(job.duration));
    let place = facts.place.as_ref();
    let arch = place.map(|place| place.arch).or(plan.arch);
    let emulated = place.is_some_and(|place| place.emulated);
    let arch = arch.map(|arch| {
        let how = if emulated { ", emulated by qemu" } else { "" };
        format!("{arch}{how}")
    });
    let tags = (!plan.tags.is_empty()).then(|| plan.tags.join(", "));
    let environment = plan.environment.as_ref().map(|one| one.name.clone());
    let image = plan.image.as_ref().map(|image| image.name.clone());
    let kind = Some(plan.kind.name().to_owned()).filter(|kind| kind != "script");
    let pairs = [
        ("Duration", took),
        ("Kind", kind),
        ("Architecture", arch),
        ("Runner", facts.runner.clone()),
        ("Executor", place.map(|place| place.executor.clone())),
        ("Image", image),
        ("Tags", tags),
        ("Environment", environment),
        ("Resource group", plan.resource_group.clone()),
        ("Defined in", Some(plan.place.clone())),
        (
            "Because",
            Some(plan.reason.clone()).filter(|why| why != "no rules"),
        ),
    ];
    let pairs = pairs.into_iter();
    let pairs = pairs.filter_map(|(name, value)| Some((name, value?)));
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

fn left(facts: &JobFacts, now: Timestamp) -> Vec<Left> {
    let own = facts.artifacts.iter();
    let own = own.filter(|one| one.attempt.attempt == facts.attempt);
    own.map(|one| Left {
        kind: one.kind.clone(),
        file_name: one.file_name.clone(),
        size: size(one.size),
        url: format!(
            "/jobs/{}/artifacts/{}?attempt={}",
            facts.id,
            query(&one.kind),
            facts.attempt
        ),
        expires: one.expires.map(|at| Moment::new(at, now)),
    })
    .collect()
}

fn shown(facts: &JobFacts) -> Option<ShownLog> {
    let (view, running) = (&facts.log, is_current_and_open(facts));
    let LogPart {
        part,
        tail,
        more,
        rows,
    } = view.part.as_ref()?;
    let attempt = facts.attempt;
    let at = |line: u64| format!("?attempt={attempt}&line={line}");
    let first = part.from.lines + 1;
    let before = part.from.offset > 0;
    let empty = part.ops.is_empty() && tail.is_none();
    Some(ShownLog {
        html: log::html(part),
        tail: tail.as_ref().map(log::rows).unwrap_or_default(),
        empty: empty.then_some(match (running, facts.job.attempt) {
            (_, 0) => "The log appears here once a runner has taken the job.",
            (true, _) => "The job has not written anything yet.",
            (false, _) => "The job wrote nothing.",
        }),
        first,
        last: part.to.lines.max(first),
        lines: view.lines,
        size: size(view.bytes),
        lost: (view.lost > 0).then(|| size(view.lost)),
        begin: before.then(|| at(1)),
        older: before.then(|| at(first.saturating_sub(*rows).max(1))),
        newer: more.then(|| at(part.to.lines + 1)),
        end: more.then(|| format!("?attempt={attempt}")),
        follow: running && !more,
    })
}

/// Whether the log that is shown may still grow.
fn is_current_and_open(facts: &JobFacts) -> bool {
    facts.attempt >= facts.job.attempt && !facts.job.status.is_terminal()
}
