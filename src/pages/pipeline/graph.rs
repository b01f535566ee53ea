//! Where the jobs of a pipeline stand, and the lines from what is needed to who needs it.
//!
//! Cards have one size, so that the lines are known without a browser: they are drawn by the server.

use std::{collections::BTreeMap, fmt::Write as _};

use aqueduct_core::{
    id::GlobalJobId,
    plan::{Plan, PlanJob},
    run::Status,
    time::{Millis, Timestamp},
};
use aqueduct_engine::{JobSnapshot, Waiting};
use aqueduct_ports::executor::Placement;

use super::PipelineFacts;
use crate::{
    status::{StatusView, worst},
    text::{Moment, duration},
};

/// Sizes in CSS pixels; the stylesheet has the same (`.graph`).
const WIDTH: usize = 224;
const HEIGHT: usize = 58;
const ROW_GAP: usize = 10;
const COLUMN_GAP: usize = 48;
const HEAD: usize = 40;
/// More lines than this only confuse.
const LINES: usize = 400;

/// The jobs of a pipeline by stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) stages: Vec<Stage>,
    /// Paths of the lines, for SVG.
    pub(super) lines: Vec<String>,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) status: StatusView,
    pub(super) cards: Vec<Card>,
}

/// A job.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) id: GlobalJobId,
    pub(super) name: String,
    pub(super) status: StatusView,
    /// `amd64`, `arm64`.
    pub(super) arch: Option<&'static str>,
    /// It runs, or ran, through qemu.
    pub(super) emulated: bool,
    /// `index`, `publish`, `trigger`.
    pub(super) kind: Option<&'static str>,
    /// What it waits for, how long it took, or why it failed.
    pub(super) note: String,
    /// When a delayed one starts.
    pub(super) at: Option<Moment>,
    pub(super) may_play: bool,
}

impl Graph {
    pub(super) fn new(facts: &PipelineFacts, may_change: bool, now: Timestamp) -> Self {
        let Some(plan) = &facts.plan else {
            return Self::default();
        };
        let jobs = &facts.jobs;
        let mut columns: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, job) in plan.jobs.iter().take(jobs.len()).enumerate() {
            columns.entry(job.stage_index).or_default().push(at);
        }
        let stage = |members: &Vec<usize>| Stage {
            name: plan.jobs[members[0]].stage.clone(),
            status: StatusView::new(
                worst(members.iter().map(|at| counted(&jobs[*at].1))).unwrap_or(Status::Created),
            ),
            cards: members
                .iter()
                .map(|at| {
                    let place = facts.places.get(*at).and_then(Option::as_ref);
                    card(&plan.jobs[*at], &jobs[*at], place, may_change, now)
                })
                .collect(),
        };
        let tallest = columns.values().map(Vec::len).max().unwrap_or(0);
        Self {
            stages: columns.values().map(stage).collect(),
            lines: lines(plan, &columns),
            width: columns.len() * (WIDTH + COLUMN_GAP),
            height: HEAD + tallest * (HEIGHT + ROW_GAP),
        }
    }
}

/// A failure that is allowed fails no stage.
fn counted(job: &JobSnapshot) -> Status {
    if job.allow_failure && job.status == Status::Failed {
        Status::Success
    } else {
        job.status
    }
}

fn card(
    plan: &PlanJob,
    (id, job): &(GlobalJobId, JobSnapshot),
    place: Option<&Placement>,
    may_change: bool,
    now: Timestamp,
) -> Card {
    let at = match &job.waiting {
        Some(Waiting::Until(at)) => Some(Moment::new(*at, now)),
        _ => None,
    };
    Card {
        id: *id,
        name: job.name.clone(),
        status: StatusView::of_job(job.status, job.allow_failure),
        arch: place
            .map(|place| place.arch)
            .or(plan.arch)
            .map(aqueduct_core::platform::Arch::as_str),
        emulated: place.is_some_and(|place| place.emulated),
        kind: Some(plan.kind.name()).filter(|kind| *kind != "script"),
        note: note(job),
        at,
        may_play: may_change && matches!(job.status, Status::Manual | Status::Scheduled),
    }
}

fn note(job: &JobSnapshot) -> String {
    if let Some(waiting) = &job.waiting {
        return waiting.to_string();
    }
    if let (Status::Failed, Some(verdict)) = (job.status, &job.verdict) {
        return verdict.cause.clone();
    }
    let tries = if job.attempt > 1 {
        format!(", try {}", job.attempt)
    } else {
        String::new()
    };
    if job.duration > Millis(0) {
        return duration(job.duration) + &tries;
    }
    StatusView::of_job(job.status, job.allow_failure)
        .label
        .to_owned()
}

/// A line from each job to each that names it in `needs`.
fn lines(plan: &Plan, columns: &BTreeMap<u32, Vec<usize>>) -> Vec<String> {
    let mut places = BTreeMap::new();
    for (column, members) in columns.values().enumerate() {
        for (row, at) in members.iter().enumerate() {
            places.insert(plan.jobs[*at].name.as_str(), (column, row));
        }
    }
    let mut lines = Vec::new();
    for job in &plan.jobs {
        let Some(to) = places.get(job.name.as_str()) else {
            continue;
        };
        for need in job.needs.iter().flatten() {
            if let Some(from) = places.get(need.job.as_str()) {
                lines.push(line(*from, *to));
            }
        }
    }
    if lines.len() > LINES {
        lines.clear();
    }
    lines
}

fn line(from: (usize, usize), to: (usize, usize)) -> String {
    let left = |(column, _): (usize, usize)| column * (WIDTH + COLUMN_GAP);
    let middle = |(_, row): (usize, usize)| HEAD + row * (HEIGHT + ROW_GAP) + HEIGHT / 2;
    let (x0, y0, x1, y1) = (left(from) + WIDTH, middle(from), left(to), middle(to));
    let mut path = String::new();
    // Writing to a text can't fail.
    let _ = if from.0 == to.0 {
        // Within a stage: around the right side.
        let out = x0 + COLUMN_GAP / 3;
        write!(path, "M{x0} {y0}C{out} {y0} {out} {y1} {x0} {y1}")
    } else {
        let (bend0, bend1) = (x0 + COLUMN_GAP / 2, x1.saturating_sub(COLUMN_GAP / 2));
        write!(path, "M{x0} {y0}C{bend0} {y0} {bend1} {y1} {x1} {y1}")
    };
    path
}
