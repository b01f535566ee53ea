//! The list of pipelines.

use std::collections::BTreeMap;

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    run::Status,
    time::Timestamp,
};
use aqueduct_ports::store::{JobRow, PipelineRow};
use askama::Template;

use crate::{
    commit::CommitNote,
    shell::Shell,
    status::{StatusView, worst},
    text::{Moment, RefName, duration, query, short_sha},
};

/// What the list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Id and path of the project.
    pub project: Option<(ProjectId, String)>,
    /// Full name of the ref.
    pub git_ref: Option<String>,
    /// State.
    pub status: Option<Status>,
    /// Only pipelines before this one.
    pub before: Option<u64>,
}

/// What the list is made of.
#[derive(Clone, Debug, Default)]
pub struct ListFacts {
    /// The page's rows.
    pub rows: Vec<PipelineRow>,
    /// Whether there are older ones.
    pub more: bool,
    /// Paths of projects.
    pub projects: BTreeMap<ProjectId, String>,
    /// Of commits that are known.
    pub commits: BTreeMap<String, CommitNote>,
    /// Of pipelines with few jobs.
    pub jobs: BTreeMap<PipelineId, Vec<JobRow>>,
}

/// The list of pipelines.
#[derive(Clone, Debug, Template)]
#[template(path = "pipelines.html")]
pub struct PipelinesPage {
    shell: Shell,
    filter: ListFilter,
    statuses: Vec<StatusChoice>,
    lines: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
    filtered: bool,
}

/// A state to choose.
#[derive(Clone, Debug)]
struct StatusChoice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Clone, Debug)]
struct Line {
    id: PipelineId,
    status: StatusView,
    title: String,
    project: Option<(ProjectId, String)>,
    git_ref: RefName,
    ref_url: String,
    sha: String,
    author: String,
    source: String,
    stages: Vec<Stage>,
    jobs: u32,
    created: Moment,
    duration: Option<String>,
}

#[derive(Clone, Debug)]
struct Stage {
    name: String,
    status: StatusView,
}

impl PipelinesPage {
    /// Made of what the store answered.
    pub fn new(shell: Shell, filter: ListFilter, facts: &ListFacts, now: Timestamp) -> Self {
        let lines: Vec<Line> = facts
            .rows
            .iter()
            .map(|row| line(row, &filter, facts, now))
            .collect();
        let last = facts.rows.last().filter(|_| facts.more);
        let statuses = [
            Status::Running,
            Status::Pending,
            Status::Failed,
            Status::Success,
            Status::Manual,
            Status::Canceled,
            Status::Skipped,
        ];
        let statuses = statuses.map(|status| StatusChoice {
            value: status.name(),
            label: StatusView::new(status).label,
            chosen: filter.status == Some(status),
        });
        Self {
            shell,
            statuses: statuses.into(),
            older: last.map(|row| address(&filter, Some(row.id.0))),
            newest: filter.before.map(|_| address(&filter, None)),
            filtered: filter.git_ref.is_some() || filter.status.is_some(),
            filter,
            lines,
        }
    }

    fn ref_name(&self) -> Option<RefName> {
        self.filter.git_ref.as_deref().map(RefName::new)
    }

    fn base(&self) -> String {
        base(self.filter.project.as_ref().map(|(id, _)| *id))
    }
}

/// Where the list of a project, or of all, is.
fn base(project: Option<ProjectId>) -> String {
    project.map_or("/".to_owned(), |id| format!("/projects/{id}"))
}

/// The address of a page of the list.
fn address(filter: &ListFilter, before: Option<u64>) -> String {
    let pairs = [
        ("ref", filter.git_ref.clone()),
        (
            "status",
            filter.status.map(|status| status.name().to_owned()),
        ),
        ("before", before.map(|id| id.to_string())),
    ];
    let pairs = pairs.into_iter();
    let pairs = pairs.filter_map(|(key, value)| Some(format!("{key}={}", query(&value?))));
    let pairs: Vec<_> = pairs.collect();
    let base = base(filter.project.as_ref().map(|(id, _)| *id));
    if pairs.is_empty() {
        base
    } else {
        format!("{base}?{}", pairs.join("&"))
    }
}

fn line(row: &PipelineRow, filter: &ListFilter, facts: &ListFacts, now: Timestamp) -> Line {
    let note = facts.commits.get(&row.sha).cloned().unwrap_or_default();
    let by_name = row.name.clone().filter(|name| !name.is_empty());
    let by_commit = Some(note.title).filter(|title| !title.is_empty());
    let path = facts.projects.get(&row.project);
    let path = path.filter(|_| filter.project.is_none());
    Line {
        id: row.id,
        status: StatusView::new(row.head.status),
        title: by_name
            .or(by_commit)
            .unwrap_or_else(|| format!("Pipeline {}", row.id)),
        project: path.map(|path| (row.project, path.clone())),
        git_ref: RefName::new(&row.git_ref),
        ref_url: format!("/projects/{}?ref={}", row.project, query(&row.git_ref)),
        sha: short_sha(&row.sha),
        author: note.author,
        source: row.source.replace('_', " "),
        stages: facts
            .jobs
            .get(&row.id)
            .map(|jobs| stages(jobs))
            .unwrap_or_default(),
        jobs: row.jobs,
        created: Moment::new(row.created, now),
        duration: lasted(row, now),
    }
}

/// From the first job's start to the last one's end, or to now.
pub(crate) fn lasted(row: &PipelineRow, now: Timestamp) -> Option<String> {
    let started = row.head.started?;
    Some(duration(row.head.finished.unwrap_or(now).since(started)))
}

/// The stages in the order of their first jobs, each with the state that stands for it.
fn stages(jobs: &[JobRow]) -> Vec<Stage> {
    let mut names: Vec<&str> = Vec::new();
    for job in jobs {
        if !names.contains(&job.stage.as_str()) {
            names.push(&job.stage);
        }
    }
    let stage = |name: &str| {
        let own = jobs.iter().filter(|job| job.stage == name);
        let status = worst(own.map(|job| job.status)).unwrap_or(Status::Created);
        Stage {
            name: name.to_owned(),
            status: StatusView::new(status),
        }
    };
    names.into_iter().map(stage).collect()
}
