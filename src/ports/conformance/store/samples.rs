//! Rows to begin with; a case changes what it is about.

use aqueduct_core::{
    id::{GlobalAttempt, GlobalJobId, PipelineId, ProjectId, RunnerId},
    run::Status,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use bytes::Bytes;

use crate::store::{
    AccessLevel, Artifact, CreatedPipeline, JobChange, NewDelivery, NewEffect, NewJob, NewPipeline,
    NewProject, NewRunner, PipelineChange, PipelineHead, RunnerKind, RunnerSettings, Sighting,
    Store, StoreError,
};

/// Some moment.
pub(super) const NOW: Timestamp = Timestamp(1_795_509_000_000);

/// So many milliseconds later.
pub(super) fn later(ms: u64) -> Timestamp {
    NOW + Millis(ms)
}

pub(super) fn new_project(path: &str) -> NewProject {
    NewProject {
        path: path.to_owned(),
        git_url: format!("https://git.example.com/{path}.git"),
        default_branch: None,
        interval: Millis::from_secs(60),
        settings: "{}".to_owned(),
        created: NOW,
    }
}

pub(super) async fn project(store: &dyn Store, path: &str) -> ProjectId {
    let created = store.create_project(&new_project(path)).await;
    created.expect("a project can be made").id
}

pub(super) fn head(status: Status) -> PipelineHead {
    PipelineHead {
        status,
        active: !status.is_terminal(),
        state: format!("{{\"state\":\"{status}\"}}"),
        started: None,
        finished: None,
    }
}

/// A pipeline of so many pending jobs.
pub(super) fn new_pipeline(project: ProjectId, cause: &str, jobs: usize) -> NewPipeline {
    let job = |number| NewJob {
        name: format!("job {number}"),
        stage: "test".to_owned(),
        status: Status::Pending,
        state: format!("{{\"job\":{number}}}"),
    };
    NewPipeline {
        project,
        cause: cause.to_owned(),
        git_ref: "refs/heads/main".to_owned(),
        sha: "0123456789012345678901234567890123456789".to_owned(),
        before_sha: None,
        source: "push".to_owned(),
        name: None,
        plan: Some("{\"jobs\":[]}".to_owned()),
        plan_hash: Some("sha256:00".to_owned()),
        diagnostics: None,
        head: head(Status::Pending),
        jobs: (0..jobs).map(job).collect(),
        effects: Vec::new(),
        created: NOW,
    }
}

/// A project with one pipeline of so many jobs.
pub(super) async fn pipeline(store: &dyn Store, jobs: usize) -> CreatedPipeline {
    let project = project(store, "group/name").await;
    let new = new_pipeline(project, "first", jobs);
    let created = store.create_pipeline(&new).await;
    created.expect("a pipeline can be made")
}

/// A transition that changes no job.
pub(super) fn change(id: PipelineId, expected_version: u64, status: Status) -> PipelineChange {
    PipelineChange {
        id,
        expected_version,
        head: head(status),
        jobs: Vec::new(),
        effects: Vec::new(),
        now: later(1),
    }
}

pub(super) fn job_change(position: u32, status: Status, attempt: u32) -> JobChange {
    JobChange {
        position,
        status,
        attempt,
        state: format!("{{\"at\":\"{status}\"}}"),
        manager: None,
        report_token: None,
        read_token: None,
    }
}

pub(super) fn effect(kind: &str, subject: Option<&str>) -> NewEffect {
    NewEffect {
        kind: kind.to_owned(),
        subject: subject.map(str::to_owned),
        body: format!("{{\"kind\":\"{kind}\"}}"),
        due: NOW,
    }
}

pub(super) fn delivery(project: ProjectId, id: &str) -> NewDelivery {
    NewDelivery {
        project,
        source: "gitea".to_owned(),
        delivery: id.to_owned(),
        kind: "push".to_owned(),
        body: Bytes::from(format!("{{\"id\":\"{id}\"}}")),
        received: NOW,
    }
}

pub(super) fn settings() -> RunnerSettings {
    RunnerSettings {
        description: "a machine".to_owned(),
        tags: vec!["gpu".to_owned(), "zeta".to_owned(), "alpha".to_owned()],
        run_untagged: true,
        locked: false,
        access_level: AccessLevel::NotProtected,
        maximum_timeout: Some(Millis::from_secs(3600)),
        paused: false,
    }
}

pub(super) fn new_runner(token: &str) -> NewRunner {
    NewRunner {
        token: TokenHash::of(token),
        kind: RunnerKind::Instance,
        settings: settings(),
        created: NOW,
    }
}

pub(super) async fn runner(store: &dyn Store, token: &str) -> RunnerId {
    let created = store.create_runner(&new_runner(token)).await;
    created.expect("a runner can be made").id
}

pub(super) fn sighting(runner: RunnerId, system_id: &str, instance: &str) -> Sighting {
    Sighting {
        runner,
        system_id: system_id.to_owned(),
        instance: Some(instance.to_owned()),
        info: Some("{\"version\":\"1\"}".to_owned()),
        now: NOW,
    }
}

pub(super) const fn attempt(job: GlobalJobId, attempt: u32) -> GlobalAttempt {
    GlobalAttempt { job, attempt }
}

pub(super) fn artifact(of: GlobalAttempt, kind: &str, object: &str) -> Artifact {
    Artifact {
        attempt: of,
        kind: kind.to_owned(),
        format: "zip".to_owned(),
        file_name: "artifacts.zip".to_owned(),
        size: 17,
        sha256: "ab".repeat(32),
        object: object.to_owned(),
        expires: None,
        created: NOW,
    }
}

/// Fails the case unless somebody else was first.
pub(super) fn assert_conflict<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Conflict)),
        "a conflict was expected, not {answer:?}"
    );
}

/// Fails the case unless a name is in use.
pub(super) fn assert_taken<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Taken(_))),
        "a name in use was expected, not {answer:?}"
    );
}

/// Fails the case unless what the row belongs to isn't there.
pub(super) fn assert_missing<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Missing(_))),
        "something missing was expected, not {answer:?}"
    );
}
