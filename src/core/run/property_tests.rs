//! The machine under any events in any order: it never panics, keeps what ended, and gives every other state a deadline.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    Event, Limits, PipelineState, Rules, Status,
    machine::{apply, deadline, next_deadline},
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

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![
        4 => Just(When::OnSuccess),
        1 => Just(When::OnFailure),
        1 => Just(When::Always),
        1 => Just(When::Manual),
        1 => Just(When::Delayed),
    ]
}

fn any_allow() -> impl Strategy<Value = AllowFailure> {
    prop_oneof![
        3 => Just(AllowFailure::No),
        1 => Just(AllowFailure::Yes),
        1 => Just(AllowFailure::ExitCodes(vec![1])),
    ]
}

prop_compose! {
    fn any_job(at: usize)(
        stage in 0_u32..3,
        when in any_when(),
        allow_failure in any_allow(),
        // Any job, itself and later ones too: the machine must stand cycles.
        needs in prop::option::weighted(0.4, prop::collection::btree_set(0_usize..6, 0..3)),
        max in 0_u32..3,
        group in prop::option::weighted(0.3, "[ab]"),
    ) -> PlanJob {
        let need = |other| Need { job: format!("j{other}"), artifacts: true, optional: true };
        PlanJob {
            when,
            allow_failure,
            start_in: Some(Millis(1000)),
            needs: needs.map(|needs: BTreeSet<usize>| needs.into_iter().map(need).collect()),
            retry: Retry { max, ..Retry::default() },
            resource_group: group,
            ..PlanJob::new(&format!("j{at}"), "s", stage, JobKind::Script(ScriptSpec::default()))
        }
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let jobs = (1_usize..6).prop_flat_map(|count| (0..count).map(any_job).collect::<Vec<_>>());
    (jobs, any::<bool>()).prop_map(|(jobs, cancel_on_job_failure)| Plan {
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
    })
}

fn any_verdict() -> impl Strategy<Value = Option<Verdict>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Verdict::exit(1))),
        1 => (0..VerdictKind::ALL.len())
            .prop_map(|at| Some(Verdict::new(VerdictKind::ALL[at], "cause"))),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let lease_time = Millis(5000);
    let job = || (0_u64..8).prop_map(JobId);
    let token = || 0_u64..6;
    prop_oneof![
        1 => Just(Event::Tick),
        1 => (0_u64..9000).prop_map(|by| Event::Paused { by: Millis(by) }),
        4 => job().prop_map(move |job| Event::Lease { job, lease_time }),
        1 => (job(), token()).prop_map(move |(job, token)| Event::Renew { job, token, lease_time }),
        3 => (job(), token()).prop_map(|(job, token)| Event::Started { job, token }),
        4 => (job(), token(), any_verdict()).prop_map(|(job, token, verdict)| Event::Finished {
            job,
            token,
            exit_code: verdict.as_ref().map(|_| 1),
            verdict,
        }),
        1 => (job(), token()).prop_map(|(job, token)| Event::HandBack { job, token }),
        3 => job().prop_map(|job| Event::ResourceGranted { job }),
        2 => job().prop_map(|job| Event::Play { job }),
        1 => prop::option::of(job()).prop_map(|job| Event::Retry { job }),
        1 => job().prop_map(|job| Event::Refuse { job, verdict: Verdict::new(VerdictKind::RunnerNone, "none") }),
        1 => (prop::option::of(job()), 0_u64..3000).prop_map(|(job, grace)| Event::Cancel {
            job,
            grace: Millis(grace),
            cause: "by test".into(),
        }),
    ]
}

fn keeps_what_ended(before: &PipelineState, after: &PipelineState, event: &Event) {
    for (before, after) in before.jobs.iter().zip(&after.jobs) {
        let revived = match event {
            Event::Play { .. } => before.status == Status::Skipped,
            Event::Retry { .. } => true,
            _ => false,
        };
        if before.status.is_terminal() && !revived {
            assert_eq!(before, after, "{event:?}");
        }
    }
}

fn is_sound(rules: &Rules, state: &PipelineState) {
    for (at, job) in state.jobs.iter().enumerate() {
        let ended = job.status.is_terminal();
        assert_eq!(
            deadline(rules, state, at).is_none(),
            ended,
            "{}",
            job.status
        );
        assert_eq!(job.lease.is_some(), job.status.is_leased());
        assert_eq!(job.ending.is_some(), ended);
        assert!(job.cancel.is_none() || job.lease.is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_happens_the_state_is_sound(
        plan in any_plan(),
        events in prop::collection::vec((any_event(), 0_u64..4000), 0..60),
    ) {
        let rules = Rules::new(&plan, Limits::default());
        let mut now = Timestamp(0);
        let mut state = PipelineState::new(&rules, now);
        let mut last_key = 0;
        for (event, wait) in events {
            now = now + Millis(wait);
            let before = state.clone();
            match apply(&rules, &mut state, event.clone(), now) {
                Err(_) => prop_assert_eq!(&before, &state),
                Ok(effects) => {
                    for effect in effects {
                        prop_assert!(effect.key > last_key, "a key was used twice");
                        last_key = effect.key;
                    }
                }
            }
            keeps_what_ended(&before, &state, &event);
            is_sound(&rules, &state);
        }
        // Left alone it ends: every deadline is followed by something.
        let mut steps = 0;
        while let Some(due) = next_deadline(&rules, &state) {
            now = now.max(due);
            prop_assert!(apply(&rules, &mut state, Event::Tick, now).is_ok());
            steps += 1;
            prop_assert!(steps < 200, "it never ends: {:?}", state);
        }
        prop_assert!(state.is_terminal());
    }
}
