//! A branch comes, deploys, and goes: what it ran is cancelled, what it deployed is stopped from what was stored then.

use std::{sync::Arc, time::Duration};

use aqueduct_core::{
    platform::Arch,
    run::Status,
    sched::{ExecutorOffer, Offer, TagPolicy},
    time::Millis,
    token::TokenHash,
};
use aqueduct_ports::{
    clock::Clock,
    store::{
        AccessLevel, Environment, EnvironmentState, NewRunner, Project, RunnerKind, RunnerSettings,
        Sighting,
    },
    work::JobEnd,
};

use super::Rig;
use crate::{
    fleet::{Claim, Claimer, End, Standing},
    tasks::environments::Environments,
};

const REVIEW: &str = r"
stages: [deploy, later]
deploy:
  stage: deploy
  script: make deploy
  environment: {name: review/$CI_COMMIT_REF_SLUG, on_stop: stop, auto_stop_in: 1 day}
stop:
  stage: deploy
  script: make stop
  when: manual
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
later:
  stage: later
  script: make later
";

/// A watched project, a runner, and the keeper of environments.
struct Branch {
    rig: Rig,
    project: Project,
    claimer: Claimer,
    environments: Environments,
}

impl Branch {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let project = rig.project().await;
        let clock: Arc<dyn Clock> = Arc::clone(&rig.clock) as Arc<dyn Clock>;
        let environments = Environments::new(Arc::clone(&rig.fleet), clock);
        rig.push("a", "1", "refs/heads/main");
        rig.look(project.id).await;
        rig.push(".gitlab-ci.yml", REVIEW, "refs/heads/topic");
        rig.look(project.id).await;
        rig.ingest.drain().await.unwrap();
        Self {
            claimer: claimer(&rig).await,
            rig,
            project,
            environments,
        }
    }

    /// The next job, begun.
    async fn begin(&self, name: &str) -> Claim {
        let claim = self.rig.fleet.claim(&self.claimer, Duration::ZERO).await;
        let claim = claim.unwrap().unwrap();
        assert_eq!(claim.job.name, name);
        let holder = self.rig.fleet.holder(&claim.report_token).unwrap();
        let lease = Millis::from_secs(7 * 24 * 3600);
        let standing = self.rig.fleet.heartbeat(&holder, lease).await.unwrap();
        assert_eq!(standing, Standing::Running);
        self.environments.round().await.unwrap();
        claim
    }

    async fn succeed(&self, claim: &Claim) -> End {
        let holder = self.rig.fleet.holder(&claim.report_token).unwrap();
        let end = JobEnd {
            verdict: None,
            exit_code: Some(0),
            dotenv: Vec::new(),
            trace_bytes: 0,
            has_artifacts: false,
            coverage: None,
            release: None,
        };
        let ended = self.rig.fleet.finish(&holder, &end).await.unwrap();
        self.environments.round().await.unwrap();
        ended
    }

    async fn environment(&self) -> Environment {
        let all = self.rig.store.environments(self.project.id).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    async fn delete(&self) {
        self.rig.origin.delete("refs/heads/topic").unwrap();
        self.rig.look(self.project.id).await;
        self.rig.look(self.project.id).await;
        self.rig.ingest.drain().await.unwrap();
    }
}

async fn claimer(rig: &Rig) -> Claimer {
    let runner = NewRunner {
        token: TokenHash::of("runner"),
        kind: RunnerKind::Instance,
        settings: RunnerSettings {
            description: "r".into(),
            tags: Vec::new(),
            run_untagged: true,
            locked: false,
            access_level: AccessLevel::NotProtected,
            maximum_timeout: None,
            paused: false,
        },
        created: rig.clock.now(),
    };
    let runner = rig.store.create_runner(&runner).await.unwrap().id;
    let sighting = Sighting {
        runner,
        system_id: "s".into(),
        instance: None,
        info: None,
        now: rig.clock.now(),
    };
    Claimer {
        manager: rig.store.seen_manager(&sighting).await.unwrap().manager,
        offer: Offer {
            runner: "r".into(),
            executors: vec![ExecutorOffer::host(vec![Arch::Amd64], false)],
            tags: TagPolicy::Only(Vec::new()),
            run_untagged: true,
        },
        project: None,
        maximum_timeout: None,
    }
}

#[tokio::test]
async fn a_deleted_branch_stops_what_it_deployed() {
    let branch = Branch::new().await;
    let deploy = branch.begin("deploy").await;
    let environment = branch.environment().await;
    assert_eq!(environment.name, "review/topic");
    assert_eq!(environment.state, EnvironmentState::Available);
    assert_eq!(environment.deployed_by, Some(deploy.attempt.job));
    branch.succeed(&deploy).await;
    let later = branch.begin("later").await;

    branch.delete().await;
    let held = branch.rig.fleet.holder(&later.report_token).unwrap();
    let standing = branch
        .rig
        .fleet
        .heartbeat(&held, Millis(90_000))
        .await
        .unwrap();
    assert!(
        matches!(standing, Standing::Canceling { .. }),
        "{standing:?}"
    );
    assert_eq!(branch.environment().await.state, EnvironmentState::Stopping);

    let stop = branch.begin("stop").await;
    assert_eq!(
        stop.pipeline.sha, deploy.pipeline.sha,
        "from the source of then"
    );
    assert_eq!(branch.succeed(&stop).await, End::Taken(Status::Success));
    assert_eq!(branch.environment().await.state, EnvironmentState::Stopped);
}

#[tokio::test]
async fn an_environment_stops_by_itself_when_its_time_has_come() {
    let branch = Branch::new().await;
    let deploy = branch.begin("deploy").await;
    branch.succeed(&deploy).await;
    let later = branch.begin("later").await;
    branch.succeed(&later).await;
    branch.rig.pass(Millis::from_secs(24 * 3600 - 60));
    branch.environments.round().await.unwrap();
    assert_eq!(
        branch.environment().await.state,
        EnvironmentState::Available
    );
    branch.rig.pass(Millis::from_secs(120));
    for _ in 0..2 {
        branch.environments.round().await.unwrap();
        assert_eq!(branch.environment().await.state, EnvironmentState::Stopping);
    }
    let stop = branch.begin("stop").await;
    branch.succeed(&stop).await;
    assert_eq!(branch.environment().await.state, EnvironmentState::Stopped);
}

#[tokio::test]
async fn a_branch_that_deployed_nothing_only_ends() {
    let branch = Branch::new().await;
    branch.delete().await;
    let rows = branch.rig.pipelines().await;
    let topic = rows.iter().find(|row| row.git_ref == "refs/heads/topic");
    assert_eq!(topic.unwrap().head.status, Status::Canceled);
    let all = branch.rig.store.environments(branch.project.id).await;
    assert_eq!(all.unwrap(), []);
    assert!(branch.rig.waiting().await.is_empty());
}
