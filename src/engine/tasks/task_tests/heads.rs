//! What looks at a repository store.

use std::{collections::BTreeSet, time::Instant};

use aqueduct_core::{
    refs::{Answer, Guards, KnownRef, RemoteRef, compare},
    time::{Millis, Timestamp},
};
use aqueduct_testkit::origin::{command, git};

use super::{CONFIG, INTERVAL, Rig};

fn pairs(events: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(kind, name): &(&str, &str)| ((*kind).to_owned(), (*name).to_owned());
    events.iter().map(pair).collect()
}

#[tokio::test]
async fn branches_come_move_and_go() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.look(project).await;
    assert_eq!(rig.events().await, []);
    rig.push("a", "1", "refs/heads/main");
    rig.push("a", "2", "refs/heads/topic");
    rig.look(project).await;
    let mut expected = vec![
        ("ref_created", "refs/heads/main"),
        ("ref_created", "refs/heads/topic"),
    ];
    assert_eq!(rig.events().await, pairs(&expected));
    let known = rig.store.project(project).await.unwrap().unwrap();
    assert_eq!(known.default_branch.as_deref(), Some("main"));
    rig.push("a", "3", "refs/heads/main");
    rig.push("a", "4", "refs/tags/v1");
    rig.look(project).await;
    expected.extend([
        ("ref_updated", "refs/heads/main"),
        ("ref_created", "refs/tags/v1"),
    ]);
    assert_eq!(rig.events().await, pairs(&expected));
    rig.origin.delete("refs/heads/topic").unwrap();
    rig.look(project).await;
    assert_eq!(
        rig.events().await,
        pairs(&expected),
        "one look deletes nothing"
    );
    rig.look(project).await;
    expected.push(("ref_deleted", "refs/heads/topic"));
    assert_eq!(rig.events().await, pairs(&expected));
    let first = rig
        .store
        .head(project, "refs/heads/main")
        .await
        .unwrap()
        .unwrap();
    rig.push("a", "5", "refs/heads/topic");
    rig.look(project).await;
    rig.look(project).await;
    expected.push(("ref_created", "refs/heads/topic"));
    assert_eq!(rig.events().await, pairs(&expected));
    let again = rig
        .store
        .head(project, "refs/heads/topic")
        .await
        .unwrap()
        .unwrap();
    assert!(again.generation > first.generation);
}

#[tokio::test]
async fn of_what_was_there_before_only_the_default_branch_is_built() {
    let rig = Rig::new().await;
    rig.push("a", "1", "refs/heads/main");
    for name in ["one", "two", "three"] {
        rig.push("a", name, &format!("refs/heads/{name}"));
    }
    let project = rig.project().await.id;
    rig.look(project).await;
    assert_eq!(
        rig.events().await,
        pairs(&[("ref_created", "refs/heads/main")])
    );
    assert_eq!(rig.store.heads(project).await.unwrap().len(), 4);
    rig.push("a", "4", "refs/heads/four");
    rig.look(project).await;
    assert_eq!(rig.events().await.len(), 2);
}

#[tokio::test]
async fn a_move_to_and_fro_is_two_events() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    let one = rig.push("a", "1", "refs/heads/main");
    rig.look(project).await;
    let two = rig.push("a", "2", "refs/heads/main");
    rig.look(project).await;
    for sha in [&one, &two, &one] {
        git(&rig.origin.path(), &["update-ref", "refs/heads/main", sha]).unwrap();
        rig.look(project).await;
    }
    assert_eq!(rig.events().await.len(), 5);
}

#[tokio::test]
async fn an_emptied_or_wrong_repository_destroys_nothing() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.push("a", "1", "refs/heads/main");
    rig.push("a", "2", "refs/heads/topic");
    rig.look(project).await;
    let all = rig.store.heads(project).await.unwrap();
    let names = git(&rig.origin.path(), &["for-each-ref", "--format=%(refname)"]).unwrap();
    for name in names.lines() {
        rig.origin.delete(name).unwrap();
    }
    for _ in 0..4 {
        rig.look(project).await;
    }
    assert_eq!(rig.store.heads(project).await.unwrap(), all);
    assert_eq!(
        rig.heads
            .look(project)
            .await
            .unwrap()
            .unwrap()
            .held_back
            .doubtful,
        2
    );
}

