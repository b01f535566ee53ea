//! Caches.

use aqueduct_core::plan::{Cache, CacheKey, CachePolicy, StoreWhen};

use super::rig::{Rig, job, output_of};

fn cache(key: CacheKey) -> Cache {
    Cache {
        key,
        paths: vec!["stuff/".into()],
        untracked: false,
        policy: CachePolicy::PullPush,
        when: StoreWhen::OnSuccess,
        fallback_keys: Vec::new(),
    }
}

fn text(key: &str) -> Cache {
    cache(CacheKey::Text(key.into()))
}

const MAKE: &str = "mkdir -p stuff; echo \"$WHAT\" >stuff/x";
const LOOK: &str = "cat stuff/x || echo nothing";

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_lives_from_run_to_run() {
    let rig = Rig::new(&[]);
    let keyed = || text("$CI_JOB_NAME-cache");
    let named = |number, script: &str| {
        job(number, &[script])
            .variable("CI_JOB_NAME", "a/b")
            .variable("WHAT", "kept")
            .cache(keyed())
    };
    rig.run_one(named(1, MAKE)).await;
    let rig = rig.again();
    let (_, trace) = rig.run_one(named(2, LOOK)).await;
    assert!(output_of(&trace).contains("\nkept\n"), "{trace}");
    assert!(
        trace.contains("Successfully extracted cache a/b-cache"),
        "{trace}"
    );
    let (_, trace) = rig.run_one(job(3, &[LOOK]).cache(text("other"))).await;
    assert!(output_of(&trace).contains("nothing\n"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fallback_keys_are_tried_in_order() {
    let rig = Rig::new(&[]);
    for key in ["second", "third"] {
        rig.run_one(job(1, &[MAKE]).variable("WHAT", key).cache(text(key)))
            .await;
    }
    let mut wanted = text("first");
    wanted.fallback_keys = vec!["second".into(), "third".into()];
    let (_, trace) = rig.run_one(job(2, &[LOOK]).cache(wanted)).await;
    assert!(output_of(&trace).contains("\nsecond\n"), "{trace}");
    let global = job(2, &[LOOK])
        .cache(text("first-again"))
        .variable("CACHE_FALLBACK_KEY", "third");
    let (_, trace) = rig.run_one(global).await;
    assert!(output_of(&trace).contains("\nthird\n"), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_make_the_key() {
    let rig = Rig::new(&[("lock", "1"), ("other", "1")]);
    let by = |file: &str| {
        cache(CacheKey::Files {
            files: vec![file.into()],
            prefix: Some("$P".into()),
            commits: false,
        })
    };
    rig.run_one(job(1, &[MAKE]).variable("P", "p").cache(by("lock")))
        .await;
    let table = [
        ("lock", "p", true),
        ("lock", "q", false),
        ("other", "p", false),
        ("missing", "p", false),
    ];
    for (file, prefix, hit) in table {
        let built = job(2, &["test -d stuff"])
            .variable("P", prefix)
            .cache(by(file));
        let (end, trace) = rig.run_one(built).await;
        assert_eq!(end.exit_code == Some(0), hit, "{file} {prefix}: {trace}");
        if file == "missing" {
            assert!(trace.contains("p-default"), "{trace}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_and_when_are_kept() {
    let table = [
        (CachePolicy::Pull, StoreWhen::OnSuccess, "true", false),
        (CachePolicy::Push, StoreWhen::OnSuccess, "true", true),
        (
            CachePolicy::Variable("$POLICY".into()),
            StoreWhen::OnSuccess,
            "true",
            true,
        ),
        (CachePolicy::PullPush, StoreWhen::OnSuccess, "false", false),
        (CachePolicy::PullPush, StoreWhen::OnFailure, "false", true),
        (CachePolicy::PullPush, StoreWhen::Always, "false", true),
    ];
    for (policy, when, last, stored) in table {
        let rig = Rig::new(&[]);
        let wanted = Cache {
            policy: policy.clone(),
            when,
            ..text("k")
        };
        let built = job(1, &[MAKE, last])
            .variable("POLICY", "push")
            .cache(wanted);
        rig.run_one(built).await;
        let (end, trace) = rig
            .run_one(job(2, &["test -d stuff"]).cache(text("k")))
            .await;
        assert_eq!(
            end.exit_code == Some(0),
            stored,
            "{policy:?} {when:?} {last}: {trace}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_about_a_cache_fails_a_job() {
    let rig = Rig::new(&[]);
    let bad = Cache {
        policy: CachePolicy::Variable("$POLICY".into()),
        paths: vec!["/etc".into(), "[".into()],
        ..text("k")
    };
    let (end, trace) = rig.run_one(job(1, &["true"]).cache(bad.clone())).await;
    assert_eq!(end.verdict, None, "{trace}");
    assert!(
        trace.contains("cache.error: the cache's policy is none of"),
        "{trace}"
    );
    let (end, trace) = rig
        .run_one(job(1, &["true"]).cache(Cache {
            policy: CachePolicy::PullPush,
            ..bad
        }))
        .await;
    assert_eq!(end.verdict, None, "{trace}");
    assert!(trace.contains("/etc: the path lies outside"), "{trace}");
}
