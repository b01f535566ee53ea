//! Payloads there and back, and what others send.

use proptest::{collection::vec, option, prelude::*};
use serde_json::json;

use super::{
    JobRequest, JobState, JobUpdate, Payload, Secret, decode,
    encode::{self, Handout, token_variables},
    lifecycle::Register,
    payload::{GitInfo, JobInfo, PayloadExtension, Variable},
};
use crate::{
    plan::{
        Artifacts, Cache, CacheKey, CachePolicy, Expiry, Image, JobKind, PlanJob, PublishSpec,
        PullPolicy, Reports, ScriptSpec, Service, StoreWhen,
    },
    platform::Arch,
    time::Millis,
    verdict::VerdictKind,
};

fn handout(job: &PlanJob, extension: Option<PayloadExtension>) -> Handout<'_> {
    let repo_url = Secret::new("http://gitlab-ci-token:glcbt-read@ci.example/demo/demo.git");
    Handout {
        id: 1001,
        job,
        token: "glcbt-report".into(),
        about: JobInfo {
            pipeline_id: 77,
            project_id: 7,
            project_name: "demo".into(),
            project_jobs_running_on_instance_runners_count: "0".into(),
            ..JobInfo::default()
        },
        git: GitInfo {
            repo_url: repo_url.clone(),
            repo_object_format: "sha1".into(),
            ref_name: "main".into(),
            sha: "a".repeat(40),
            before_sha: "0".repeat(40),
            ref_type: "branch".into(),
            refspecs: vec!["+refs/pipelines/77:refs/pipelines/77".into()],
            depth: 20,
            protected: Some(true),
        },
        runner: "r1".into(),
        variables: token_variables(&"glcbt-read".into(), &repo_url).into(),
        dependencies: Vec::new(),
        credentials: Vec::new(),
        extension,
    }
}