#[tokio::test]
async fn a_renamed_default_branch_is_learned_and_the_old_name_goes() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    let sha = rig.push("a", "1", "refs/heads/main");
    rig.look(project).await;
    git(
        &rig.origin.path(),
        &["update-ref", "refs/heads/trunk", &sha],
    )
    .unwrap();
    git(
        &rig.origin.path(),
        &["symbolic-ref", "HEAD", "refs/heads/trunk"],
    )
    .unwrap();
    rig.origin.delete("refs/heads/main").unwrap();
    for _ in 0..4 {
        rig.look(project).await;
    }
    let known = rig.store.project(project).await.unwrap().unwrap();
    assert_eq!(known.default_branch.as_deref(), Some("trunk"));
    let expected = [
        ("ref_created", "refs/heads/main"),
        ("ref_created", "refs/heads/trunk"),
        ("ref_deleted", "refs/heads/main"),
    ];
    assert_eq!(rig.events().await, pairs(&expected));
}

#[tokio::test]
async fn two_looks_at_once_store_each_event_once() {
    let rig = Rig::new().await;
    let project = rig.project().await.id;
    rig.look(project).await;
    for round in 0..5 {
        rig.push("a", &round.to_string(), "refs/heads/main");
        rig.pass(INTERVAL);
        let looks = (0..4).map(|_| {
            let heads = rig.heads.clone();
            tokio::spawn(async move { heads.look(project).await.unwrap() })
        });
        for look in looks.collect::<Vec<_>>() {
            look.await.unwrap();
        }
    }
    assert_eq!(rig.events().await.len(), 5);
}

#[test]
fn five_thousand_branches_are_compared_in_a_moment() {
    let (old, new) = ("1".repeat(40), "2".repeat(40));
    let branch = |number: usize| RemoteRef {
        name: format!("refs/heads/team/{number}/topic"),
        sha: new.clone(),
        peeled: None,
    };
    let answer = Answer {
        default_branch: None,
        refs: (0..5000).map(branch).collect(),
        unreadable: 0,
    };
    let known = answer.refs.iter().rev().map(|found| KnownRef {
        name: &found.name,
        sha: &old,
        missing_since: None,
    });
    let known: Vec<KnownRef<'_>> = known.collect();
    let protected = BTreeSet::new();
    let guards = Guards {
        default_branch: Some("team/0/topic"),
        protected: &protected,
        patience: Millis(1),
        deletions: 10,
    };
    let best = (0..5)
        .map(|_| {
            let began = Instant::now();
            let found = compare(&known, &answer, &guards, Timestamp(1));
            assert_eq!(found.changes.len(), 5000);
            began.elapsed()
        })
        .min();
    // Without optimisation, beside whatever else this machine does.
    assert!(
        best < Some(std::time::Duration::from_millis(50)),
        "{best:?}"
    );
}

#[tokio::test]
async fn a_project_that_is_gone_is_not_looked_at() {
    let rig = Rig::new().await;
    rig.push(".gitlab-ci.yml", CONFIG, "refs/heads/main");
    let project = rig.project().await.id;
    rig.store
        .delete_project(project, Timestamp(1))
        .await
        .unwrap();
    assert_eq!(rig.heads.look(project).await.unwrap(), None);
}

#[tokio::test]
async fn five_thousand_new_branches_are_as_many_events() {
    let rig = Rig::new().await;
    let sha = rig.push("a", "1", "refs/heads/main");
    let project = rig.project().await.id;
    rig.look(project).await;
    let commands: Vec<String> = (0..5000)
        .map(|number| format!("create refs/heads/team/{number} {sha}\n"))
        .collect();
    let list = rig.dir.path().join("list");
    std::fs::write(&list, commands.concat()).unwrap();
    let status = command(&rig.origin.path(), &["update-ref", "--stdin"])
        .stdin(std::fs::File::open(&list).unwrap())
        .status();
    assert!(status.unwrap().success());
    rig.pass(INTERVAL);
    let looked = rig.heads.look(project).await.unwrap().unwrap();
    assert_eq!((looked.refs, looked.events), (5001, 5000));
    let again = rig.heads.look(project).await.unwrap().unwrap();
    assert_eq!(again.events, 0);
}
