//! From text to plan: order, needs, artifacts, environments.

use crate::{
    lang::{
        context::{Context, ContextVariable},
        testing::{job, names, plan, plan_in, variable},
    },
    plan::{EnvironmentAction, Need, PlanJob},
    time::Millis,
};

fn need_names(job: &PlanJob) -> Vec<&str> {
    let needs = job.needs.as_ref().expect("has needs");
    needs.iter().map(|need| need.job.as_str()).collect()
}

#[test]
fn stages_order_jobs_and_instances() {
    let plan = plan(
        "
stages: [build, test]
unit: {stage: test, script: x, parallel: 2}
lint: {stage: test, needs: [], script: x}
build:
  stage: build
  script: make
  arch: [amd64, arm64]
  artifacts: {paths: [out]}
prepare: {stage: .pre, script: x}
",
    );
    assert_eq!(
        names(&plan),
        [
            "prepare",
            "build: [amd64]",
            "build: [arm64]",
            "unit 1/2",
            "unit 2/2",
            "lint"
        ]
    );
    assert_eq!(plan.stages, [".pre", "build", "test"]);
    let builds = ["build: [amd64]", "build: [arm64]"];
    assert_eq!(*job(&plan, "unit 1/2").artifacts_from, builds);
    assert_eq!(job(&plan, "lint").needs.as_deref(), Some(&[][..]));
    assert!(job(&plan, "lint").artifacts_from.is_empty());
}

#[test]
fn artifacts_follow_needs_and_dependencies() {
    let plan = plan(
        "
stages: [a, b, c]
a1: {stage: a, script: x, artifacts: {paths: [o]}}
a2: {stage: a, script: x, artifacts: {paths: [o]}}
silent: {stage: a, script: x}
b1: {stage: b, script: x, artifacts: {paths: [o]}}
all: {stage: c, script: x}
none: {stage: c, script: x, dependencies: []}
some: {stage: c, script: x, dependencies: [a2]}
dag: {stage: c, script: x, needs: [a1, {job: a2, artifacts: false}, silent]}
both: {stage: c, script: x, needs: [a1, a2], dependencies: [a2]}
empty: {stage: c, script: x, needs: [a1], dependencies: []}
",
    );
    let from = |name: &str| job(&plan, name).artifacts_from.join(" ");
    assert_eq!(from("all"), "a1 a2 b1");
    assert_eq!(from("b1"), "a1 a2");
    assert_eq!(from("none"), "");
    assert_eq!(from("some"), "a2");
    assert_eq!(from("dag"), "a1");
    assert_eq!(from("both"), "a2");
    assert_eq!(from("empty"), "");
    let dag = job(&plan, "dag").needs.as_ref().unwrap();
    let second = Need {
        job: "a2".into(),
        artifacts: false,
        optional: false,
    };
    assert_eq!(dag[1], second);
}

#[test]
fn needs_name_instances() {
    let plan = plan(
        "
build: {script: x, arch: [amd64, arm64], parallel: {matrix: [{V: ['1', '2']}]}}
tagged: {script: x, tags: [arm64]}
all: {script: x, needs: [build]}
same: {script: x, arch: [amd64, arm64], needs: [{job: build, arch: same}]}
one: {script: x, arch: arm64, needs: [{job: build, arch: same}, {job: tagged, arch: same}]}
pairs: {script: x, arch: [amd64, arm64], parallel: {matrix: [{V: ['2']}]}, needs: [{job: build, arch: same}]}
picked: {script: x, needs: [{job: build, parallel: {matrix: [{AQUEDUCT_ARCH: x86_64, V: ['1', '2']}]}}]}
named: {script: x, needs: ['build: [arm64, 2]', 'build: [amd64, 1]']}
follow: {script: x, parallel: {matrix: [{V: ['1', '2']}]}, needs: [{job: build, parallel: {matrix: [{AQUEDUCT_ARCH: arm64, V: ['$[[ matrix.V ]]']}]}}]}
",
    );
    let table: [(&str, &[&str]); 9] = [
        (
            "all",
            &[
                "build: [amd64, 1]",
                "build: [amd64, 2]",
                "build: [arm64, 1]",
                "build: [arm64, 2]",
            ],
        ),
        ("same: [amd64]", &["build: [amd64, 1]", "build: [amd64, 2]"]),
        ("same: [arm64]", &["build: [arm64, 1]", "build: [arm64, 2]"]),
        ("one", &["build: [arm64, 1]", "build: [arm64, 2]", "tagged"]),
        ("pairs: [arm64, 2]", &["build: [arm64, 2]"]),
        ("picked", &["build: [amd64, 1]", "build: [amd64, 2]"]),
        ("named", &["build: [arm64, 2]", "build: [amd64, 1]"]),
        ("follow: [1]", &["build: [arm64, 1]"]),
        ("follow: [2]", &["build: [arm64, 2]"]),
    ];
    for (name, expected) in table {
        assert_eq!(need_names(job(&plan, name)), expected, "{name}");
    }
}

