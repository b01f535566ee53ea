//! Every mistake across jobs, told with its place, and what is no mistake.

use crate::lang::testing::checked;

#[test]
fn mistakes_are_told_together_with_places_and_ways_out() {
    insta::assert_snapshot!(checked(
        "
stages: [build, test, deploy]
a: {stage: biuld, script: x}
b: {stage: build, script: x, needs: [c, b, unti, unknown, {job: gone, optional: true}]}
c: {stage: deploy, script: x}
unit: {stage: test, script: x, dependencies: [deploi, c, lint]}
lint: {stage: test, script: x, needs: [unit, unit], dependencies: [b]}
d: {stage: test, script: x, rules: [{if: $CI, needs: [c]}]}
start: {stage: deploy, script: x, environment: {name: p, on_stop: stop}}
stop: {stage: deploy, script: x, environment: {name: q, action: stop}}
start2: {stage: deploy, script: x, environment: {name: p, on_stop: nowhere}}
start3: {stage: deploy, script: x, environment: {name: p, on_stop: lint}}
start4: {stage: deploy, script: x, environment: {name: p, on_stop: start}}
"
    ));
}

#[test]
fn circles() {
    insta::assert_snapshot!(checked(
        "
a: {script: x, needs: [b]}
b: {script: x, needs: [c]}
c: {script: x, needs: [b]}
"
    ));
    insta::assert_snapshot!(checked(
        "
variables: {A: $B, B: '${A}', C: $C, D: {value: $D, expand: false}}
j: {script: x}
"
    ));
    insta::assert_snapshot!(checked("j: {script: x, variables: {A: 'x%B%', B: $A}}\n"));
}

#[test]
fn instances() {
    insta::assert_snapshot!(checked(
        "
build: {script: x, parallel: {matrix: [{OS: [a, b], V: ['1', '2']}]}}
t1: {script: x, needs: [{job: build, parallel: {matrix: [{OS: [a], V: ['3']}]}}]}
t2: {script: x, needs: [{job: build, parallel: {matrix: [{OS: ['$[[ matrix.OS ]]']}]}}]}
t3: {script: x, needs: [{job: build, parallel: {matrix: [{OS: [a]}]}}, build]}
ok: {script: x, parallel: {matrix: [{OS: [a, b]}]}, needs: [{job: build, parallel: {matrix: [{OS: ['$[[ matrix.OS ]]']}]}}]}
e1: {script: x, arch: [amd64], parallel: 2}
e2: {script: x, arch: [amd64], parallel: {matrix: [{AQUEDUCT_ARCH: [arm64]}]}}
e3: {script: x, parallel: {matrix: [{AQUEDUCT_ARCH: [riscv]}]}}
e4: {script: x, arch: [amd64, arm64], parallel: {matrix: [{N: [1,2,3,4,5,6,7,8,9,10,11], M: [1,2,3,4,5,6,7,8,9,10]}]}}
'x 1/2': {script: x}
x: {script: x, parallel: 2}
"
    ));
    let long = format!(
        "x: {{script: x, parallel: {{matrix: [{{A: ['{}']}}]}}}}\n",
        "v".repeat(252)
    );
    assert!(checked(&long).starts_with("1:1 name-too-long: jobs:x:parallel makes the name"));
}

#[test]
fn an_index_takes_artifacts_that_come_to_it() {
    insta::assert_snapshot!(checked(
        "
stages: [build, assemble]
with: {stage: build, script: x, artifacts: {paths: [d]}}
without: {stage: build, script: x}
ok: {stage: assemble, index: {image: r/a, from: [{job: with, digest_file: d}, r/b]}}
i1: {stage: assemble, needs: [without], index: {image: r/a, from: [{job: with, layout: d}]}}
i2: {stage: assemble, index: {image: r/a, from: [{job: without, layout: d}]}}
i3: {stage: assemble, index: {image: r/a, from: [{job: wiht, layout: d}]}}
i4: {stage: assemble, needs: [{job: with, artifacts: false}], index: {image: r/a, from: [{job: with, layout: d}]}}
"
    ));
}

#[test]
fn suspicious_rules_are_warned_of() {
    insta::assert_snapshot!(checked(
        "
a: {script: x, rules: [{if: '$CI_JOB_ID'}, {if: $X, when: never}]}
b: {script: x, rules: [{if: $X}, {when: always}]}
c: {script: x, rules: [{if: $X}, {when: never}]}
"
    ));
    let with_workflow =
        "workflow: {rules: [when: always]}\nb: {script: x, rules: [{when: always}]}\n";
    assert_eq!(checked(with_workflow), "");
}
