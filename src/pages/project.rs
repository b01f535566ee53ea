//! Projects, and the branches and environments of one.

use std::collections::BTreeMap;

use aqueduct_core::{
    id::{GlobalJobId, PipelineId, ProjectId},
    time::Timestamp,
};
use aqueduct_ports::store::{Environment, EnvironmentState, Head, PipelineRow, Project};
use askama::Template;

use crate::{
    shell::Shell,
    status::StatusView,
    text::{Moment, RefName, query, short_sha},
};

/// A project and its newest pipeline.
#[derive(Clone, Debug)]
pub struct ProjectLine {
    /// The project.
    pub project: Project,
    /// Its newest pipeline.
    pub last: Option<PipelineRow>,
    /// Why the last look at its repository failed.
    pub trouble: Option<String>,
}

/// The list of projects.
#[derive(Clone, Debug, Template)]
#[template(path = "projects.html")]
pub struct ProjectsPage {
    shell: Shell,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    id: ProjectId,
    path: String,
    branch: String,
    last: Option<Last>,
    trouble: Option<String>,
}

#[derive(Clone, Debug)]
struct Last {
    id: PipelineId,
    status: StatusView,
    git_ref: RefName,
    created: Moment,
}

impl ProjectsPage {
    /// Made of what the store answered.
    pub fn new(shell: Shell, projects: Vec<ProjectLine>, now: Timestamp) -> Self {
        let lines = projects.into_iter().map(|line| Line {
            id: line.project.id,
            path: line.project.path,
            branch: line.project.default_branch.unwrap_or_default(),
            last: line.last.map(|row| last(&row, now)),
            trouble: line.trouble,
        });
        Self {
            shell,
            lines: lines.collect(),
        }
    }
}

fn last(row: &PipelineRow, now: Timestamp) -> Last {
    Last {
        id: row.id,
        status: StatusView::new(row.head.status),
        git_ref: RefName::new(&row.git_ref),
        created: Moment::new(row.created, now),
    }
}

/// Which of the two lists of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Branches and tags.
    Branches,
    /// Environments.
    Environments,
}

/// What the branches or environments of a project are made of.
#[derive(Clone, Debug)]
pub struct ProjectFacts {
    /// Which list.
    pub shows: Shows,
    /// The project.
    pub project: Project,
    /// Its heads.
    pub heads: Vec<Head>,
    /// The newest pipelines of refs.
    pub last: BTreeMap<String, PipelineRow>,
    /// Its environments.
    pub environments: Vec<Environment>,
}

/// The branches and environments of a project.
#[derive(Clone, Debug, Template)]
#[template(path = "branches.html")]
pub struct ProjectPage {
    shell: Shell,
    shows: Shows,
    id: ProjectId,
    path: String,
    branches: Vec<Branch>,
    hidden: usize,
    environments: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Branch {
    git_ref: RefName,
    url: String,
    sha: String,
    default: bool,
    missing: Option<Moment>,
    updated: Moment,
    last: Option<Last>,
}

#[derive(Clone, Debug)]
struct Place {
    name: String,
    tier: String,
    state: &'static str,
    /// Only addresses of the web become links.
    url: Option<String>,
    git_ref: RefName,
    deployed_by: Option<GlobalJobId>,
    stops: Option<Moment>,
    updated: Moment,
    may_stop: bool,
    stop: String,
}

/// More branches than this are a list that nobody reads.
const SHOWN: usize = 500;

impl ProjectPage {
    /// Made of what the store answered.
    pub fn new(shell: Shell, facts: ProjectFacts, now: Timestamp) -> Self {
        let project = &facts.project;
        let mut heads = facts.heads;
        heads.sort_by(|one, other| {
            other
                .updated
                .cmp(&one.updated)
                .then(one.name.cmp(&other.name))
        });
        let default = project.default_branch.as_deref();
        let default = default.map(|name| format!("refs/heads/{name}"));
        let is_default = |head: &Head| Some(&head.name) == default.as_ref();
        // The default branch first, then what moved last.
        heads.sort_by_key(|head| !is_default(head));
        let branch = |head: &Head| Branch {
            git_ref: RefName::new(&head.name),
            url: format!("/projects/{}?ref={}", project.id, query(&head.name)),
            sha: short_sha(&head.sha),
            default: is_default(head),
            missing: head.missing_since.map(|at| Moment::new(at, now)),
            updated: Moment::new(head.updated, now),
            last: facts.last.get(&head.name).map(|row| last(row, now)),
        };
        let may_change = shell.may_change();
        let environments = facts.environments.into_iter();
        Self {
            id: project.id,
            path: project.path.clone(),
            branches: heads.iter().take(SHOWN).map(branch).collect(),
            hidden: heads.len().saturating_sub(SHOWN),
            environments: environments
                .map(|one| place(one, may_change, now))
                .collect(),
            shows: facts.shows,
            shell,
        }
    }
}

fn place(environment: Environment, may_change: bool, now: Timestamp) -> Place {
    let state = match environment.state {
        EnvironmentState::Available => "available",
        EnvironmentState::Stopping => "stopping",
        EnvironmentState::Stopped => "stopped",
    };
    let web = |url: &String| {
        let lower = url.to_ascii_lowercase();
        lower.starts_with("https://") || lower.starts_with("http://")
    };
    Place {
        stop: format!(
            "/projects/{}/environments/stop?name={}",
            environment.project,
            query(&environment.name)
        ),
        tier: environment.tier,
        state,
        url: environment.url.filter(web),
        git_ref: RefName::new(&environment.git_ref),
        deployed_by: environment.deployed_by,
        stops: environment.stops_at.map(|at| Moment::new(at, now)),
        updated: Moment::new(environment.updated, now),
        may_stop: may_change && environment.state == EnvironmentState::Available,
        name: environment.name,
    }
}
