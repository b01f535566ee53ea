//! Pages of pipelines: what stands where, and what may be done.

use super::*;
use crate::shell::{Nav, Person};
use aqueduct_core::{
    id::{JobId, PipelineId, ProjectId},
    plan::{JobKind, Need, OnNewCommit, PipelineHead, PlanJob, ScriptSpec},
    platform::Arch,
    time::Millis,
    verdict::Verdict,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn row(status: Status) -> PipelineRow {
    PipelineRow {
        id: PipelineId(7),
        project: ProjectId(1),
        iid: 3,
        version: 1,
        cause: "push".into(),
        git_ref: "refs/heads/feature/x".into(),
        sha: "0123456789abcdef".repeat(2),
        before_sha: None,
        source: "merge_request_event".into(),
        name: None,
        plan_hash: None,
        diagnostics: None,
        first_job: GlobalJobId(40),
        jobs: 0,
        head: aqueduct_ports::store::PipelineHead {
            status,
            active: true,
            state: "{}".into(),
            started: Some(Timestamp(NOW.0 - 65_000)),
            finished: None,
        },
        created: Timestamp(NOW.0 - 70_000),
        updated: NOW,
    }
}

fn plan(jobs: Vec<PlanJob>) -> Plan {
    Plan {
        pipeline: PipelineHead {
            source: "push".into(),
            ref_name: "feature/x".into(),
            sha: String::new(),
            run: true,
            name: None,
            cancel_on_job_failure: false,
            on_new_commit: OnNewCommit::None,
        },
        variables: Vec::new(),
        stages: Vec::new(),
        jobs,
        skipped: Vec::new(),
        hash: String::new(),
    }
}

fn planned(name: &str, stage: u32, needs: &[&str]) -> PlanJob {
    let script = JobKind::Script(ScriptSpec::default());
    let needs = needs.iter().map(|name| Need {
        job: (*name).to_owned(),
        artifacts: true,
        optional: false,
    });
    let needs: Vec<Need> = needs.collect();
    PlanJob {
        needs: (!needs.is_empty()).then_some(needs),
        ..PlanJob::new(name, &format!("stage {stage}"), stage, script)
    }
}

fn job(name: &str, status: Status) -> JobSnapshot {
    JobSnapshot {
        id: JobId(1),
        name: name.to_owned(),
        stage: String::new(),
        status,
        since: NOW,
        attempt: 1,
        waiting: None,
        verdict: None,
        allow_failure: false,
        duration: Millis(0),
    }
}

fn page(may_change: bool, plan: Plan, jobs: Vec<JobSnapshot>) -> PipelinePage {
    let person = Person {
        name: "somebody".into(),
        may_change,
    };
    let ids = (40..).map(GlobalJobId);
    let facts = PipelineFacts {
        row: row(Status::Running),
        project: "group/name".into(),
        commit: Some(CommitNote {
            title: "Mend it".into(),
            author: "Ada".into(),
        }),
        plan: Some(Arc::new(plan)),
        jobs: ids.zip(jobs).collect(),
        places: vec![Some(Placement {
            executor: "oci".into(),
            arch: Arch::Arm64,
            emulated: true,
            image_digest: None,
            platform: None,
        })],
        releases: Vec::new(),
    };
    PipelinePage::new(Shell::new("t", &person, Nav::Pipelines), &facts, NOW)
}

#[test]
fn jobs_stand_in_their_stages_and_lines_lead_to_who_needs_them() {
    let mut build = planned("build: [arm64]", 0, &[]);
    build.arch = Some(Arch::Arm64);
    let test = planned("test", 2, &["build: [arm64]"]);
    let other = planned("other", 2, &[]);
    let mut waiting = job("test", Status::Created);
    waiting.waiting = Some(Waiting::Jobs {
        first: Some("build: [arm64]".into()),
        others: 0,
    });
    let mut done = job("build: [arm64]", Status::Success);
    (done.duration, done.attempt) = (Millis(83_000), 2);
    let page = page(
        true,
        plan(vec![build, test, other]),
        vec![done, waiting, job("other", Status::Manual)],
    );
    assert_eq!(page.graph.stages.len(), 2);
    let [first, second] = &page.graph.stages[..] else {
        panic!("{:?}", page.graph)
    };
    assert_eq!(
        (first.name.as_str(), first.status.name),
        ("stage 0", "success")
    );
    assert_eq!(first.cards[0].arch, Some("arm64"));
    assert!(first.cards[0].emulated && !second.cards[0].emulated);
    assert_eq!(first.cards[0].note, "1 min 23 s, try 2");
    assert_eq!(second.cards[0].note, "waits for build: [arm64]");
    assert!(second.cards[1].may_play && !second.cards[0].may_play);
    assert_eq!(page.graph.lines, ["M224 69C248 69 248 69 272 69"]);
    assert_eq!(page.head.duration.as_deref(), Some("1 min 05 s"));
    assert!(page.may_cancel && !page.may_retry);
    let html = page.render().unwrap();
    assert!(html.contains("<bdi>Mend it</bdi>") && html.contains("merge request event"));
}

#[test]
fn failures_say_why_and_who_may_not_change_sees_no_buttons() {
    let mut failed = job("a", Status::Failed);
    failed.verdict = Some(Verdict::exit(127));
    let mut allowed = job("b", Status::Failed);
    (allowed.verdict, allowed.allow_failure) = (Some(Verdict::exit(1)), true);
    let jobs = vec![failed, allowed];
    let plan = plan(vec![planned("a", 0, &[]), planned("b", 1, &[])]);
    let admin = page(true, plan.clone(), jobs.clone());
    assert_eq!(admin.problems.len(), 2);
    assert_eq!(admin.problems[0].cause, "script ended with exit code 127");
    assert!(admin.problems[0].hint.contains("not found"));
    assert_eq!(admin.problems[1].status.name, "warning");
    assert_eq!(admin.graph.stages[0].status.name, "failed");
    // A failure that is allowed fails no stage.
    assert_eq!(admin.graph.stages[1].status.name, "success");
    assert!(
        admin
            .render()
            .unwrap()
            .contains("action=\"/jobs/40/retry\"")
    );
    let reader = page(false, plan, jobs).render().unwrap();
    assert!(!reader.contains("/retry") && !reader.contains("/cancel"));
    assert!(reader.contains("read only"));
}

#[test]
fn a_job_that_nobody_takes_says_so_above_the_graph() {
    let mut stuck = job("a", Status::Pending);
    stuck.waiting = Some(Waiting::Runner("no runner takes arch arm64".into()));
    let mut queued = job("b", Status::Pending);
    queued.waiting = Some(Waiting::Slot);
    let plan = plan(vec![planned("a", 0, &[]), planned("b", 0, &[])]);
    let page = page(false, plan, vec![stuck, queued]);
    let told = (
        GlobalJobId(40),
        "a".into(),
        "no runner takes arch arm64".into(),
    );
    assert_eq!(page.waits, [told]);
    assert!(
        page.render()
            .unwrap()
            .contains("no runner takes arch arm64")
    );
}

#[test]
fn a_configuration_that_is_wrong_says_where() {
    let told = errors(Some(
        r#"{"valid":false,"errors":[{"code":"c","message":"no such stage","file":".gitlab-ci.yml","line":3,"column":5,"help":"write test"}],"warnings":[]}"#,
    ));
    assert_eq!(told[0].place.as_deref(), Some(".gitlab-ci.yml:3:5"));
    assert_eq!(told[0].help.as_deref(), Some("write test"));
    assert_eq!(errors(Some("what?"))[0].message, "what?");
    assert!(errors(None).is_empty());
}

#[test]
fn hundreds_of_lines_are_none() {
    let mut jobs = vec![planned("first", 0, &[])];
    let names: Vec<String> = (0..401).map(|number| format!("job {number}")).collect();
    jobs.extend(names.iter().map(|name| planned(name, 1, &["first"])));
    let states: Vec<_> = jobs
        .iter()
        .map(|one| job(&one.name, Status::Pending))
        .collect();
    let page = page(true, plan(jobs), states);
    assert!(page.graph.lines.is_empty());
    assert_eq!(page.graph.stages[1].cards.len(), 401);
}
