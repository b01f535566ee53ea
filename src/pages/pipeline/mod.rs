//! A pipeline: its jobs as a graph, and what went wrong.

mod graph;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aqueduct_core::{
    diag::LintReport, id::GlobalJobId, plan::Plan, release::ReleaseReport, run::Status,
    time::Timestamp,
};
use aqueduct_engine::{JobSnapshot, Waiting};
use aqueduct_ports::{executor::Placement, store::PipelineRow};
use askama::Template;

use self::graph::Graph;
use crate::{
    commit::CommitNote,
    pipelines::lasted,
    release::ReleaseView,
    shell::Shell,
    status::StatusView,
    text::{Moment, RefName, query, short_sha},
};

/// What the page of a pipeline is made of.
#[derive(Clone, Debug)]
pub struct PipelineFacts {
    /// Its row.
    pub row: PipelineRow,
    /// Path of its project.
    pub project: String,
    /// Its commit, if the mirror has it.
    pub commit: Option<CommitNote>,
    /// Its plan; none if it could not be compiled.
    pub plan: Option<Arc<Plan>>,
    /// Its jobs, in the plan's order.
    pub jobs: Vec<(GlobalJobId, JobSnapshot)>,
    /// Where the last attempt of each runs, or ran.
    pub places: Vec<Option<Placement>>,
    /// What became of the releases among them.
    pub releases: Vec<Option<Box<ReleaseReport>>>,
}

/// The page of a pipeline.
#[derive(Clone, Debug, Template)]
#[template(path = "pipeline.html")]
pub struct PipelinePage {
    shell: Shell,
    head: Head,
    problems: Vec<Problem>,
    /// Jobs that wait for something that may never come, and for what.
    waits: Vec<(GlobalJobId, String, String)>,
    errors: Vec<Refusal>,
    graph: Graph,
    releases: Vec<ReleaseView>,
    skipped: Vec<(String, String)>,
    may_cancel: bool,
    may_retry: bool,
}

/// What is said of the pipeline as a whole.
#[derive(Clone, Debug)]
struct Head {
    row: PipelineRow,
    project: String,
    title: String,
    status: StatusView,
    git_ref: RefName,
    ref_url: String,
    sha: String,
    author: String,
    source: String,
    created: Moment,
    duration: Option<String>,
    over: bool,
}

/// A job that did not go well.
#[derive(Clone, Debug)]
struct Problem {
    job: GlobalJobId,
    name: String,
    status: StatusView,
    cause: String,
    hint: String,
    kind: &'static str,
    may_retry: bool,
}

/// Something that is wrong with the configuration.
#[derive(Clone, Debug)]
struct Refusal {
    place: Option<String>,
    message: String,
    help: Option<String>,
}

impl PipelinePage {
    /// Made of what the store and the fleet answered.
    pub fn new(shell: Shell, facts: &PipelineFacts, now: Timestamp) -> Self {
        let jobs = &facts.jobs;
        let any = |test: &dyn Fn(Status) -> bool| jobs.iter().any(|(_, job)| test(job.status));
        let may_change = shell.may_change();
        let plan = facts.plan.as_deref();
        Self {
            head: head(facts, now),
            problems: problems(jobs, may_change),
            waits: waits(jobs),
            errors: errors(facts.row.diagnostics.as_deref()),
            graph: Graph::new(facts, may_change, now),
            releases: releases(facts),
            skipped: plan.map(skipped).unwrap_or_default(),
            may_cancel: may_change && any(&|status| !status.is_terminal()),
            may_retry: may_change
                && any(&|status| matches!(status, Status::Failed | Status::Canceled)),
            shell,
        }
    }
}

fn head(facts: &PipelineFacts, now: Timestamp) -> Head {
    let row = &facts.row;
    let note = facts.commit.clone().unwrap_or_default();
    let title = [row.name.clone().unwrap_or_default(), note.title];
    let title = title.into_iter().find(|text| !text.is_empty());
    Head {
        project: facts.project.clone(),
        title: title.unwrap_or_else(|| format!("Pipeline {}", row.id)),
        status: StatusView::new(row.head.status),
        git_ref: RefName::new(&row.git_ref),
        ref_url: format!("/projects/{}?ref={}", row.project, query(&row.git_ref)),
        sha: short_sha(&row.sha),
        author: note.author,
        source: row.source.replace('_', " "),
        created: Moment::new(row.created, now),
        duration: lasted(row, now),
        over: row.head.finished.is_some(),
        row: row.clone(),
    }
}

fn problems(jobs: &[(GlobalJobId, JobSnapshot)], may_change: bool) -> Vec<Problem> {
    let failed = jobs.iter().filter(|(_, job)| job.status == Status::Failed);
    let problem = |(id, job): &(GlobalJobId, JobSnapshot)| {
        let verdict = job.verdict.as_ref()?;
        Some(Problem {
            job: *id,
            name: job.name.clone(),
            status: StatusView::of_job(job.status, job.allow_failure),
            cause: verdict.cause.clone(),
            hint: verdict.hint().to_owned(),
            kind: verdict.kind.name(),
            may_retry: may_change,
        })
    };
    failed.filter_map(problem).collect()
}

fn waits(jobs: &[(GlobalJobId, JobSnapshot)]) -> Vec<(GlobalJobId, String, String)> {
    let wait = |(id, job): &(GlobalJobId, JobSnapshot)| match &job.waiting {
        Some(waiting @ (Waiting::Runner(_) | Waiting::Resource { .. })) => {
            Some((*id, job.name.clone(), waiting.to_string()))
        }
        _ => None,
    };
    jobs.iter().filter_map(wait).collect()
}

fn errors(diagnostics: Option<&str>) -> Vec<Refusal> {
    let Some(diagnostics) = diagnostics else {
        return Vec::new();
    };
    let Ok(report) = serde_json::from_str::<LintReport>(diagnostics) else {
        // Something else wrote it: it is shown as it is.
        return vec![Refusal {
            place: None,
            message: diagnostics.to_owned(),
            help: None,
        }];
    };
    let items = report.errors.into_iter().chain(report.warnings);
    let refusal = |item: aqueduct_core::diag::ReportItem| Refusal {
        place: item.file.map(|file| match (item.line, item.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            _ => file,
        }),
        message: item.message,
        help: item.help,
    };
    items.map(refusal).collect()
}

fn releases(facts: &PipelineFacts) -> Vec<ReleaseView> {
    let pairs = facts.jobs.iter().zip(&facts.releases);
    let view = |((id, job), report): (&(GlobalJobId, JobSnapshot), &Option<Box<ReleaseReport>>)| {
        Some(ReleaseView::new(*id, &job.name, report.as_ref()?))
    };
    pairs.filter_map(view).collect()
}

fn skipped(plan: &Plan) -> Vec<(String, String)> {
    let skipped = plan.skipped.iter();
    skipped
        .map(|job| (job.name.clone(), job.reason.clone()))
        .collect()
}
