//! Reading at a commit.

use aqueduct_ports::git::{GitError, Mirrors as _, Since};

use super::{PROJECT, Rig, git};

fn texts(found: Vec<Option<Vec<u8>>>) -> Vec<Option<String>> {
    found
        .into_iter()
        .map(|bytes| bytes.map(|bytes| String::from_utf8(bytes).unwrap()))
        .collect()
}

#[tokio::test]
async fn files_are_read_at_their_commit() {
    let rig = Rig::new();
    let old = rig.push("ci/a.yml", "one", "refs/heads/main");
    std::os::unix::fs::symlink("ci/a.yml", rig.work().join("link")).unwrap();
    git(&rig.work(), &["add", "link"]);
    let new = rig.push("ci/a.yml", "three", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &new).await.unwrap();
    let paths = [
        "ci/a.yml",
        "/ci//a.yml",
        "link",
        "ci",
        "none",
        "../mirrors/gitconfig",
        "",
        "a\0b",
    ]
    .map(String::from);
    let read = |sha: String, limit| {
        let (mirrors, paths) = (rig.mirrors.clone(), paths.clone());
        async move { texts(mirrors.read(PROJECT, &sha, &paths, limit).await.unwrap()) }
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        read(new.clone(), 100).await,
        [
            some("three"),
            some("three"),
            some("ci/a.yml"),
            None,
            None,
            None,
            None,
            None
        ]
    );
    assert_eq!(read(old.clone(), 100).await[0], some("one"));
    assert_eq!(read(new.clone(), 4).await[0], some("    "));
    assert_eq!(
        rig.mirrors.files(PROJECT, &new).await.unwrap(),
        ["ci/a.yml", "link"]
    );
    let missing = rig
        .mirrors
        .files(PROJECT, &"ab".repeat(20))
        .await
        .unwrap_err();
    assert!(matches!(missing, GitError::Missing(_)), "{missing}");
}

#[tokio::test]
async fn changes_are_those_of_git_diff() {
    let rig = Rig::new();
    for (file, text) in [
        ("a", "1"),
        ("b/c", "2"),
        ("b/d", "3"),
        ("e/f/g", "4"),
        ("h", "5"),
    ] {
        rig.push(file, text, "refs/heads/main");
    }
    let old = git(&rig.work(), &["rev-parse", "HEAD"]);
    git(&rig.work(), &["mv", "h", "i"]);
    git(&rig.work(), &["rm", "-q", "a"]);
    std::fs::create_dir(rig.work().join("a")).unwrap();
    std::fs::write(rig.work().join("a/now a folder"), "6").unwrap();
    git(&rig.work(), &["add", "-A"]);
    git(&rig.work(), &["update-index", "--chmod=+x", "b/d"]);
    let new = rig.push("e/f/g", "7", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &new).await.unwrap();
    let told = git(
        &rig.work(),
        &["diff", "--name-only", "--no-renames", &old, &new],
    );
    let since = Since::Commit(old.clone());
    let changed = rig
        .mirrors
        .changed(PROJECT, &since, &new)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(changed.join("\n"), told);
    assert_eq!(changed, ["a", "a/now a folder", "b/d", "e/f/g", "h", "i"]);
    let gone = Since::Commit("ab".repeat(20));
    assert_eq!(
        rig.mirrors.changed(PROJECT, &gone, &new).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_branch_is_compared_from_where_it_left() {
    let rig = Rig::new();
    let base = rig.push("a", "1", "refs/heads/main");
    rig.push("b", "2", "refs/heads/main");
    git(&rig.work(), &["reset", "-q", "--hard", &base]);
    let topic = rig.push("c", "3", "refs/heads/topic");
    rig.mirrors
        .fetch(PROJECT, &rig.url(), &topic)
        .await
        .unwrap();
    for name in ["main", "refs/heads/main", "heads/main"] {
        let since = Since::MergeBase(name.into());
        let changed = rig.mirrors.changed(PROJECT, &since, &topic).await.unwrap();
        assert_eq!(changed, Some(vec!["c".to_owned()]), "{name}");
    }
    for name in ["none", "--help", "", "\0", "main^{/(a+)+$}"] {
        let since = Since::MergeBase(name.into());
        assert_eq!(
            rig.mirrors.changed(PROJECT, &since, &topic).await.unwrap(),
            None,
            "{name}"
        );
    }
    let is_ancestor = |one: String, other: String| {
        let mirrors = rig.mirrors.clone();
        async move { mirrors.is_ancestor(PROJECT, &one, &other).await.unwrap() }
    };
    assert!(is_ancestor(base.clone(), topic.clone()).await);
    assert!(is_ancestor(topic.clone(), topic.clone()).await);
    assert!(!is_ancestor(topic.clone(), base).await);
    assert!(!is_ancestor("ab".repeat(20), topic).await);
}

#[tokio::test]
async fn a_commit_is_told_as_people_see_it() {
    let rig = Rig::new();
    let parent = rig.push("a", "one", "refs/heads/main");
    let sha = rig.push("a", "Say more\n\nAnd why.", "refs/heads/main");
    git(&rig.work(), &["tag", "-a", "-m", "The first", "v1"]);
    git(&rig.work(), &["tag", "plain"]);
    let origin = rig.origin();
    git(
        &rig.work(),
        &["push", "-q", "--tags", origin.to_str().unwrap()],
    );
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let facts = rig
        .mirrors
        .commit(PROJECT, &sha, Some("refs/tags/v1"))
        .await
        .unwrap();
    assert_eq!(facts.parents, [parent]);
    assert_eq!(facts.commit.message, "Say more\n\nAnd why.\n");
    assert_eq!(facts.commit.author, "Ann <ann@example.com>");
    assert_eq!(facts.commit.timestamp, "2023-11-14T23:13:20+01:00");
    assert_eq!(facts.commit.tag_message.as_deref(), Some("The first\n"));
    let plain = rig
        .mirrors
        .commit(PROJECT, &sha, Some("refs/tags/plain"))
        .await
        .unwrap();
    assert_eq!(plain.commit.tag_message, None);
}

/// Ten folders that each hold the same folder ten times, ten levels deep, list ten thousand million files.
#[tokio::test]
async fn a_tree_that_names_itself_without_end_is_given_up() {
    let rig = Rig::new();
    rig.push("a", "one", "refs/heads/main");
    let mut tree = git(&rig.work(), &["rev-parse", "HEAD^{tree}"]);
    for _ in 0..10 {
        let listing: String = (0..10)
            .map(|name| format!("040000 tree {tree}\tfolder{name}"))
            .collect::<Vec<_>>()
            .join("\n");
        let mut child = super::command(&rig.work(), &["mktree"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), listing.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .clone_into(&mut tree);
    }
    let bomb = git(&rig.work(), &["commit-tree", "-m", "bomb", &tree]);
    let origin = rig.origin();
    let spec = format!("{bomb}:refs/heads/bomb");
    git(
        &rig.work(),
        &["push", "-q", origin.to_str().unwrap(), &spec],
    );
    rig.mirrors.fetch(PROJECT, &rig.url(), &bomb).await.unwrap();
    let error = rig.mirrors.files(PROJECT, &bomb).await.unwrap_err();
    assert!(matches!(error, GitError::TooLarge { .. }), "{error}");
}