#[test]
fn an_optional_need_may_be_left_out_and_another_may_not() {
    let text = |optional: bool| {
        format!(
            "
a: {{script: x, rules: [if: $NO]}}
b: {{script: x}}
j: {{script: x, needs: [{{job: a, optional: {optional}}}, b, {{job: nowhere, optional: true}}]}}
"
        )
    };
    let plan = plan(&text(true));
    assert_eq!(need_names(job(&plan, "j")), ["b"]);
    let error = plan_in(&text(false), &Context::branch("main")).unwrap_err();
    assert!(
        error.starts_with(
            "4:30 need-left-out: jobs:j:needs names `a`, which this pipeline leaves out"
        ),
        "{error}"
    );
}

#[test]
fn what_only_a_context_shows_is_an_error_with_its_place() {
    let table = [
        "a: {script: x, arch: amd64, tags: [arm64]}",
        "a: {script: x, tags: [amd64, $T], variables: {T: aarch64}}",
        "a: {script: x}\nb: {script: x, needs: [{job: a, arch: same}]}",
        "a: {script: x}\nb: {script: x, arch: arm64, needs: [{job: a, arch: same}]}",
        "a: {script: x, arch: [amd64]}\nb: {script: x, arch: [amd64, arm64], needs: [{job: a, arch: same}]}",
        "a: {script: x, environment: '$N', variables: {N: é}}",
        "a: {script: x, environment: '$EMPTY', variables: {EMPTY: ''}}",
        "a: {script: x, needs: []}\nb: {script: x, needs: [a], rules: [{if: $CI, needs: [c]}]}\nc: {script: x, needs: [b]}",
        "a: {script: x, rules: [{if: $CI, variables: {X: $Y}}], variables: {Y: $X}}",
        "a: {script: x, rules: [{exists: {paths: [f], project: g/p}}]}",
    ];
    let report: Vec<String> = table
        .iter()
        .map(|text| {
            let error = plan_in(text, &Context::branch("main")).unwrap_err();
            format!("{text}\n    {}", error.replace('\n', "\n    "))
        })
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn environments_are_expanded_as_far_as_they_are_known() {
    let plan = plan(
        "
deploy:
  script: x
  rules: [{if: $CI, variables: {WHERE: eu}}]
  environment:
    name: review/$CI_COMMIT_REF_SLUG-$WHERE
    url: https://$CI_ENVIRONMENT_SLUG.example.com/$LATER
    on_stop: stop
    auto_stop_in: 1 day
  resource_group: $CI_ENVIRONMENT_NAME
stop:
  script: x
  when: manual
  environment: {name: review/$CI_COMMIT_REF_SLUG-$WHERE, action: stop}
",
    );
    let deploy = job(&plan, "deploy");
    let environment = deploy.environment.as_ref().unwrap();
    assert_eq!(environment.name, "review/main-eu");
    assert!(environment.slug.starts_with("review-main-eu-") && environment.slug.len() <= 24);
    let url = format!("https://{}.example.com/$LATER", environment.slug);
    assert_eq!(environment.url.as_deref(), Some(url.as_str()));
    assert_eq!(environment.auto_stop_in, Some(Millis::from_secs(86_400)));
    assert_eq!(environment.tier, "development");
    assert_eq!(deploy.resource_group.as_deref(), Some("review/main-eu"));
    assert_eq!(
        variable(deploy, "CI_ENVIRONMENT_NAME"),
        Some("review/main-eu")
    );
    let stop = job(&plan, "stop").environment.as_ref().unwrap();
    assert_eq!(stop.action, EnvironmentAction::Stop);
}

#[test]
fn a_plan_holds_secrets_by_name_only() {
    let mut context = Context::branch("main");
    context
        .variables
        .push(ContextVariable::project("TOKEN", "hunter22").secret());
    let text = "
j:
  script: x
  rules: [if: $TOKEN]
  variables: {AUTH: Bearer $TOKEN}
  environment: env-$TOKEN
  tags: [$TOKEN]
  resource_group: $AUTH
";
    let plan = plan_in(text, &context).unwrap();
    let secret = job(&plan, "j")
        .variables
        .iter()
        .find(|variable| &*variable.key == "TOKEN");
    assert!(secret.is_some_and(|secret| secret.secret && secret.value.is_empty()));
    assert!(!serde_json::to_string(&plan).unwrap().contains("hunter22"));
    assert!(!format!("{context:?}").contains("hunter22"));
}

#[test]
fn keywords_that_cannot_run_yet_stand_in_the_plan_with_their_place() {
    let plan = plan("j:\n  script: x\n  release: {tag_name: v1, description: d}\n");
    let unsupported = &job(&plan, "j").unsupported;
    assert!(
        unsupported[0].contains("(.gitlab-ci.yml:3:"),
        "{unsupported:?}"
    );
}

#[test]
fn a_plan_survives_its_serialised_form() {
    let plan = plan("j: {script: x, arch: [arm64], rules: [{when: delayed, start_in: 5 s}]}\n");
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::plan::Plan>(&text).unwrap(),
        plan
    );
}
