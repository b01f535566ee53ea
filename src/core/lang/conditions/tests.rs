//! The rules about rules that are easily missed, each with a pipeline that would differ.

use std::collections::BTreeMap;

use crate::{
    lang::{
        context::{Context, ContextVariable, MergeRequest, PipelineSource, RefKind},
        testing::{job, names, paths, plan, plan_in, variable},
    },
    plan::{AllowFailure, OnNewCommit, Plan, When},
    time::Millis,
};

fn tag(name: &str) -> Context {
    Context {
        ref_kind: RefKind::Tag,
        ref_name: name.to_owned(),
        default_branch: "main".to_owned(),
        ..Context::branch(name)
    }
}

fn merge_request() -> Context {
    Context {
        source: PipelineSource::MergeRequest,
        merge_request: Some(MergeRequest {
            iid: 7,
            source_branch: "topic".into(),
            target_branch: "main".into(),
            ..MergeRequest::default()
        }),
        default_branch: "main".to_owned(),
        ..Context::branch("topic")
    }
}

fn source(source: PipelineSource) -> Context {
    Context {
        source,
        ..Context::branch("main")
    }
}

fn changing(files: &[&str]) -> Context {
    Context {
        changes: Some(paths(files)),
        ..Context::branch("main")
    }
}

/// Whether the job `j` with this body is in the pipeline; `k` is always there.
fn has(body: &str, context: &Context) -> bool {
    let text = format!("k: {{script: x, rules: [when: always]}}\nj:\n  script: x\n{body}");
    let plan = plan_in(&text, context).unwrap_or_else(|error| panic!("{text}{error}"));
    plan.job("j").is_some()
}

fn body_of(rules: &str) -> Plan {
    plan(&format!("j:\n  script: x\n{rules}"))
}

#[test]
fn conditions_of_real_pipelines() {
    let table: Vec<(&str, Context, bool)> = vec![
        (
            "  rules: [if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH]\n",
            Context::branch("main"),
            true,
        ),
        (
            "  rules: [if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH]\n",
            tag("main"),
            false,
        ),
        ("  rules: [if: $CI_COMMIT_BRANCH]\n", merge_request(), false),
        (
            "  rules: [if: $CI_COMMIT_REF_NAME == 'topic']\n",
            merge_request(),
            true,
        ),
        (
            "  rules: [if: $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == 'main']\n",
            merge_request(),
            true,
        ),
        (
            "  rules: [if: '$CI_COMMIT_TAG =~ /^v\\d+/']\n",
            tag("v1"),
            true,
        ),
        (
            "  rules: [if: '$CI_COMMIT_TAG =~ /^v\\d+/']\n",
            tag("x1"),
            false,
        ),
        (
            "  rules: [if: '$CI_COMMIT_TAG !~ /^v/']\n",
            Context::branch("main"),
            true,
        ),
        (
            "  rules: [if: '$CI_PIPELINE_SOURCE == \"schedule\"']\n",
            source(PipelineSource::Schedule),
            true,
        ),
        (
            "  rules: [if: $CI_JOB_NAME == 'j' && $CI_JOB_STAGE == 'test']\n",
            Context::branch("main"),
            true,
        ),
        (
            "  rules: [if: $CI_ENVIRONMENT_NAME == 'review/main']\n  environment: review/$CI_COMMIT_REF_NAME\n",
            Context::branch("main"),
            true,
        ),
        (
            "  rules: [if: $CI_ENVIRONMENT_NAME]\n",
            Context::branch("main"),
            false,
        ),
        (
            "  variables: {A: $B, B: yes-it-is}\n  rules: [if: $A == 'yes-it-is']\n",
            Context::branch("main"),
            true,
        ),
        (
            "  variables: {A: $NOWHERE}\n  rules: [if: $A]\n",
            Context::branch("main"),
            false,
        ),
        (
            "  variables: {E: ''}\n  rules: [if: $E == null]\n",
            Context::branch("main"),
            false,
        ),
        (
            "  variables: {E: ''}\n  rules: [if: $E == '']\n",
            Context::branch("main"),
            true,
        ),
    ];
    for (body, context, expected) in table {
        assert_eq!(has(body, &context), expected, "{body}");
    }
}

