//! Fetching through a store of objects, from a real repository.

use std::process::Command;

use aqueduct_core::id::{JobId, PipelineId};
use aqueduct_ports::{work::GitSource, workspace::Submodules};
use tempfile::TempDir;

use super::*;

struct Rig {
    dir: TempDir,
    checkouts: Checkouts,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("these tests need the git program: apt-get install git");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn key(number: u64) -> AttemptKey {
    AttemptKey {
        pipeline: PipelineId(7),
        job: JobId(number),
        attempt: 1,
    }
}

impl Rig {
    /// A repository with three commits on `main` and a ref for a pipeline.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = dir.path().join("demo.git");
        fs::create_dir(&origin).unwrap();
        git(&origin, &["init", "-q", "-b", "main"]);
        let rig = Self {
            checkouts: open(dir.path()),
            dir,
        };
        for number in 1..=3 {
            rig.commit(&format!("text {number}"));
        }
        git(&origin, &["update-ref", "refs/pipelines/7", "HEAD"]);
        rig
    }

    fn origin(&self) -> PathBuf {
        self.dir.path().join("demo.git")
    }

    fn commit(&self, text: &str) {
        fs::write(self.origin().join("file"), text).unwrap();
        git(&self.origin(), &["add", "-A"]);
        git(&self.origin(), &["commit", "-q", "-m", text]);
    }

    fn checkout(&self, depth: u32) -> GitCheckout {
        let origin = self.origin();
        GitCheckout {
            source: GitSource {
                url: format!("file://{}", origin.display()).into(),
                sha: git(&origin, &["rev-parse", "refs/pipelines/7"]),
                refspecs: vec![
                    "+refs/pipelines/7:refs/pipelines/7".into(),
                    "+refs/heads/main:refs/remotes/origin/main".into(),
                ],
                depth,
                sha256: false,
                fetch: true,
            },
            submodules: Submodules::None,
            contents: Contents::Files,
        }
    }

    async fn prepare(&self, number: u64, checkout: GitCheckout) -> Result<WorkingCopy> {
        let checkout = Checkout::Git(Box::new(checkout));
        self.checkouts.prepare(key(number), checkout).await
    }
}

fn open(dir: &Path) -> Checkouts {
    Checkouts::open(&CheckoutsConfig {
        builds_dir: dir.join("builds"),
        cache_dir: dir.join("cache"),
        quota: Quota::NONE,
    })
    .unwrap()
}

#[tokio::test]
async fn a_copy_holds_the_commit_at_its_depth() {
    let rig = Rig::new();
    for (number, depth, commits) in [(1, 2, "2"), (2, 0, "3"), (3, 1, "1"), (4, 20, "3")] {
        let copy = rig.prepare(number, rig.checkout(depth)).await.unwrap();
        assert_eq!(fs::read_to_string(copy.dir.join("file")).unwrap(), "text 3");
        let count = git(&copy.dir, &["rev-list", "--count", "HEAD"]);
        assert_eq!(count, commits, "depth {depth}");
        let main = git(&copy.dir, &["rev-parse", "refs/remotes/origin/main"]);
        assert_eq!(main, git(&copy.dir, &["rev-parse", "HEAD"]));
        assert_eq!(copy.dir.file_name().unwrap(), "demo");
        assert_eq!(git(&copy.dir, &["status", "--porcelain"]), "");
        rig.checkouts.remove(key(number)).await.unwrap();
        assert!(!copy.dir.exists());
    }
}

#[tokio::test]
async fn a_second_job_of_a_commit_fetches_nothing() {
    let rig = Rig::new();
    let checkout = rig.checkout(20);
    rig.prepare(1, checkout.clone()).await.unwrap();
    fs::rename(rig.origin(), rig.dir.path().join("gone")).unwrap();
    let copy = rig.prepare(2, checkout.clone()).await.unwrap();
    assert_eq!(fs::read_to_string(copy.dir.join("file")).unwrap(), "text 3");
    // What it does not have it can't get.
    let clone = GitCheckout {
        source: GitSource {
            fetch: false,
            ..checkout.source
        },
        ..checkout
    };
    assert!(rig.prepare(3, clone).await.is_err());
}

#[tokio::test]
async fn a_later_pipeline_of_the_branch_leaves_an_earlier_commit_alone() {
    let rig = Rig::new();
    let first = rig.checkout(1);
    rig.prepare(1, first.clone()).await.unwrap();
    rig.commit("text 4");
    git(&rig.origin(), &["update-ref", "refs/pipelines/7", "HEAD"]);
    rig.prepare(2, rig.checkout(1)).await.unwrap();
    let copy = rig.prepare(3, first).await.unwrap();
    assert_eq!(fs::read_to_string(copy.dir.join("file")).unwrap(), "text 3");
}

