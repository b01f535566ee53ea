//! The way from files to a plan, and from mistakes to a report.

use std::fmt::Write;

use indexmap::IndexMap;

use super::{CompileRequest, Compiled, SourceRequest, Sources, compile, context::Context, lint};
use crate::plan::JobKind;

fn request(context: Context) -> CompileRequest {
    CompileRequest {
        entry: ".gitlab-ci.yml".to_owned(),
        context,
        inputs: IndexMap::new(),
    }
}

/// Runs until no source is lacking; all that is asked for is missing.
fn done<T>(mut sources: Sources, run: impl Fn(&Sources) -> Compiled<T>) -> T {
    loop {
        match run(&sources) {
            Compiled::Done(done) => return done,
            Compiled::Need(lacking) => {
                for request in lacking {
                    sources.insert(request, None);
                }
            }
        }
    }
}

fn report(text: &str) -> String {
    let sources = Sources::new().with(".gitlab-ci.yml", text);
    let linted = done(sources, |sources| {
        lint(&request(Context::branch("main")), sources)
    });
    let report = linted.report();
    let mut out = format!("valid: {}\n", report.valid);
    for item in report.errors.iter().chain(&report.warnings) {
        let _ = writeln!(
            out,
            "{}:{} {} {}",
            item.line.unwrap_or(0),
            item.column.unwrap_or(0),
            item.code,
            item.message
        );
    }
    out
}

#[test]
fn files_become_a_plan() {
    let entry = "include: [ci/jobs.yml]\ndefault: {image: debian}\n\
                 test: {extends: .base, script: [!reference [.setup, script], make test]}\n";
    let jobs = ".setup: {script: [a, b]}\n.base: {tags: [linux], variables: {X: 1.10}}\n\
                deploy: {stage: deploy, script: x, rules: [{if: $CI_COMMIT_TAG}]}\n";
    let sources = Sources::new()
        .with(".gitlab-ci.yml", entry)
        .with("ci/jobs.yml", jobs);
    let compiled = done(sources, |sources| {
        compile(&request(Context::branch("main")), sources)
    });
    assert!(compiled.report().valid, "{:?}", compiled.report());
    let plan = compiled.plan.expect("a plan");
    let names: Vec<_> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["test"]);
    assert_eq!(plan.skipped[0].name, "deploy");
    let job = &plan.jobs[0];
    let JobKind::Script(script) = &job.kind else {
        panic!("a script job");
    };
    assert_eq!(script.script, ["a", "b", "make test"]);
    assert_eq!(job.tags, ["linux"]);
    assert_eq!(
        job.image.as_ref().map(|image| image.name.as_str()),
        Some("debian")
    );
    let x = job.variables.iter().find(|variable| &*variable.key == "X");
    assert_eq!(x.map(|variable| &*variable.value), Some("1.1"));
}

#[test]
fn equal_sources_give_equal_plans() {
    let text = "a: {script: x}\nb: {script: y, needs: [a]}\n";
    let make = |text: &str| {
        let sources = Sources::new().with(".gitlab-ci.yml", text);
        let compiled = done(sources, |sources| {
            compile(&request(Context::branch("main")), sources)
        });
        compiled.plan.expect("a plan")
    };
    let (first, second) = (make(text), make(text));
    assert_eq!(first, second);
    assert_eq!(first.jobs.len(), 2);
    assert_ne!(first.hash, make(&text.replace('y', "z")).hash);
}

#[test]
fn one_mistake_is_told_once_without_what_follows_from_it() {
    let table = [
        "j: {extends: .none}\nk: {script: x, needs: [j]}\n",
        ".b: {script: !reference [.none, script]}\nj: {extends: .b}\n",
        "include: gone.yml\nj: {extends: .in_gone}\n",
        "a: x: y\nj: {extends: .none}\n",
        "j: {scirpt: x}\nk: {script: x, stage: none}\n",
        "a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}\n",
        "default: {image: [1]}\nj: {script: x}\nk: {script: x}\n",
        "j: {extends: .none}\nk: {script: x, stage: none}\nl: {script: x, needs: ['j: [amd64]', gone]}\n",
        "stages: [!reference [.none, stages]]\nk: {script: x, stage: none}\n",
        "j: {extends: .none, environment: {name: a, on_stop: s}}\ns: {script: x, environment: {name: b, action: stop}}\n",
    ];
    let shown = table.map(|text| format!("{text}=>\n{}", report(text)));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_need_is_asked_for_by_lint_and_compile_alike() {
    let request = request(Context::branch("main"));
    let entry = [SourceRequest::Local(".gitlab-ci.yml".to_owned())];
    assert!(matches!(lint(&request, &Sources::new()), Compiled::Need(lacking) if lacking == entry));
    assert!(
        matches!(compile(&request, &Sources::new()), Compiled::Need(lacking) if lacking == entry)
    );
}

#[test]
fn nothing_is_planned_from_a_file_with_an_error() {
    for text in [
        "job: {arch: riscv64, script: make}\n",
        "job: {script: [true]}\n",
        "job: {script: make, retry: 9}\nother: {script: make}\n",
        "stages: 3\njob: {script: make}\n",
    ] {
        let sources = Sources::new().with(".gitlab-ci.yml", text);
        let compiled = done(sources, |sources| {
            compile(&request(Context::branch("main")), sources)
        });
        assert!(compiled.diagnostics.has_errors(), "{text}");
        assert!(compiled.plan.is_none(), "{text}");
    }
}

#[test]
fn an_unknown_base_hides_no_mistake_of_other_jobs() {
    let text = "stages: [x]\na: {script: x, stage: x, needs: [nope]}\nb: {stage: y, extends: .none}\nc: {script: x, stage: z}\nd: {script: x, stage: x, needs: [b]}\n";
    let expected = "valid: false\n2:34 unknown-job jobs:a:needs names `nope`, which is not a job of this pipeline\n3:24 extends-unknown jobs:b:extends unknown base `.none`\n4:23 unknown-stage jobs:c:stage names the stage `z`, which is not among `stages`\n";
    assert_eq!(report(text), expected);
}