#[test]
fn the_first_rule_whose_conditions_all_hold_decides() {
    let context = changing(&["src/a.c"]);
    let table = [
        ("[{if: $CI, changes: [src/*]}]", true),
        ("[{if: $CI, changes: [docs/*]}]", false),
        ("[{if: $NO, changes: [src/*]}]", false),
        ("[{changes: [docs/*], when: never}, {if: $CI}]", true),
        ("[{changes: [src/*], when: never}, {if: $CI}]", false),
        ("[{if: $NO}]", false),
        ("[{when: never}]", false),
        ("[{when: on_success}]", true),
        ("[{changes: [src/*], exists: [none]}]", false),
    ];
    for (rules, expected) in table {
        assert_eq!(
            has(&format!("  rules: {rules}\n"), &context),
            expected,
            "{rules}"
        );
    }
}

#[test]
fn manual_in_a_rule_blocks_and_manual_of_the_job_does_not() {
    let table = [
        ("  when: manual\n", When::Manual, AllowFailure::Yes),
        (
            "  when: manual\n  allow_failure: false\n",
            When::Manual,
            AllowFailure::No,
        ),
        ("  rules: [when: manual]\n", When::Manual, AllowFailure::No),
        (
            "  rules: [{when: manual, allow_failure: true}]\n",
            When::Manual,
            AllowFailure::Yes,
        ),
        (
            "  allow_failure: true\n  rules: [when: manual]\n",
            When::Manual,
            AllowFailure::Yes,
        ),
        // The rule has no `when`: the job's own counts, with what it implies.
        (
            "  when: manual\n  rules: [if: $CI]\n",
            When::Manual,
            AllowFailure::Yes,
        ),
        (
            "  when: always\n  rules: [if: $CI]\n",
            When::Always,
            AllowFailure::No,
        ),
        (
            "  when: always\n  rules: [{if: $CI, when: on_failure}]\n",
            When::OnFailure,
            AllowFailure::No,
        ),
        (
            "  allow_failure: {exit_codes: [3]}\n  rules: [{if: $CI, allow_failure: false}]\n",
            When::OnSuccess,
            AllowFailure::No,
        ),
    ];
    for (body, when, allow_failure) in table {
        let plan = body_of(body);
        let job = job(&plan, "j");
        assert_eq!(
            (job.when, &job.allow_failure),
            (when, &allow_failure),
            "{body}"
        );
        let manual = (when == When::Manual).then_some("true");
        assert_eq!(variable(job, "CI_JOB_MANUAL"), manual, "{body}");
    }
}

#[test]
fn a_delay_comes_from_the_rule_or_the_job() {
    let plan = body_of("  rules: [{if: $CI, when: delayed, start_in: 30 minutes}]\n");
    assert_eq!(job(&plan, "j").start_in, Some(Millis::from_secs(1800)));
    let plan = body_of("  when: delayed\n  start_in: 1 day\n");
    assert_eq!(job(&plan, "j").start_in, Some(Millis::from_secs(86_400)));
}

#[test]
fn changes_without_a_diff_are_true_and_an_empty_diff_is_false() {
    let rule = "  rules: [changes: [docs/**/*.md]]\n";
    assert!(has(rule, &Context::branch("main")));
    assert!(!has(rule, &changing(&[])));
    assert!(!has(rule, &changing(&["README.md", "docs/a.txt"])));
    assert!(has(rule, &changing(&["docs/x/a.md"])));
    assert!(has(
        "  rules: [changes: {paths: ['$DIR/*']}]\n  variables: {DIR: src}\n",
        &changing(&["src/a"])
    ));
    assert!(!has(
        "  rules: [changes: ['$NOWHERE/*']]\n",
        &changing(&["/a"])
    ));
    let many: Vec<String> = (0..50_001).map(|at| format!("f{at}")).collect();
    let context = Context {
        changes: Some(many.into()),
        ..Context::branch("main")
    };
    assert!(has("  rules: [changes: [nothing]]\n", &context));
}

#[test]
fn changes_may_compare_with_another_ref() {
    let rule = "  rules: [changes: {paths: [a], compare_to: $CI_DEFAULT_BRANCH}]\n";
    let mut context = changing(&["b"]);
    context.compare_to = BTreeMap::from([("main".to_owned(), paths(&["a"]))]);
    assert!(has(rule, &context));
    let text = format!("j:\n  script: x\n{rule}");
    let error = plan_in(&text, &Context::branch("main")).unwrap_err();
    assert!(
        error.starts_with("3:45 unresolved-ref: jobs:j:rules:changes:compare_to names `main`"),
        "{error}"
    );
}

