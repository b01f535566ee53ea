//! Asking remotes, bringing commits, keeping them.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::Stdio,
    time::{Duration, Instant},
};

use aqueduct_core::{
    id::PipelineId,
    refs::{RemoteRef, RemoteUrl},
};
use aqueduct_ports::git::{GitError, Mirrors as _};

use super::{PROJECT, Rig, command, git};
use crate::Options;

fn nowhere() -> RemoteUrl {
    RemoteUrl::parse("http://127.0.0.1:9/none.git").unwrap()
}

#[tokio::test]
async fn a_remote_tells_its_branches_tags_and_default_branch() {
    let rig = Rig::new();
    let empty = rig.mirrors.ls_remote(&rig.url()).await.unwrap();
    assert!(empty.refs.is_empty());
    let sha = rig.push("a", "one", "refs/heads/main");
    git(&rig.origin(), &["update-ref", "refs/pull/1/head", &sha]);
    git(&rig.work(), &["tag", "-a", "-m", "first", "v1"]);
    let origin = rig.origin();
    git(&rig.work(), &["push", "-q", origin.to_str().unwrap(), "v1"]);
    let answer = rig.mirrors.ls_remote(&rig.url()).await.unwrap();
    assert_eq!(answer.default_branch.as_deref(), Some("main"));
    let tag = git(&rig.work(), &["rev-parse", "v1"]);
    let expected = [
        RemoteRef {
            name: "refs/heads/main".into(),
            sha: sha.clone(),
            peeled: None,
        },
        RemoteRef {
            name: "refs/tags/v1".into(),
            sha: tag,
            peeled: Some(sha),
        },
    ];
    assert_eq!(answer.refs, expected);
}

#[tokio::test]
async fn a_remote_that_is_away_is_told_from_one_that_never_was() {
    let rig = Rig::new();
    let away = rig.mirrors.ls_remote(&nowhere()).await.unwrap_err();
    assert!(away.is_temporary(), "{away}");
    let none = RemoteUrl::parse(rig.dir.path().join("none").to_str().unwrap()).unwrap();
    let none = rig.mirrors.ls_remote(&none).await.unwrap_err();
    assert!(matches!(none, GitError::NoRepository(_)), "{none}");
}

#[tokio::test]
async fn a_listing_without_end_and_a_slow_answer_are_cut_off() {
    let options = Options {
        listing_bytes: 20,
        ..Options::default()
    };
    let rig = Rig::with(options);
    rig.push("a", "one", "refs/heads/main");
    let error = rig.mirrors.ls_remote(&rig.url()).await.unwrap_err();
    assert!(
        matches!(error, GitError::TooLarge { limit: 20, .. }),
        "{error}"
    );
    // A port that listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.git", silent.local_addr().unwrap());
    let options = Options {
        ls_remote_time: Duration::from_millis(300),
        ..Options::default()
    };
    let rig = Rig::with(options);
    let began = Instant::now();
    let error = rig
        .mirrors
        .ls_remote(&RemoteUrl::parse(&url).unwrap())
        .await
        .unwrap_err();
    assert!(
        error.is_temporary() && began.elapsed() < Duration::from_secs(5),
        "{error}"
    );
}

#[tokio::test]
async fn five_thousand_branches_are_listed_and_fetched() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    let mut commands = String::new();
    for number in 0..5000 {
        writeln!(commands, "create refs/heads/topic/{number} {sha}").unwrap();
    }
    let mut child = command(&rig.origin(), &["update-ref", "--stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(commands.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    let answer = rig.mirrors.ls_remote(&rig.url()).await.unwrap();
    assert_eq!(answer.refs.len(), 5001);
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let heads = git(&rig.mirror(), &["for-each-ref", "--format=x", "refs/heads"]);
    assert_eq!(heads.lines().count(), 5001);
}

#[tokio::test]
async fn a_commit_that_is_there_needs_no_remote() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    rig.mirrors.fetch(PROJECT, &nowhere(), &sha).await.unwrap();
    let other = "ab".repeat(20);
    let away = rig
        .mirrors
        .fetch(PROJECT, &nowhere(), &other)
        .await
        .unwrap_err();
    assert!(away.is_temporary(), "{away}");
    let missing = rig
        .mirrors
        .fetch(PROJECT, &rig.url(), &other)
        .await
        .unwrap_err();
    assert!(matches!(missing, GitError::Missing(_)), "{missing}");
    for text in ["--upload-pack=x", "HEAD", "", &"a".repeat(64)] {
        let refused = rig
            .mirrors
            .fetch(PROJECT, &rig.url(), text)
            .await
            .unwrap_err();
        assert!(matches!(refused, GitError::Refused(_)), "{refused}");
    }
}

