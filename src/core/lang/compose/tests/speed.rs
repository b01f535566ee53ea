//! A pipeline of the size that the budget names.

use std::fmt::Write;

use indexmap::IndexMap;

use super::Repository;
use crate::lang::{CompileRequest, Compiled, Sources, compile, context::Context};

/// A pipeline of `jobs` jobs, each with script, rules, needs, variables and a base.
pub(super) fn generated(jobs: usize) -> String {
    let mut text = String::from(
        "stages: [build, test, deploy]\n\
         default:\n  image: debian:13\n  retry: 1\n\
         .base:\n  tags: [linux]\n  variables: {BASE: base, LEVEL: '1'}\n  before_script:\n    - echo prepare\n\
         .rules:\n  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n    - if: $CI_COMMIT_TAG\n",
    );
    for job in 0..jobs {
        let stage = ["build", "test", "deploy"][job * 3 / jobs.max(1)];
        let _ = write!(
            text,
            "job-{job}:\n  extends: .base\n  stage: {stage}\n  variables:\n    NAME: job-{job}\n    NUMBER: {job}\n  \
             script:\n    - echo \"$NAME of $BASE\"\n    - make target-{job}\n  rules:\n    - !reference [.rules, rules]\n    \
             - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n      when: manual\n"
        );
        let third = jobs / 3;
        if job > third {
            let _ = writeln!(
                text,
                "  needs: [job-{}, job-{}]",
                job - third - 1,
                job % third.max(1)
            );
        }
    }
    text
}

#[test]
fn a_thousand_jobs_compose_whole() {
    let text = generated(1_000);
    let composed = Repository::new(&[(".gitlab-ci.yml", &text)]).compose();
    assert!(composed.complete);
    assert_eq!(composed.diagnostics.iter().count(), 0);
    let job = composed.root.get("job-999").unwrap();
    assert_eq!(job.get("variables").unwrap().as_mapping().unwrap().len(), 4);
    assert_eq!(job.get("retry").unwrap().as_int(), Some(1));
}

#[test]
fn a_thousand_jobs_compile_whole() {
    let sources = Sources::new().with(".gitlab-ci.yml", &generated(1_000));
    let request = CompileRequest {
        entry: ".gitlab-ci.yml".to_owned(),
        context: Context::branch("main"),
        inputs: IndexMap::new(),
    };
    let Compiled::Done(compiled) = compile(&request, &sources) else {
        panic!("no source is lacking");
    };
    assert!(compiled.report().valid, "{:#?}", compiled.report());
    assert_eq!(compiled.plan.map(|plan| plan.jobs.len()), Some(1_000));
}
