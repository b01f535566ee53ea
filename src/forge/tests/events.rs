//! What bodies mean. They are made by hand after the forges' documentation: no forge has sent them.

use aqueduct_ports::forge::{Forge, HookError, HookEvent};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::read;

const SECRET: &str = "s3cret";

/// What a signed body means.
pub(crate) fn event(forge: Forge, name: &str, body: &[u8]) -> Result<HookEvent, HookError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let pairs = [
        ("x-github-event", name),
        ("x-gitea-event", name),
        ("x-hub-signature-256", signature.as_str()),
        ("x-gitlab-token", SECRET),
    ];
    read(forge, &pairs, body, SECRET).map(|hook| hook.event)
}

/// Kind and ref of what a signed body means, or the kind of what else it is.
fn told(forge: Forge, name: &str, body: &str) -> String {
    match event(forge, name, body.as_bytes()) {
        Ok(HookEvent::Ref(event)) => {
            let sha = |sha: &Option<String>| sha.as_ref().map_or(0, |sha| sha.as_bytes()[0] - b'0');
            let (before, after) = (sha(&event.before), sha(&event.after));
            format!("{} {before}..{after}", event.name)
        }
        Ok(HookEvent::Ping) => "ping".into(),
        Ok(HookEvent::Unsupported(what)) => format!("unsupported: {what}"),
        Ok(HookEvent::Other(what)) => format!("other: {what}"),
        Err(error) => error.to_string(),
    }
}

macro_rules! hand_made {
    ($name:literal) => {
        include_str!(concat!("hand_made/", $name, ".json"))
    };
}

#[test]
fn pushes_branches_and_tags_are_told_apart() {
    use Forge::{GitHub, GitLab, Gitea};
    let push = hand_made!("github_push");
    let table = [
        (GitHub, "push", push, "refs/heads/main 1..2"),
        (Gitea, "push", push, "refs/heads/main 1..2"),
        (
            GitHub,
            "push",
            hand_made!("github_branch_deleted"),
            "refs/heads/topic 1..0",
        ),
        (
            GitHub,
            "push",
            hand_made!("github_tag"),
            "refs/tags/v1.0 0..2",
        ),
        (
            GitHub,
            "create",
            hand_made!("github_create"),
            "refs/heads/topic/one 0..0",
        ),
        (
            Gitea,
            "create",
            hand_made!("gitea_create"),
            "refs/heads/topic 0..2",
        ),
        (
            Gitea,
            "delete",
            hand_made!("gitea_delete"),
            "refs/heads/topic 0..0",
        ),
        (
            GitLab,
            "",
            hand_made!("gitlab_push"),
            "refs/heads/main 1..2",
        ),
        (
            GitLab,
            "",
            hand_made!("gitlab_branch_created"),
            "refs/heads/topic 0..2",
        ),
        (GitLab, "", hand_made!("gitlab_tag"), "refs/tags/v1.0 0..2"),
    ];
    for (forge, name, body, expected) in table {
        assert_eq!(told(forge, name, body), expected, "{forge} {name} {body}");
    }
}

#[test]
fn what_makes_no_pipeline_is_named() {
    let request = hand_made!("gitlab_merge_request");
    let table = [
        (Forge::GitHub, "ping", "{}", "ping"),
        (
            Forge::GitHub,
            "pull_request",
            "{}",
            "unsupported: pull requests",
        ),
        (
            Forge::Gitea,
            "pull_request_sync",
            "{}",
            "unsupported: pull requests",
        ),
        (Forge::GitHub, "fork", "{}", "unsupported: forks"),
        (Forge::GitLab, "", request, "unsupported: merge requests"),
        (Forge::GitHub, "star", "{}", "other: star"),
        (
            Forge::GitLab,
            "",
            r#"{"object_kind": "note"}"#,
            "other: note",
        ),
        (
            Forge::GitLab,
            "",
            r#"{"event_name": "project_create"}"#,
            "other: project_create",
        ),
        (
            Forge::GitHub,
            "create",
            r#"{"ref": null, "ref_type": "repository"}"#,
            "the webhook can't be read: invalid type: null, expected a string at line 1 column 12",
        ),
    ];
    for (forge, name, body, expected) in table {
        assert_eq!(told(forge, name, body), expected, "{forge} {name} {body}");
    }
}

#[test]
fn names_are_data_and_commits_are_commits() {
    let push = |name: &str, before: &str| {
        let after = "2".repeat(40);
        let body = format!(r#"{{"ref": "{name}", "before": "{before}", "after": "{after}"}}"#);
        told(Forge::GitHub, "push", &body)
    };
    let one = "1".repeat(40);
    for hostile in [
        "$(id)",
        "--upload-pack=id",
        "../../x",
        "a;rm -rf .",
        "ü\u{202e}",
    ] {
        let name = format!("refs/heads/{hostile}");
        assert_eq!(push(&name, &one), format!("{name} 1..2"));
    }
    assert_eq!(
        push("refs/pull/1/head", &one),
        "other: a push to refs/pull/1/head"
    );
    for sha in ["", "1", "HEAD", "--all"] {
        assert_eq!(
            push("refs/heads/a", sha),
            "the webhook can't be read: 'before' is not a commit id"
        );
    }
}

#[test]
fn a_form_and_a_missing_event_are_answered_with_the_way_out() {
    let pairs = [
        ("x-gitlab-token", SECRET),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = read(Forge::GitLab, &pairs, b"payload=%7B%7D", SECRET).unwrap_err();
    assert!(form.to_string().contains("application/json"), "{form}");
    let none = told(Forge::GitHub, "", "{}");
    assert_eq!(
        none,
        "the webhook can't be read: the header x-github-event is missing"
    );
}

#[test]
fn a_delivery_has_the_senders_id_or_that_of_its_body() {
    let body = hand_made!("gitlab_push").as_bytes();
    let id = |pairs: &[(&str, &str)]| {
        let mut all = vec![("x-gitlab-token", SECRET)];
        all.extend(pairs);
        read(Forge::GitLab, &all, body, SECRET).map(|hook| hook.delivery)
    };
    assert_eq!(id(&[("idempotency-key", "a-b")]).unwrap(), "a-b");
    let made = id(&[]).unwrap();
    assert!(made.starts_with("sha256:") && made == id(&[("idempotency-key", "")]).unwrap());
    assert!(id(&[("idempotency-key", &"x".repeat(201))]).is_err());
}
