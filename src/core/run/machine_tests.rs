//! Scenarios: a few lines of plan, what happens, and where every job stands afterwards.

use super::{
    Effect, EffectKind, Event, Ignored, Limits, PipelineState, Rules, Status,
    machine::{apply, deadline},
};
use crate::{
    id::JobId,
    plan::{
        AllowFailure, JobKind, Need, OnNewCommit, PipelineHead, Plan, PlanJob, Retry, ScriptSpec,
        When,
    },
    time::{Millis, Timestamp},
    verdict::{Verdict, VerdictKind},
};

const LEASE: Millis = Millis(60_000);

/// A pipeline, its clock, and everything it has asked for.
struct Run {
    rules: Rules,
    state: PipelineState,
    now: Timestamp,
    effects: Vec<Effect>,
}

fn job(name: &str, stage: u32) -> PlanJob {
    let kind = JobKind::Script(ScriptSpec::default());
    PlanJob::new(name, &format!("s{stage}"), stage, kind)
}

fn needs(name: &str, stage: u32, jobs: &[&str]) -> PlanJob {
    let need = |job: &&str| Need {
        job: (*job).to_owned(),
        artifacts: true,
        optional: false,
    };
    PlanJob {
        needs: Some(jobs.iter().map(need).collect()),
        ..job(name, stage)
    }
}

fn when(job: PlanJob, when: When) -> PlanJob {
    PlanJob { when, ..job }
}

/// As `when: manual` of a job: optional.
fn manual(job: PlanJob) -> PlanJob {
    PlanJob {
        when: When::Manual,
        allow_failure: AllowFailure::Yes,
        ..job
    }
}

fn allowed(job: PlanJob) -> PlanJob {
    PlanJob {
        allow_failure: AllowFailure::Yes,
        ..job
    }
}

fn retried(job: PlanJob, max: u32) -> PlanJob {
    let retry = Retry {
        max,
        ..Retry::default()
    };
    PlanJob { retry, ..job }
}

fn grouped(job: PlanJob) -> PlanJob {
    PlanJob {
        resource_group: Some("db".into()),
        ..job
    }
}

impl Run {
    fn new(jobs: Vec<PlanJob>) -> Self {
        Self::with(jobs, false)
    }

    fn with(jobs: Vec<PlanJob>, cancel_on_job_failure: bool) -> Self {
        let plan = Plan {
            pipeline: PipelineHead {
                source: "push".into(),
                ref_name: "main".into(),
                sha: "0".repeat(40),
                run: true,
                name: None,
                cancel_on_job_failure,
                on_new_commit: OnNewCommit::default(),
            },
            variables: Vec::new(),
            stages: Vec::new(),
            jobs,
            skipped: Vec::new(),
            hash: String::new(),
        };
        let rules = Rules::new(&plan, Limits::default());
        let now = Timestamp(1_000_000);
        let state = PipelineState::new(&rules, now);
        let mut run = Self {
            rules,
            state,
            now,
            effects: Vec::new(),
        };
        run.event(Event::Tick).unwrap();
        run
    }

    fn event(&mut self, event: Event) -> Result<(), Ignored> {
        let effects = apply(&self.rules, &mut self.state, event, self.now)?;
        self.effects.extend(effects);
        Ok(())
    }

    fn at(&self, name: &str) -> usize {
        self.rules
            .jobs
            .iter()
            .position(|job| job.name == name)
            .unwrap()
    }

    fn id(&self, name: &str) -> JobId {
        Rules::id(self.at(name))
    }

    fn lease(&mut self, name: &str) -> u64 {
        let job = self.id(name);
        self.event(Event::Lease {
            job,
            lease_time: LEASE,
        })
        .unwrap();
        self.state.jobs[self.at(name)].lease.unwrap().token
    }

    fn started(&mut self, name: &str) -> u64 {
        let (job, token) = (self.id(name), self.lease(name));
        self.event(Event::Started { job, token }).unwrap();
        token
    }

    fn report(&mut self, name: &str, token: u64, verdict: Option<Verdict>) -> Result<(), Ignored> {
        let exit_code = verdict
            .as_ref()
            .map_or(Some(0), |verdict| verdict.exit_code);
        self.event(Event::Finished {
            job: self.id(name),
            token,
            verdict,
            exit_code,
        })
    }

