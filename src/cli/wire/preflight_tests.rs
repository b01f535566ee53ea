//! Which jobs are refused before any starts.

use std::{path::Path, sync::Arc};

use aqueduct_core::{
    plan::{
        ConflictPolicy, Image, IndexSpec, JobKind, PlanJob, PublishSpec, Require, ScriptSpec, When,
    },
    platform::Arch,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_publish::Settings as ReleaseSettings;

use super::preflight::{Machine, check};
use crate::{args::ExecutorChoice, exit::Exit};

fn job(name: &str, arch: Option<Arch>, image: bool) -> PlanJob {
    let kind = JobKind::Script(ScriptSpec::default());
    PlanJob {
        place: format!("{name}.yml:1:1"),
        arch,
        image: image.then(Image::default),
        ..PlanJob::new(name, "test", 0, kind)
    }
}

fn no_arm(arch: Arch) -> Option<Verdict> {
    (arch == Arch::Arm64)
        .then(|| Verdict::new(VerdictKind::RunnerUnsupported, "no arm64 here").with_hint("buy one"))
}

fn machine(executor: ExecutorChoice, root: bool) -> Machine {
    let no_root = || {
        Verdict::new(VerdictKind::RunnerUnsupported, "containers need root")
            .with_hint("become root")
    };
    Machine {
        executor,
        no_containers: (!root).then(no_root),
        container_arch: no_arm,
        host_arch: no_arm,
        release: ReleaseSettings::default(),
        env: Arc::new(|_| None),
    }
}

fn to(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn index(image: &[&str], copy_to: &[&str]) -> JobKind {
    JobKind::Index(IndexSpec {
        image: to(image),
        from: Vec::new(),
        platforms: Vec::new(),
        annotations: indexmap::IndexMap::new(),
        tags: Vec::new(),
        copy_to: to(copy_to),
    })
}

#[test]
fn what_can_t_be_published_to_is_named() {
    let text = "[destinations.east]\ntype = \"pypi\"\nupload_url = \"https://h/\"\nindex_url = \"https://h/\"\nusername = \"ci\"\npassword = { env = \"EAST\" }\n\n[destinations.cloud]\ntype = \"s3\"\n\n[registries.eu]\nhost = \"eu:5000\"\nusername = \"ci\"\npassword = { env = \"EU\" }\n";
    let publish = |name: &str| {
        JobKind::Publish(PublishSpec {
            python: Vec::new(),
            to: to(&[name]),
            primary: None,
            require: Require::All,
            on_conflict: ConflictPolicy::Fail,
        })
    };
    let jobs = [
        PlanJob::new("packages", "deploy", 1, publish("east")),
        PlanJob::new("later", "deploy", 1, publish("cloud")),
        PlanJob::new("image", "deploy", 1, index(&["eu:5000/a:$TAG"], &[])),
        PlanJob::new("elsewhere", "deploy", 1, index(&["eu:50001/a"], &[])),
    ];
    let mut machine = machine(ExecutorChoice::Auto, true);
    machine.release = ReleaseSettings::parse(text, Path::new("aqueduct.toml")).unwrap();
    let error = check(jobs.iter(), &[], &machine).unwrap_err();
    assert_eq!(error.exit, Exit::Invalid);
    insta::assert_snapshot!(format!(
        "{error}\nhelp: {}",
        error.help.as_deref().unwrap_or_default()
    ));
    machine.env = Arc::new(|name| (name == "EAST").then(|| "secret".to_owned()));
    assert!(check(jobs[..1].iter(), &[], &machine).is_ok());
}

#[test]
fn undefined_destinations_are_named() {
    let release = |name, kind| PlanJob::new(name, "deploy", 1, kind);
    let jobs = [
        release(
            "packages",
            JobKind::Publish(PublishSpec {
                python: Vec::new(),
                to: to(&["here", "there", "$LATER"]),
                primary: Some("here".to_owned()),
                require: Require::All,
                on_conflict: ConflictPolicy::Fail,
            }),
        ),
        release("image", index(&[], &["eu"])),
    ];
    let error = check(jobs.iter(), &[], &machine(ExecutorChoice::Auto, true)).unwrap_err();
    assert_eq!(error.exit, Exit::Invalid);
    insta::assert_snapshot!(error);
}

#[test]
fn every_job_that_can_t_run_is_named() {
    let jobs = [
        job("plain", None, false),
        job("container", None, true),
        job("arm", Some(Arch::Arm64), false),
        job("arm-container", Some(Arch::Arm64), true),
        PlanJob {
            when: When::Manual,
            ..job("manual", Some(Arch::Arm64), false)
        },
    ];
    let told = |executor, root, played: &[&str]| {
        let played: Vec<String> = played.iter().map(ToString::to_string).collect();
        match check(jobs.iter(), &played, &machine(executor, root)) {
            Ok(()) => String::new(),
            Err(error) => format!(
                "{error}\nhelp: {}\n",
                error.help.as_deref().unwrap_or_default()
            ),
        }
    };
    insta::assert_snapshot!(
        [
            told(ExecutorChoice::Auto, true, &[]),
            told(ExecutorChoice::Auto, false, &["manual"]),
            told(ExecutorChoice::Host, true, &[]),
            told(ExecutorChoice::Oci, true, &[]),
        ]
        .join("\n")
    );
}
