//! From text to plan.

use crate::lang::testing::{job, names, plan};

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
    assert_eq!(
        job(&plan, "unit 1/2").artifacts_from,
        ["build: [amd64]", "build: [arm64]"]
    );
    assert_eq!(job(&plan, "lint").needs.as_deref(), Some(&[][..]));
    assert!(job(&plan, "lint").artifacts_from.is_empty());
}