    fn passes(&mut self, name: &str) {
        let token = self.started(name);
        self.report(name, token, None).unwrap();
    }

    fn fails(&mut self, name: &str) {
        self.fails_with(name, Verdict::exit(1));
    }

    fn fails_with(&mut self, name: &str, verdict: Verdict) {
        let token = self.started(name);
        self.report(name, token, Some(verdict)).unwrap();
    }

    fn cancel(&mut self, grace: u64) {
        self.event(Event::Cancel {
            job: None,
            grace: Millis(grace),
            cause: "by test".into(),
        })
        .unwrap();
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now + Millis(ms);
        self.event(Event::Tick).unwrap();
    }

    fn status(&self, name: &str) -> Status {
        self.state.jobs[self.at(name)].status
    }

    /// `pipeline | job job …`
    fn all(&self) -> String {
        let jobs: Vec<&str> = self
            .state
            .jobs
            .iter()
            .map(|job| job.status.name())
            .collect();
        format!("{} | {}", self.state.status, jobs.join(" "))
    }

    fn verdict(&self, name: &str) -> VerdictKind {
        let ending = self.state.jobs[self.at(name)].ending.as_ref();
        ending.unwrap().verdict.as_ref().unwrap().kind
    }

    fn stops(&self) -> usize {
        let is_stop = |effect: &&Effect| matches!(effect.kind, EffectKind::StopAttempt { .. });
        self.effects.iter().filter(is_stop).count()
    }
}

#[test]
fn stages_follow_each_other_and_needs_do_not_wait_for_them() {
    let mut run = Run::new(vec![
        job("build", 0),
        job("lint", 0),
        job("test", 1),
        needs("early", 1, &["lint"]),
        needs("now", 2, &[]),
        job("deploy", 2),
    ]);
    assert_eq!(
        run.all(),
        "pending | pending pending created created pending created"
    );
    run.passes("lint");
    assert_eq!(
        run.all(),
        "running | pending success created pending pending created"
    );
    run.passes("build");
    assert_eq!(
        run.all(),
        "running | success success pending pending pending created"
    );
    for name in ["test", "early", "now", "deploy"] {
        run.passes(name);
    }
    assert_eq!(
        run.all(),
        "success | success success success success success success"
    );
}

#[test]
fn a_failure_skips_on_success_and_starts_on_failure_and_always() {
    let mut run = Run::new(vec![
        job("build", 0),
        job("test", 1),
        when(job("clean", 1), When::OnFailure),
        when(job("report", 2), When::Always),
        needs("behind", 2, &["test"]),
    ]);
    run.fails("build");
    assert_eq!(
        run.all(),
        "running | failed skipped pending created skipped"
    );
    run.passes("clean");
    assert_eq!(
        run.all(),
        "running | failed skipped success pending skipped"
    );
    run.passes("report");
    assert_eq!(run.all(), "failed | failed skipped success success skipped");
}

#[test]
fn on_failure_is_skipped_when_all_goes_well() {
    let mut run = Run::new(vec![
        job("build", 0),
        when(job("clean", 1), When::OnFailure),
        job("deploy", 2),
    ]);
    run.passes("build");
    assert_eq!(run.all(), "running | success skipped pending");
    run.passes("deploy");
    assert_eq!(run.all(), "success | success skipped success");
}

#[test]
fn an_allowed_failure_is_a_warning_to_stages_and_needs() {
    let mut run = Run::new(vec![
        allowed(job("lint", 0)),
        job("test", 1),
        needs("after", 1, &["lint"]),
        when(job("clean", 1), When::OnFailure),
    ]);
    run.fails("lint");
    assert_eq!(run.all(), "pending | failed pending pending skipped");
    run.passes("test");
    run.passes("after");
    assert_eq!(run.all(), "success | failed success success skipped");
}

#[test]
fn exit_codes_decide_what_is_allowed() {
    for (exit, pipeline) in [(42, "success"), (1, "failed")] {
        let mut run = Run::new(vec![PlanJob {
            allow_failure: AllowFailure::ExitCodes(vec![42]),
            ..job("lint", 0)
        }]);
        run.fails_with("lint", Verdict::exit(exit));
        assert_eq!(run.all(), format!("{pipeline} | failed"), "exit {exit}");
    }
}

