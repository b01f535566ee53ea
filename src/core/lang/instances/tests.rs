//! Names, order and variables of instances.

use std::fmt::Write;

use crate::{
    lang::testing::{checked, job, names, plan, variable},
    platform::Arch,
};

#[test]
fn names_are_gitlabs() {
    let table = [
        ("parallel: 3", vec!["j 1/3", "j 2/3", "j 3/3"]),
        ("parallel: 1", vec!["j 1/1"]),
        (
            "parallel: {matrix: [{OS: [a, b], V: ['1']}, {OS: c}]}",
            vec!["j: [a, 1]", "j: [b, 1]", "j: [c]"],
        ),
        (
            "parallel: {matrix: [{A: [x, y], B: [p, q]}]}",
            vec!["j: [x, p]", "j: [x, q]", "j: [y, p]", "j: [y, q]"],
        ),
        // Equal combinations make one job.
        (
            "parallel: {matrix: [{A: [x, y]}, {A: [x]}]}",
            vec!["j: [x]", "j: [y]"],
        ),
        ("arch: arm64", vec!["j"]),
        ("arch: [aarch64]", vec!["j: [arm64]"]),
        ("arch: [amd64, arm64]", vec!["j: [amd64]", "j: [arm64]"]),
        (
            "arch: [x86_64, arm64]\n  parallel: {matrix: [{V: ['1', '2']}]}",
            vec![
                "j: [amd64, 1]",
                "j: [amd64, 2]",
                "j: [arm64, 1]",
                "j: [arm64, 2]",
            ],
        ),
        ("arch: amd64\n  parallel: 2", vec!["j 1/2", "j 2/2"]),
    ];
    for (body, expected) in table {
        let plan = plan(&format!("j:\n  script: x\n  {body}\n"));
        assert_eq!(names(&plan), expected, "{body}");
        assert!(plan.jobs.iter().all(|job| job.base == "j"));
    }
}

#[test]
fn instances_know_their_place_and_their_values() {
    let plan = plan(
        "
j:
  script: x
  variables: {V: job, W: job}
  parallel: {matrix: [{V: [matrix], N: ['1', '2']}]}
k: {script: x}
",
    );
    let second = job(&plan, "j: [matrix, 2]");
    let values = [
        "V",
        "W",
        "N",
        "CI_NODE_INDEX",
        "CI_NODE_TOTAL",
        "CI_JOB_NAME",
        "CI_JOB_GROUP_NAME",
        "CI_JOB_NAME_SLUG",
    ]
    .map(|key| variable(second, key).unwrap_or("-"));
    assert_eq!(
        values,
        [
            "matrix",
            "job",
            "2",
            "2",
            "2",
            "j: [matrix, 2]",
            "j",
            "j---matrix--2"
        ]
    );
    let single = job(&plan, "k");
    assert_eq!(
        (
            variable(single, "CI_NODE_INDEX"),
            variable(single, "CI_NODE_TOTAL")
        ),
        (None, Some("1"))
    );
}

#[test]
fn rules_see_matrix_values() {
    let plan = plan(
        "
j:
  script: x
  parallel: {matrix: [{OS: [linux, windows]}]}
  rules: [if: $OS == 'linux']
",
    );
    assert_eq!(names(&plan), ["j: [linux]"]);
    assert_eq!(plan.skipped[0].name, "j: [windows]");
}

#[test]
fn architecture_comes_from_the_keyword_its_axis_or_tags() {
    let table = [
        ("arch: arm64", Some(Arch::Arm64)),
        ("arch: [arm64]", Some(Arch::Arm64)),
        (
            "parallel: {matrix: [{AQUEDUCT_ARCH: [arm64]}]}",
            Some(Arch::Arm64),
        ),
        ("tags: [aarch64]", Some(Arch::Arm64)),
        (
            "tags: [$BUILD_ARCH]\n  variables: {BUILD_ARCH: arm64}",
            Some(Arch::Arm64),
        ),
        (
            "tags: ['$AQUEDUCT_ARCH', docker]\n  arch: [arm64]",
            Some(Arch::Arm64),
        ),
        (
            "tags: ['$RUNNER']\n  parallel: {matrix: [{RUNNER: [arm64]}]}",
            Some(Arch::Arm64),
        ),
        ("tags: [docker]", None),
    ];
    for (body, expected) in table {
        let plan = plan(&format!("j:\n  script: x\n  {body}\n"));
        let job = &plan.jobs[0];
        assert_eq!(job.arch, expected, "{body}");
        let platform = expected.map(|_| "linux/arm64");
        assert_eq!(variable(job, "AQUEDUCT_PLATFORM"), platform, "{body}");
        assert_eq!(
            variable(job, "AQUEDUCT_ARCH"),
            expected.map(Arch::as_str),
            "{body}"
        );
    }
}

#[test]
fn matrices_of_many_jobs_end_at_a_bound_and_blame_one_place() {
    let mut text = String::new();
    for job in 0..999 {
        let _ = writeln!(text, "j{job}: {{script: x, parallel: 200}}");
    }
    text.push_str("last: {script: x, needs: [j998]}\n");
    assert_eq!(
        checked(&text),
        "501:1 too-many-instances: the pipeline has more than 100000 jobs at `j500` (split it into child pipelines, or \
         shorten its matrices)"
    );
}

/// Each of them was compared with every name of the pipeline.
#[test]
fn many_unknown_needs_are_told_in_time() {
    let mut text = String::new();
    for job in 0..2000 {
        let needs: Vec<String> = (0..40).map(|need| format!("gone-{job}-{need}")).collect();
        let _ = writeln!(text, "j{job}: {{script: x, needs: [{}]}}", needs.join(", "));
    }
    let told = checked(&text);
    assert_eq!(told.lines().count(), crate::diag::Diagnostics::LIMIT);
}
