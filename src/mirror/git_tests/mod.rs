//! Mirrors of real repositories, through the real `git`.

mod fetching;
mod killing;
mod reading;
mod serving;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use aqueduct_core::{id::ProjectId, refs::RemoteUrl};
use tempfile::TempDir;

use crate::{GitMirrors, Options};

const PROJECT: ProjectId = ProjectId(7);

/// A bare repository that people push to, and a folder for mirrors.
struct Rig {
    dir: TempDir,
    mirrors: Arc<GitMirrors>,
}

impl Rig {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mirrors = Arc::new(GitMirrors::new(&dir.path().join("mirrors"), options).unwrap());
        let rig = Self { dir, mirrors };
        git(
            rig.dir.path(),
            &["init", "-q", "--bare", "-b", "main", "origin.git"],
        );
        git(rig.dir.path(), &["init", "-q", "-b", "main", "work"]);
        rig
    }

    fn origin(&self) -> PathBuf {
        self.dir.path().join("origin.git")
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn mirror(&self) -> PathBuf {
        self.mirrors.places.mirror(PROJECT)
    }

    fn url(&self) -> RemoteUrl {
        RemoteUrl::parse(self.origin().to_str().unwrap()).unwrap()
    }

    /// So many empty commits, pushed nowhere.
    fn commits(&self, count: usize) {
        for number in 0..count {
            let message = number.to_string();
            git(
                &self.work(),
                &["commit", "-q", "--allow-empty", "-m", &message],
            );
        }
    }

    /// A commit with this file, pushed as that ref; answers its id.
    fn push(&self, file: &str, text: &str, to: &str) -> String {
        let path = self.work().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        git(&self.work(), &["add", "--", file]);
        git(&self.work(), &["commit", "-q", "--allow-empty", "-m", text]);
        let origin = self.origin();
        let spec = format!("+HEAD:{to}");
        git(
            &self.work(),
            &["push", "-q", origin.to_str().unwrap(), &spec],
        );
        git(&self.work(), &["rev-parse", "HEAD"])
    }
}

/// Runs git as somebody, without this machine's settings; answers what it prints.
fn git(dir: &Path, args: &[&str]) -> String {
    let output = command(dir, args).output().unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Ann")
        .env("GIT_AUTHOR_EMAIL", "ann@example.com")
        .env("GIT_COMMITTER_NAME", "Bob")
        .env("GIT_COMMITTER_EMAIL", "bob@example.com")
        .env("GIT_COMMITTER_DATE", "1700000000 +0100");
    command
}