#[test]
fn an_optional_manual_job_is_ignored_by_stages_and_skips_what_needs_it() {
    let mut run = Run::new(vec![
        manual(job("deploy", 0)),
        job("test", 1),
        needs("smoke", 1, &["deploy"]),
    ]);
    assert_eq!(run.all(), "pending | manual pending skipped");
    run.passes("test");
    assert_eq!(run.all(), "success | manual success skipped");
    assert!(run.state.is_at_rest());
}

#[test]
fn playing_a_manual_job_revives_what_was_skipped_behind_it() {
    let mut run = Run::new(vec![
        manual(job("deploy", 0)),
        needs("smoke", 1, &["deploy"]),
        needs("report", 1, &["smoke"]),
    ]);
    assert_eq!(run.all(), "skipped | manual skipped skipped");
    let job = run.id("deploy");
    run.event(Event::Play { job }).unwrap();
    assert_eq!(run.all(), "pending | pending created created");
    for name in ["deploy", "smoke", "report"] {
        run.passes(name);
    }
    assert_eq!(run.all(), "success | success success success");
    assert_eq!(run.event(Event::Play { job }), Err(Ignored::WrongState));
}

#[test]
fn a_job_played_beforehand_skips_nothing_behind_it() {
    let jobs = || {
        vec![
            manual(job("deploy", 0)),
            needs("smoke", 0, &["deploy"]),
            job("last", 1),
        ]
    };
    let mut rules = Run::new(jobs()).rules;
    rules.jobs[0].played = true;
    let now = Timestamp(0);
    let mut state = PipelineState::new(&rules, now);
    apply(&rules, &mut state, Event::Tick, now).unwrap();
    let statuses = state.jobs.iter().map(|job| job.status);
    let expected = [Status::Pending, Status::Created, Status::Created];
    assert!(statuses.eq(expected));
}

#[test]
fn a_blocking_manual_job_blocks_later_stages() {
    let mut run = Run::new(vec![
        job("build", 0),
        when(job("gate", 1), When::Manual),
        job("deploy", 2),
        needs("after", 2, &["gate"]),
    ]);
    run.passes("build");
    assert_eq!(run.all(), "manual | success manual created created");
    assert!(run.state.is_at_rest() && !run.state.is_terminal());
    let job = run.id("gate");
    run.event(Event::Play { job }).unwrap();
    run.passes("gate");
    assert_eq!(run.all(), "running | success success pending pending");
}

#[test]
fn a_delayed_job_starts_when_its_time_comes_or_when_it_is_played() {
    let delayed = || PlanJob {
        when: When::Delayed,
        start_in: Some(Millis(5000)),
        ..job("later", 0)
    };
    let mut run = Run::new(vec![delayed()]);
    assert_eq!(run.all(), "scheduled | scheduled");
    run.wait(4999);
    assert_eq!(run.status("later"), Status::Scheduled);
    run.wait(1);
    assert_eq!(run.status("later"), Status::Pending);
    let mut run = Run::new(vec![delayed()]);
    let job = run.id("later");
    run.event(Event::Play { job }).unwrap();
    assert_eq!(run.status("later"), Status::Pending);
}

#[test]
fn the_users_retries_are_used_up() {
    let mut run = Run::new(vec![retried(job("flaky", 0), 2)]);
    for expected in [Status::Pending, Status::Pending, Status::Failed] {
        run.fails("flaky");
        assert_eq!(run.status("flaky"), expected);
    }
    assert_eq!(run.state.jobs[0].attempt, 3);
}

#[test]
fn infrastructure_has_a_budget_of_its_own() {
    let mut run = Run::new(vec![retried(job("build", 0), 1)]);
    for expected in [
        Status::Pending,
        Status::Pending,
        Status::Pending,
        Status::Failed,
    ] {
        run.fails_with("build", Verdict::new(VerdictKind::NodeLost, "gone"));
        assert_eq!(run.status("build"), expected);
    }
}

#[test]
fn a_claim_that_never_started_costs_no_retry() {
    let mut run = Run::new(vec![job("build", 0)]);
    for _ in 0..run.rules.limits.claims {
        run.lease("build");
        run.wait(LEASE.0);
        assert_eq!(run.status("build"), Status::Pending);
    }
    assert_eq!(run.state.jobs[0].spent.infrastructure, 0);
    run.lease("build");
    run.wait(LEASE.0);
    assert_eq!(run.state.jobs[0].spent.infrastructure, 1);
}