#[test]
fn exists_looks_into_the_tree() {
    let context = Context {
        files: Some(paths(&["Dockerfile", "docs/a.md", "src/.hidden/x"])),
        ..Context::branch("main")
    };
    let table = [
        ("Dockerfile", true),
        ("Docker", false),
        ("**/*.md", true),
        ("*.md", false),
        ("docs/", true),
        ("docs", false),
        ("src/**/*", true),
        ("$FILE", true),
    ];
    for (pattern, expected) in table {
        let body = format!("  variables: {{FILE: Dockerfile}}\n  rules: [exists: ['{pattern}']]\n");
        assert_eq!(has(&body, &context), expected, "{pattern}");
    }
}

#[test]
fn a_rule_replaces_needs_and_interruptible_and_adds_variables() {
    let plan = plan(
        "
stages: [build, test]
a: {stage: build, script: x}
b: {stage: build, script: x}
j:
  script: x
  needs: [a]
  interruptible: true
  variables: {X: job, Y: job}
  rules:
    - if: $X == 'rule'
      when: never
    - if: $CI
      needs: [b]
      interruptible: false
      variables: {X: rule}
k:
  script: x
  needs: [a]
  rules: [{if: $CI, needs: []}]
",
    );
    let j = job(&plan, "j");
    assert_eq!(j.needs.as_ref().unwrap()[0].job, "b");
    assert!(!j.interruptible);
    assert_eq!(
        (variable(j, "X"), variable(j, "Y")),
        (Some("rule"), Some("job"))
    );
    assert_eq!(j.reason, "rule 2 of 2: if $CI");
    assert_eq!(job(&plan, "k").needs, Some(vec![]));
}

#[test]
fn only_and_except() {
    let table: Vec<(&str, Context, bool)> = vec![
        ("", Context::branch("main"), true),
        ("", tag("v1"), true),
        ("", merge_request(), false),
        ("  only: [merge_requests]\n", merge_request(), true),
        ("  only: [merge_requests]\n", Context::branch("main"), false),
        ("  only: [branches]\n", merge_request(), false),
        ("  only: [branches]\n", tag("v1"), false),
        ("  only: [tags]\n", tag("v1"), true),
        ("  only: [main]\n", Context::branch("main"), true),
        ("  only: [main]\n", Context::branch("mainline"), false),
        ("  only: [topic]\n", merge_request(), false),
        (
            "  only: ['/^release-/']\n",
            Context::branch("release-1"),
            true,
        ),
        (
            "  only: ['/^RELEASE-/i']\n",
            Context::branch("release-1"),
            true,
        ),
        (
            "  only: ['/^release-/']\n",
            Context::branch("a-release-1"),
            false,
        ),
        (
            "  only: ['main@group/project']\n",
            Context::branch("main"),
            false,
        ),
        ("  only: [pushes]\n", Context::branch("main"), true),
        (
            "  only: [schedules]\n",
            source(PipelineSource::Schedule),
            true,
        ),
        ("  only: [web]\n", source(PipelineSource::Web), true),
        ("  only: [api]\n", source(PipelineSource::Api), true),
        (
            "  only: [triggers]\n",
            source(PipelineSource::Trigger),
            true,
        ),
        (
            "  only: [external_pull_requests]\n",
            source(PipelineSource::ExternalPullRequest),
            true,
        ),
        (
            "  only: {refs: [main], variables: [$CI]}\n",
            Context::branch("main"),
            true,
        ),
        (
            "  only: {refs: [main], variables: [$NO]}\n",
            Context::branch("main"),
            false,
        ),
        ("  only: {variables: [$CI]}\n", merge_request(), false),
        ("  only: {changes: [a]}\n", Context::branch("main"), true),
        ("  only: {changes: [a]}\n", changing(&["b"]), false),
        (
            "  only: {kubernetes: active}\n",
            Context::branch("main"),
            false,
        ),
        ("  except: [main]\n", Context::branch("main"), false),
        ("  except: [main]\n", Context::branch("topic"), true),
        ("  except: [tags]\n", merge_request(), false),
        // One part of `except` is enough, all of `only` must hold.
        (
            "  except: {refs: [other], variables: [$CI]}\n",
            Context::branch("main"),
            false,
        ),
        (
            "  only: [branches]\n  except: ['/^ma/']\n",
            Context::branch("main"),
            false,
        ),
    ];
    for (body, context, expected) in table {
        assert_eq!(has(body, &context), expected, "{body} {:?}", context.source);
    }
    let mut own = Context::branch("main");
    own.project.path = "group/project".to_owned();
    assert!(has("  only: ['main@group/project']\n", &own));
    assert!(has("  only: ['/^m.*n$/@group/project']\n", &own));
    assert!(has("  only: [branches@group/project]\n", &own));
}