fn there_and_back(job: &PlanJob, extension: Option<PayloadExtension>) -> Payload {
    let text = serde_json::to_string(&encode::payload(handout(job, extension))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec("[a-z$/*{} -]{1,12}", 0..3)
}

fn whens() -> impl Strategy<Value = StoreWhen> {
    prop_oneof![
        Just(StoreWhen::OnSuccess),
        Just(StoreWhen::OnFailure),
        Just(StoreWhen::Always)
    ]
}

fn images() -> impl Strategy<Value = Image> {
    let policies = prop_oneof![
        Just(PullPolicy::Always),
        Just(PullPolicy::IfNotPresent),
        Just(PullPolicy::Never)
    ];
    let parts = (
        "[a-z/$]{1,9}",
        option::of(texts()),
        vec(policies, 0..3),
        option::of("linux/[a-z]{3}"),
        option::of("[0-9]{1,4}"),
    );
    parts.prop_map(|(name, entrypoint, pull_policy, platform, user)| Image {
        name,
        entrypoint,
        pull_policy,
        platform,
        user,
    })
}

fn kept() -> impl Strategy<Value = Artifacts> {
    let name = option::of("[a-z$]{1,9}");
    let expiry = option::of(prop_oneof![
        Just(Expiry::Never),
        (1u64..1_000_000).prop_map(|seconds| Expiry::After(Millis::from_secs(seconds)))
    ]);
    let reports = (texts(), texts(), texts());
    let parts = (
        name,
        texts(),
        texts(),
        any::<bool>(),
        whens(),
        expiry,
        reports,
    );
    parts.prop_map(
        |(name, paths, exclude, untracked, when, expire_in, reports)| {
            let (dotenv, junit, sast) = reports;
            let files = [("junit", junit), ("sast", sast)].into_iter();
            let files = files.filter(|(_, paths)| !paths.is_empty());
            let mut out = Artifacts {
                expire_in,
                reports: Reports {
                    dotenv,
                    files: files
                        .map(|(kind, paths)| (kind.to_owned(), paths))
                        .collect(),
                },
                ..Artifacts::default()
            };
            // Without either there is no archive, and nothing that says more of it.
            if !paths.is_empty() || untracked {
                (out.name, out.paths, out.exclude) = (name, paths, exclude);
                (out.untracked, out.when) = (untracked, when);
            }
            out
        },
    )
}

fn caches() -> impl Strategy<Value = Cache> {
    let key = prop_oneof![
        "[a-z$-]{1,9}".prop_map(CacheKey::Text),
        (texts(), option::of("[a-z]{1,4}"), any::<bool>()).prop_map(|(files, prefix, commits)| {
            CacheKey::Files {
                files,
                prefix,
                commits,
            }
        })
    ];
    let policy = prop_oneof![
        Just(CachePolicy::PullPush),
        Just(CachePolicy::Pull),
        Just(CachePolicy::Push),
        Just(CachePolicy::Variable("$POLICY".into()))
    ];
    let parts = (key, texts(), any::<bool>(), policy, whens(), texts());
    parts.prop_map(
        |(key, paths, untracked, policy, when, fallback_keys)| Cache {
            key,
            paths,
            untracked,
            policy,
            when,
            fallback_keys,
        },
    )
}

fn services() -> impl Strategy<Value = Service> {
    let parts = (images(), vec("[a-z]{1,5}", 0..3), option::of("[a-z]{1,5}"));
    parts.prop_map(|(image, aliases, command)| Service {
        image,
        aliases,
        command: command.map(|word| vec![word]),
        variables: Vec::new(),
    })
}

fn jobs() -> impl Strategy<Value = PlanJob> {
    let scripts = (texts(), vec("[a-z ]{1,9}", 1..4), texts());
    let arch = option::of(prop_oneof![Just(Arch::Amd64), Just(Arch::Arm64)]);
    let images = (option::of(images()), vec(services(), 0..2));
    let files = (option::of(kept()), vec(caches(), 0..3));
    let parts = (scripts, arch, images, files, 1u64..10_000_000, texts());
    parts.prop_map(|(scripts, arch, images, files, timeout, tags)| {
        let (before_script, script, after_script) = scripts;
        let kind = JobKind::Script(ScriptSpec {
            before_script,
            script,
            after_script,
        });
        let mut job = PlanJob::new("build: [x]", "test", 0, kind);
        "build".clone_into(&mut job.base);
        job.arch = arch;
        (job.image, job.services) = images;
        (job.artifacts, job.cache) = files;
        job.timeout = Millis(timeout);
        job.tags = tags;
        job.coverage = Some("[0-9]+%".to_owned());
        job
    })
}

/// What of a job the wire keeps: one script, whole seconds, and no settings for uploads that aren't there.
fn as_run(mut job: PlanJob) -> PlanJob {
    if let JobKind::Script(spec) = &mut job.kind {
        let before = std::mem::take(&mut spec.before_script);
        spec.script.splice(0..0, before);
    }
    job.timeout = Millis::from_secs(job.timeout.0.div_ceil(1000));
    job.artifacts = job.artifacts.filter(|kept| {
        let reports = !kept.reports.dotenv.is_empty() || !kept.reports.files.is_empty();
        reports || kept.untracked || !kept.paths.is_empty()
    });
    job
}

proptest! {
    #[test]
    fn our_runner_gets_the_job_that_our_coordinator_gave(job in jobs()) {
        let payload = there_and_back(&job, Some(PayloadExtension::default()));
        prop_assert_eq!(decode::job(&payload).unwrap(), as_run(job));
    }

    #[test]
    fn a_stock_runner_lacks_only_what_the_wire_lacks(job in jobs()) {
        let payload = there_and_back(&job, None);
        let mut expected = as_run(job);
        expected.base.clone_from(&expected.name);
        (expected.arch, expected.coverage) = (None, None);
        expected.tags.clear();
        let mut found = decode::job(&payload).unwrap();
        for (found, expected) in found.cache.iter_mut().zip(&expected.cache) {
            if let CacheKey::Files { .. } = expected.key {
                found.key = expected.key.clone();
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_that_is_json_panics(text in "[{}\\[\\]\":,a-z0-9]{0,60}") {
        let _ = serde_json::from_str::<Payload>(&text);
        let _ = serde_json::from_str::<JobRequest>(&text);
    }
}

#[test]
fn the_json_types_are_those_that_a_strict_decoder_wants() {
    let mut job = PlanJob::new(
        "build: [amd64]",
        "test",
        0,
        JobKind::Script(ScriptSpec {
            before_script: vec!["cd src".into()],
            script: vec!["make".into()],
            after_script: vec!["make clean".into()],
        }),
    );
    job.arch = Some(Arch::Amd64);
    job.image = Some(Image {
        name: "debian:13".into(),
        user: Some("1000".into()),
        ..Image::default()
    });
    job.artifacts = Some(Artifacts {
        paths: vec!["out/".into()],
        expire_in: Some(Expiry::After(Millis::from_secs(3600))),
        reports: Reports {
            dotenv: vec!["build.env".into()],
            ..Reports::default()
        },
        ..Artifacts::default()
    });
    let payload = encode::payload(handout(&job, Some(PayloadExtension::default())));
    insta::assert_json_snapshot!(payload);
}

#[test]
fn release_jobs_travel_in_the_extension() {
    let spec = PublishSpec {
        python: vec!["dist/*".into()],
        to: vec!["eu".into()],
        primary: None,
        require: crate::plan::Require::Count(1),
        on_conflict: crate::plan::ConflictPolicy::Skip,
    };
    let job = PlanJob::new("release", "publish", 0, JobKind::Publish(spec));
    let payload = there_and_back(&job, Some(PayloadExtension::default()));
    assert_eq!(payload.aqueduct.as_ref().unwrap().kind, "publish");
    assert_eq!(decode::job(&payload).unwrap(), job);
}

/// The smallest payload that a stock runner ran, and one with `null` wherever it took it (transcript, section 2).
#[test]
fn payloads_of_the_transcript_are_read() {
    let small = json!({"id": 1001, "token": "glcbt-EXAMPLE",
        "variables": [{"key": "GIT_STRATEGY", "value": "none", "public": true, "file": false, "masked": false, "raw": false}],
        "steps": [{"name": "script", "script": ["true"], "timeout": 3600, "when": "on_success", "allow_failure": false}]});
    let payload: Payload = serde_json::from_value(small).unwrap();
    let job = decode::job(&payload).unwrap();
    assert_eq!(job.timeout, Millis::from_secs(7200));
    assert_eq!(
        payload.variables[0],
        Variable {
            raw: false,
            ..Variable::plain("GIT_STRATEGY", "none")
        }
    );

    let usual = json!({"id": 1001, "token": "glcbt-EXAMPLE", "allow_git_fetch": true,
        "job_info": {"id": 1001, "name": "job", "stage": "test", "pipeline_id": 77, "project_id": 7, "project_name": "demo"},
        "git_info": {"repo_url": "http://gitlab-ci-token:glcbt-EXAMPLE@ci.example/demo/demo.git", "ref": "main", "sha": "1", "before_sha": "0",
            "ref_type": "branch", "refspecs": ["+refs/heads/main:refs/remotes/origin/main"], "depth": 20},
        "runner_info": {"timeout": 3600}, "variables": null,
        "steps": [{"name": "script", "script": ["true"]}, {"name": "after_script", "script": ["false"], "when": "always"}],
        "image": {"name": "alpine", "executor_opts": {"kubernetes": {"user": 1000}}}, "services": [], "artifacts": null, "cache": [],
        "credentials": [{"type": "registry", "url": "r.example", "username": "u", "password": "p"}],
        "dependencies": [{"id": 5, "token": "glcbt-EXAMPLE", "name": "build", "artifacts_file": {"filename": "artifacts.zip", "size": 12}}],
        "inputs": null, "hooks": null, "secrets": null, "policy_options": null, "something": {"new": 1},
        "features": {"trace_sections": true, "token_mask_prefixes": ["glpat-"], "failure_reasons": ["script_failure"]}});
    let payload: Payload = serde_json::from_value(usual).unwrap();
    let job = decode::job(&payload).unwrap();
    assert_eq!(
        (job.name.as_str(), job.timeout),
        ("job", Millis::from_secs(3600))
    );
    assert_eq!(job.image.unwrap().user.as_deref(), Some("1000"));
    assert_eq!(
        payload.dependencies[0]
            .artifacts_file
            .as_ref()
            .unwrap()
            .size,
        12
    );
    assert!(!format!("{payload:?}").contains("EXAMPLE"), "a token shows");
}

#[test]
fn what_a_runner_can_t_do_is_a_verdict() {
    for more in [
        json!({"run": "[{}]"}),
        json!({"secrets": {"A": {}}}),
        json!({"hooks": [{"name": "pre_get_sources_script", "script": ["x"]}]}),
        json!({"steps": [{"name": "release", "script": ["x"]}]}),
    ] {
        let payload: Payload = serde_json::from_value(more.clone()).unwrap();
        let verdict = decode::job(&payload).unwrap_err();
        assert_eq!(verdict.kind, VerdictKind::RunnerUnsupported, "{more}");
    }
}

#[test]
fn requests_of_a_stock_runner_are_read() {
    let request = json!({"info": {"name": "gitlab-runner", "executor": "shell", "features": {"cancel_gracefully": true, "image": false},
        "config": {"gpus": ""}}, "token": "glrt-EXAMPLE", "system_id": "s_0123456789ab"});
    let request: JobRequest = serde_json::from_value(request).unwrap();
    assert!(request.info.features.has("cancel_gracefully"));
    assert!(!request.info.features.has("image"));
    assert_eq!(request.aqueduct, None);

    let update = json!({"token": "t", "state": "failed", "failure_reason": "script_failure", "checksum": "crc32:074e9284",
        "output": {"checksum": "crc32:074e9284", "bytesize": 1940}, "exit_code": 7});
    let update: JobUpdate = serde_json::from_value(update).unwrap();
    assert_eq!((update.state, update.exit_code), (JobState::Failed, 7));
    assert_eq!(update.output.crc(), Some(0x074e_9284));
    let odd: JobUpdate = serde_json::from_value(json!({"state": "odd", "output": null})).unwrap();
    assert_eq!(odd.state, JobState::Unknown);

    let register = json!({"token": "x", "tag_list": "a, b,,c", "run_untagged": null});
    let register: Register = serde_json::from_value(register).unwrap();
    assert_eq!(register.tags().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn a_first_update_is_as_small_as_a_stock_runner_s() {
    let update = JobUpdate {
        token: "t".into(),
        state: JobState::Running,
        ..JobUpdate::default()
    };
    let mut value = serde_json::to_value(&update).unwrap();
    value.as_object_mut().unwrap().remove("info");
    assert_eq!(
        value,
        json!({"token": "t", "state": "running", "output": {}})
    );
}