#[test]
fn a_job_that_is_handed_back_costs_no_retry_but_not_for_ever() {
    let mut run = Run::new(vec![retried(job("release", 0), 1)]);
    let hand_back = |run: &mut Run| {
        let (job, token) = (run.id("release"), run.started("release"));
        run.event(Event::HandBack { job, token }).unwrap();
        assert_eq!(run.report("release", token, None), Err(Ignored::Stale));
    };
    for _ in 0..run.rules.limits.returns {
        hand_back(&mut run);
        assert_eq!(run.status("release"), Status::Pending);
    }
    let spent = run.state.jobs[0].spent;
    assert_eq!((spent.infrastructure, spent.user), (0, 0));
    // What remains are the budgets for runners that are lost.
    for expected in [
        Status::Pending,
        Status::Pending,
        Status::Pending,
        Status::Failed,
    ] {
        hand_back(&mut run);
        assert_eq!(run.status("release"), expected);
    }
}

#[test]
fn a_canceled_job_that_is_handed_back_stays_canceled() {
    let mut run = Run::new(vec![job("release", 0)]);
    let (job, token) = (run.id("release"), run.started("release"));
    run.event(Event::Cancel {
        job: Some(job),
        grace: Millis(1000),
        cause: "enough".into(),
    })
    .unwrap();
    run.event(Event::HandBack { job, token }).unwrap();
    assert_eq!(run.status("release"), Status::Canceled);
}

#[test]
fn a_lost_runner_is_replaced_and_its_report_comes_too_late() {
    let mut run = Run::new(vec![job("build", 0)]);
    let lost = run.started("build");
    run.wait(LEASE.0 - 1);
    assert_eq!(run.status("build"), Status::Running);
    run.wait(1);
    assert_eq!(run.status("build"), Status::Pending);
    assert_eq!(run.report("build", lost, None), Err(Ignored::Stale));
    let token = run.started("build");
    assert_eq!(run.report("build", lost, None), Err(Ignored::Stale));
    run.report("build", token, None).unwrap();
    assert_eq!(run.report("build", token, None), Err(Ignored::Repeat));
    assert_eq!(run.all(), "success | success");
}

#[test]
fn a_job_past_its_timeout_and_the_slack_is_stopped() {
    let mut run = Run::new(vec![PlanJob {
        timeout: Millis(10_000),
        ..job("slow", 0)
    }]);
    let (job, token) = (run.id("slow"), run.started("slow"));
    run.wait(10_000);
    run.event(Event::Renew {
        job,
        token,
        lease_time: Millis(10_000_000),
    })
    .unwrap();
    let slack = run.rules.limits.slack.0;
    run.wait(slack - 1);
    assert_eq!(run.status("slow"), Status::Running);
    run.wait(1);
    assert_eq!(run.status("slow"), Status::Failed);
    assert_eq!(run.verdict("slow"), VerdictKind::ScriptTimeout);
    assert_eq!(run.stops(), 1);
}

#[test]
fn one_job_of_a_resource_group_runs_and_gives_it_back() {
    let mut run = Run::new(vec![grouped(job("a", 0)), grouped(job("b", 0))]);
    assert_eq!(
        run.all(),
        "waiting_for_resource | waiting_for_resource waiting_for_resource"
    );
    let job = run.id("a");
    run.event(Event::ResourceGranted { job }).unwrap();
    assert_eq!(run.all(), "running | pending waiting_for_resource");
    assert_eq!(
        run.event(Event::ResourceGranted { job }),
        Err(Ignored::WrongState)
    );
    run.passes("a");
    let released = EffectKind::ReleaseResource {
        job,
        group: "db".into(),
    };
    assert!(run.effects.iter().any(|effect| effect.kind == released));
}

#[test]
fn cancel_ends_what_waits_at_once_and_what_runs_within_its_grace() {
    let mut run = Run::new(vec![
        job("a", 0),
        job("b", 0),
        job("c", 1),
        manual(job("d", 1)),
    ]);
    let token = run.started("a");
    run.cancel(10_000);
    assert_eq!(run.all(), "running | running canceled canceled canceled");
    assert_eq!(run.stops(), 1);
    run.cancel(20_000);
    assert_eq!(run.stops(), 1, "a longer grace changes nothing");
    run.cancel(0);
    assert_eq!(run.stops(), 2, "a shorter one does");
    run.report("a", token, Some(Verdict::exit(143))).unwrap();
    assert_eq!(run.all(), "canceled | canceled canceled canceled canceled");
    assert_eq!(run.verdict("a"), VerdictKind::Canceled);
}