#[tokio::test]
async fn a_broken_store_costs_a_fetch_and_no_job() {
    let rig = Rig::new();
    rig.prepare(1, rig.checkout(20)).await.unwrap();
    let stores = rig.dir.path().join("cache/git");
    for entry in fs::read_dir(&stores).unwrap().flatten() {
        let _ = fs::remove_dir_all(entry.path().join("objects"));
    }
    let copy = rig.prepare(2, rig.checkout(20)).await.unwrap();
    assert_eq!(fs::read_to_string(copy.dir.join("file")).unwrap(), "text 3");
    // A `git` that was killed leaves its own locks.
    rig.prepare(3, rig.checkout(20)).await.unwrap();
    for entry in fs::read_dir(&stores).unwrap().flatten() {
        if entry.path().is_dir() {
            fs::write(entry.path().join("shallow.lock"), "").unwrap();
        }
    }
    rig.prepare(4, rig.checkout(2)).await.unwrap();
}

#[tokio::test]
async fn submodules_come_where_they_are_wanted() {
    let rig = Rig::new();
    let inner = rig.dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    git(&inner, &["init", "-q", "-b", "main"]);
    fs::write(inner.join("deep"), "down").unwrap();
    git(&inner, &["add", "-A"]);
    git(&inner, &["commit", "-q", "-m", "inner"]);
    let url = format!("file://{}", inner.display());
    git(&rig.origin(), &["submodule", "--quiet", "add", &url, "sub"]);
    git(&rig.origin(), &["commit", "-q", "-m", "with sub"]);
    git(&rig.origin(), &["update-ref", "refs/pipelines/7", "HEAD"]);
    let checkout = rig.checkout(20);
    let copy = rig.prepare(1, checkout.clone()).await.unwrap();
    assert!(!copy.dir.join("sub/deep").exists());
    let wanted = GitCheckout {
        submodules: Submodules::Recursive,
        ..checkout
    };
    // Git takes submodules from no file unless it is told so, and nobody tells it: the words arrive.
    let error = rig.prepare(2, wanted).await.unwrap_err();
    assert!(
        error.to_string().contains("transport 'file' not allowed"),
        "{error}"
    );
}

#[tokio::test]
async fn errors_are_gits_words_and_say_whether_to_try_again() {
    let rig = Rig::new();
    let with = |change: &dyn Fn(&mut GitSource)| {
        let mut checkout = rig.checkout(20);
        change(&mut checkout.source);
        checkout
    };
    let refused = [
        (
            with(&|source| source.sha = "1".repeat(40)),
            "fetched was +refs/pipelines/7",
        ),
        (with(&|source| source.sha = "--help".into()), "is no commit"),
        (
            with(&|source| source.refspecs = vec!["--upload-pack=x".into()]),
            "is no refspec",
        ),
        (
            with(&|source| {
                source.refspecs = vec!["+refs/heads/gone:refs/remotes/origin/gone".into()];
            }),
            "couldn't find remote ref refs/heads/gone",
        ),
        (
            with(&|source| source.url = "relative/path".into()),
            "no repository",
        ),
    ];
    for (checkout, words) in refused {
        let error = rig.prepare(1, checkout).await.unwrap_err();
        assert!(matches!(error, WorkspaceError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let away = with(&|source| source.url = "http://u:geheim@127.0.0.1:9/x.git".into());
    let error = rig.prepare(1, away).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Unreachable(_)), "{error:?}");
    assert!(!error.to_string().contains("geheim"), "{error}");
}

#[tokio::test]
async fn nothing_of_the_password_is_left_on_the_disk() {
    let rig = Rig::new();
    let mut checkout = rig.checkout(20);
    checkout.contents = Contents::Repository;
    checkout.source.url = "http://u:geheim@127.0.0.1:9/x.git".into();
    assert!(rig.prepare(1, checkout).await.is_err());
    for entry in walkdir::WalkDir::new(rig.dir.path()).into_iter().flatten() {
        let text = fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("geheim"), "{}", entry.path().display());
    }
}

#[tokio::test]
async fn a_dead_runners_copies_are_swept_and_a_living_ones_are_not() {
    let rig = Rig::new();
    let copy = rig.prepare(1, rig.checkout(20)).await.unwrap();
    let other = open(rig.dir.path());
    assert!(copy.dir.is_dir());
    drop(other);
    let Rig { dir, checkouts } = rig;
    drop(checkouts);
    let next = open(dir.path());
    assert!(next.notes().is_empty());
    assert!(!copy.dir.exists());
}

#[tokio::test]
async fn caches_are_the_projects_own() {
    let rig = Rig::new();
    let mut nothing = rig.checkout(20);
    nothing.contents = Contents::Nothing;
    let copy = rig.prepare(1, nothing.clone()).await.unwrap();
    assert!(!copy.dir.join(".git").exists());
    fs::write(copy.dir.join("kept"), "x").unwrap();
    let selection = Selection {
        untracked: true,
        ..Selection::default()
    };
    rig.checkouts.save(&copy, "k", &selection).await.unwrap();
    let keys = ["k".to_owned()];
    let again = rig.prepare(2, nothing.clone()).await.unwrap();
    let restored = rig.checkouts.restore(&again, &keys).await.unwrap();
    assert_eq!(restored.as_deref(), Some("k"));
    nothing.source.url = "file:///elsewhere/demo.git".into();
    let elsewhere = rig.prepare(3, nothing).await.unwrap();
    assert_eq!(
        rig.checkouts.restore(&elsewhere, &keys).await.unwrap(),
        None
    );
}