#[tokio::test]
async fn branches_move_vanish_and_trade_places_with_folders() {
    let rig = Rig::new();
    rig.push("a", "one", "refs/heads/topic");
    let first = rig.push("a", "two", "refs/heads/topic");
    rig.mirrors
        .fetch(PROJECT, &rig.url(), &first)
        .await
        .unwrap();
    // Rewritten, so that the branch no longer leads to the first; then a folder of branches.
    git(&rig.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    let rewritten = rig.push("a", "three", "refs/heads/topic");
    rig.mirrors
        .fetch(PROJECT, &rig.url(), &rewritten)
        .await
        .unwrap();
    git(&rig.origin(), &["update-ref", "-d", "refs/heads/topic"]);
    let nested = rig.push("a", "four", "refs/heads/topic/nested");
    rig.mirrors
        .fetch(PROJECT, &rig.url(), &nested)
        .await
        .unwrap();
    let heads = git(&rig.mirror(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(heads, "refs/heads/topic/nested");
}

#[tokio::test]
async fn a_commit_that_no_branch_has_any_more_comes_by_itself() {
    let rig = Rig::new();
    rig.push("a", "one", "refs/heads/main");
    let gone = rig.push("a", "two", "refs/heads/topic");
    git(&rig.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    rig.push("a", "three", "refs/heads/topic");
    rig.mirrors.fetch(PROJECT, &rig.url(), &gone).await.unwrap();
    rig.mirrors
        .keep(PROJECT, PipelineId(1), &gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn names_that_look_like_options_and_commands_are_names() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    let names = [
        "refs/heads/--upload-pack=touch${IFS}owned",
        "refs/heads/$(touch${IFS}owned)",
        "refs/heads/;touch${IFS}owned;",
        "refs/heads/`touch${IFS}owned`",
        "refs/heads/'\"|&<>",
        "refs/heads/-",
        "refs/heads/ünïcode/🚢",
    ];
    for name in names {
        git(&rig.origin(), &["update-ref", name, &sha]);
    }
    let answer = rig.mirrors.ls_remote(&rig.url()).await.unwrap();
    for name in names {
        assert!(answer.refs.iter().any(|found| found.name == name), "{name}");
    }
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    let heads = git(&rig.mirror(), &["for-each-ref", "--format=x"]);
    assert_eq!(heads.lines().count(), names.len() + 1);
    for dir in [rig.mirror(), rig.dir.path().to_path_buf(), rig.origin()] {
        assert!(!dir.join("owned").exists());
    }
}

#[tokio::test]
async fn what_a_pipeline_keeps_outlives_its_branch_and_no_longer_than_the_pipeline() {
    let options = Options {
        keep_unreachable: Duration::ZERO,
        ..Options::default()
    };
    let rig = Rig::with(options);
    rig.push("a", "one", "refs/heads/main");
    let kept = rig.push("a", "two", "refs/heads/topic");
    let (one, two) = (PipelineId(1), PipelineId(20));
    rig.mirrors.fetch(PROJECT, &rig.url(), &kept).await.unwrap();
    for pipeline in [two, one, one] {
        rig.mirrors.keep(PROJECT, pipeline, &kept).await.unwrap();
    }
    assert_eq!(rig.mirrors.kept(PROJECT).await.unwrap(), [one, two]);
    git(&rig.origin(), &["update-ref", "-d", "refs/heads/topic"]);
    git(&rig.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    let next = rig.push("b", "three", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &next).await.unwrap();
    rig.mirrors.tidy(PROJECT).await.unwrap();
    rig.mirrors.commit(PROJECT, &kept, None).await.unwrap();
    rig.mirrors
        .release(PROJECT, &[one, two, two, PipelineId(9)])
        .await
        .unwrap();
    assert_eq!(rig.mirrors.kept(PROJECT).await.unwrap(), []);
    rig.mirrors.tidy(PROJECT).await.unwrap();
    let gone = rig.mirrors.keep(PROJECT, one, &kept).await.unwrap_err();
    assert!(matches!(gone, GitError::Missing(_)), "{gone}");
}

#[tokio::test]
async fn a_removed_mirror_is_gone_and_can_come_again() {
    let rig = Rig::new();
    let sha = rig.push("a", "one", "refs/heads/main");
    rig.mirrors.remove(PROJECT).await.unwrap();
    assert_eq!(rig.mirrors.kept(PROJECT).await.unwrap(), []);
    rig.mirrors
        .release(PROJECT, &[PipelineId(1)])
        .await
        .unwrap();
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    assert_eq!(rig.mirrors.projects().await.unwrap(), [PROJECT]);
    rig.mirrors.remove(PROJECT).await.unwrap();
    assert_eq!(rig.mirrors.projects().await.unwrap(), []);
    assert!(!rig.mirror().exists());
    let missing = rig.mirrors.files(PROJECT, &sha).await.unwrap_err();
    assert!(matches!(missing, GitError::Missing(_)), "{missing}");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
}

#[tokio::test]
async fn a_pack_beyond_the_limit_is_not_taken() {
    let options = Options {
        pack_bytes: 1000,
        ..Options::default()
    };
    let rig = Rig::with(options);
    let sha = rig.push("a", "one", "refs/heads/main");
    rig.mirrors.fetch(PROJECT, &rig.url(), &sha).await.unwrap();
    // A server that sends a pack and never ends it.
    let mut wrapper = std::fs::File::create(rig.dir.path().join("git")).unwrap();
    write!(
        wrapper,
        "#!/bin/sh\ncase \"$*\" in *fetch*) mkdir -p $GIT_DIR/objects/pack\n\
         head -c 5000 /dev/zero > $GIT_DIR/objects/pack/tmp_pack_x; sleep 30;; *) exec git \"$@\";; esac\n"
    )
    .unwrap();
    drop(wrapper);
    let program = rig.dir.path().join("git");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let options = Options {
        pack_bytes: 1000,
        program: program.into(),
        ..Options::default()
    };
    let endless = crate::GitMirrors::new(&rig.dir.path().join("mirrors"), options).unwrap();
    let began = Instant::now();
    let other = "ab".repeat(20);
    let error = endless
        .fetch(PROJECT, &rig.url(), &other)
        .await
        .unwrap_err();
    assert!(
        matches!(error, GitError::TooLarge { limit: 1000, .. }),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_ref_on_a_commit_that_is_known_comes_too() {
    let rig = Rig::new();
    let sha = rig.push("a", "1", "refs/heads/main");
    let (mirrors, url) = (&rig.mirrors, rig.url());
    mirrors.fetch(PROJECT, &url, &sha).await.unwrap();
    for name in ["refs/heads/topic", "refs/tags/v1"] {
        let target = format!("HEAD:{name}");
        git(&rig.work(), &["push", "-q", "../origin.git", &target]);
        mirrors.fetch(PROJECT, &url, &sha).await.unwrap();
        assert!(!mirrors.has_ref(PROJECT, name).await.unwrap(), "{name}");
        let brought = mirrors.fetch_ref(PROJECT, &url, &sha, name).await;
        brought.unwrap();
        assert!(mirrors.has_ref(PROJECT, name).await.unwrap(), "{name}");
    }
    // One that is gone again keeps nobody from the commit.
    let gone = mirrors.fetch_ref(PROJECT, &url, &sha, "refs/heads/gone");
    gone.await.unwrap();
}

/// A branch that went back and a tag that was set anew: both commits are known already.
#[tokio::test]
async fn a_ref_that_moved_to_a_known_commit_moves_here_too() {
    let rig = Rig::new();
    let first = rig.push("a", "1", "refs/heads/main");
    let second = rig.push("a", "2", "refs/heads/main");
    let (mirrors, url) = (&rig.mirrors, rig.url());
    for name in ["refs/heads/topic", "refs/tags/v1"] {
        for sha in [&second, &first, &second] {
            git(&rig.origin(), &["update-ref", name, sha]);
            let brought = mirrors.fetch_ref(PROJECT, &url, sha, name).await;
            brought.unwrap();
            assert_eq!(&git(&rig.mirror(), &["rev-parse", name]), sha, "{name}");
        }
        // Where it leads there already, nobody is asked.
        let nowhere = nowhere();
        let known = mirrors.fetch_ref(PROJECT, &nowhere, &second, name);
        known.await.unwrap();
    }
}