#[test]
fn workflow_rules_take_the_default_filter_away() {
    let text = "workflow: {rules: [if: $CI]}\nj: {script: x}\n";
    assert_eq!(names(&plan_in(text, &merge_request()).unwrap()), ["j"]);
}

#[test]
fn workflow_rules_decide_about_the_pipeline() {
    let text = "
workflow:
  name: 'P $W on $CI_COMMIT_BRANCH'
  rules:
    - if: $CI_PIPELINE_SOURCE == 'schedule'
      when: never
    - if: $CI_COMMIT_BRANCH == 'main'
      variables: {W: matched}
      auto_cancel: {on_job_failure: all, on_new_commit: none}
variables: {W: global, G: $W}
j:
  script: x
  rules: [if: $W == 'matched' && $G == 'matched' && $CI_PIPELINE_NAME]
k: {script: x, inherit: {variables: false}}
";
    let plan = plan_in(text, &Context::branch("main")).unwrap();
    assert_eq!(plan.pipeline.name.as_deref(), Some("P matched on main"));
    assert!(plan.pipeline.run && plan.pipeline.cancel_on_job_failure);
    assert_eq!(plan.pipeline.on_new_commit, OnNewCommit::None);
    assert_eq!(names(&plan), ["j", "k"]);
    assert_eq!(variable(job(&plan, "j"), "W"), Some("matched"));
    assert_eq!(variable(job(&plan, "k"), "W"), None);

    for (context, reason) in [
        (
            source(PipelineSource::Schedule),
            "rule 1 of workflow:rules says never: if $CI_PIPELINE_SOURCE == 'schedule'",
        ),
        (
            Context::branch("topic"),
            "no rule of workflow:rules matches",
        ),
    ] {
        let plan = plan_in(text, &context).unwrap();
        assert!(!plan.pipeline.run && plan.jobs.is_empty());
        assert_eq!(plan.skipped.len(), 2);
        assert_eq!(plan.skipped[0].reason, reason);
    }
}

#[test]
fn skip_markers_count_where_nobody_asked_by_hand() {
    let text = "j: {script: x}\n";
    let mut context = Context::branch("main");
    for (message, run) in [
        ("fix [skip ci]", false),
        ("[CI SKIP]", false),
        ("[ci-skip] x", false),
        ("skip ci", true),
    ] {
        context.commit.message = message.to_owned();
        assert_eq!(
            plan_in(text, &context).unwrap().pipeline.run,
            run,
            "{message}"
        );
    }
    context.commit.message = "[skip ci]".to_owned();
    context.source = PipelineSource::Web;
    assert!(plan_in(text, &context).unwrap().pipeline.run);
    context.source = PipelineSource::Push;
    context.skip_markers = false;
    assert!(plan_in(text, &context).unwrap().pipeline.run);
}

#[test]
fn a_pipeline_of_pre_and_post_alone_is_none() {
    let text = "
a: {stage: .pre, script: x}
b: {script: x, rules: [if: $NO]}
";
    let plan = plan(text);
    assert!(!plan.pipeline.run && plan.jobs.is_empty() && plan.stages.is_empty());
    let reasons: Vec<_> = plan.skipped.iter().map(|job| job.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "no rule matches",
            "no job is left but those of .pre and .post"
        ]
    );
}

#[test]
fn outside_variables_beat_the_file() {
    let text = "
variables: {V: file}
j: {script: x, variables: {V: job}, rules: [if: $V == 'given']}
";
    let mut context = Context::branch("main");
    context
        .variables
        .push(ContextVariable::pipeline("V", "given"));
    context
        .variables
        .push(ContextVariable::project("V", "project"));
    assert_eq!(names(&plan_in(text, &context).unwrap()), ["j"]);
}