#[test]
fn a_canceled_attempt_that_never_ends_is_given_up() {
    let mut run = Run::new(vec![job("a", 0)]);
    run.started("a");
    run.cancel(0);
    run.wait(run.rules.limits.slack.0);
    assert_eq!(run.all(), "canceled | canceled");
}

#[test]
fn success_is_kept_even_after_a_cancel() {
    let mut run = Run::new(vec![job("a", 0)]);
    let token = run.started("a");
    run.cancel(10_000);
    run.report("a", token, None).unwrap();
    assert_eq!(run.all(), "success | success");
}

#[test]
fn one_failure_cancels_all_where_the_workflow_says_so() {
    let jobs = || vec![job("a", 0), job("b", 0), when(job("c", 1), When::Always)];
    let mut run = Run::with(jobs(), true);
    let token = run.started("b");
    run.fails("a");
    assert_eq!(run.all(), "running | failed running canceled");
    run.report("b", token, Some(Verdict::exit(143))).unwrap();
    assert_eq!(run.all(), "failed | failed canceled canceled");

    let mut tolerant = Run::with(vec![allowed(job("a", 0)), job("b", 0)], true);
    tolerant.fails("a");
    assert_eq!(
        tolerant.all(),
        "pending | failed pending",
        "an allowed failure cancels nothing"
    );
}

#[test]
fn always_does_not_run_after_a_cancel() {
    let mut run = Run::new(vec![job("a", 0), when(job("report", 1), When::Always)]);
    let job = run.id("a");
    run.event(Event::Cancel {
        job: Some(job),
        grace: Millis(0),
        cause: "by test".into(),
    })
    .unwrap();
    assert_eq!(run.all(), "canceled | canceled skipped");
}

#[test]
fn a_job_nobody_takes_fails_with_the_reason_and_without_retry() {
    let mut run = Run::new(vec![retried(job("gpu", 0), 2)]);
    let (job, cause) = (run.id("gpu"), "no runner takes tag gpu");
    let verdict = Verdict::new(VerdictKind::RunnerNone, cause);
    run.event(Event::Refuse { job, verdict }).unwrap();
    assert_eq!(run.all(), "failed | failed");
    assert_eq!(run.verdict("gpu"), VerdictKind::RunnerNone);
}

#[test]
fn what_waits_for_ever_is_ended_after_the_idle_limit() {
    let mut run = Run::new(vec![when(job("gate", 0), When::Manual), job("deploy", 1)]);
    let idle = run.rules.limits.idle.0;
    run.wait(idle - 1);
    assert_eq!(run.all(), "manual | manual created");
    run.wait(1);
    assert_eq!(run.all(), "canceled | canceled canceled");
    assert_eq!(deadline(&run.rules, &run.state, 0), None);
}

#[test]
fn jobs_that_need_each_other_end_all_the_same() {
    let mut run = Run::new(vec![needs("a", 0, &["b"]), needs("b", 0, &["a"])]);
    assert_eq!(run.all(), "created | created created");
    run.wait(run.rules.limits.idle.0);
    assert!(run.state.is_terminal());
}

#[test]
fn a_cache_never_fails_a_job() {
    let mut run = Run::new(vec![job("build", 0)]);
    run.fails_with("build", Verdict::new(VerdictKind::CacheError, "disk full"));
    assert_eq!(run.all(), "success | success");
}

#[test]
fn the_state_of_another_plan_is_left_alone() {
    let mut run = Run::new(vec![job("build", 0)]);
    run.rules = Run::new(vec![job("build", 0), job("test", 1)]).rules;
    assert_eq!(run.event(Event::Tick), Err(Ignored::OtherPlan));
}

#[test]
fn unknown_jobs_and_tokens_are_ignored() {
    let mut run = Run::new(vec![job("a", 0)]);
    let before = run.state.clone();
    for job in [JobId(0), JobId(2), JobId(u64::MAX)] {
        assert_eq!(run.event(Event::Play { job }), Err(Ignored::UnknownJob));
    }
    assert_eq!(run.report("a", 99, None), Err(Ignored::Stale));
    assert_eq!(run.state, before);
}
