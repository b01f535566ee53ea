//! Mirrors of real repositories, through the real `git`.

mod fetching;
mod killing;
mod reading;
mod serving;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use aqueduct_core::{id::ProjectId, refs::RemoteUrl};
use aqueduct_testkit::origin::{self, Origin, command};
use tempfile::TempDir;

use crate::{GitMirrors, Options};

const PROJECT: ProjectId = ProjectId(7);

/// A bare repository that people push to, and a folder for mirrors.
struct Rig {
    dir: TempDir,
    origin: Origin,
    mirrors: Arc<GitMirrors>,
}

impl Rig {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mirrors = Arc::new(GitMirrors::new(&dir.path().join("mirrors"), options).unwrap());
        let origin = Origin::new(dir.path()).unwrap();
        Self {
            dir,
            origin,
            mirrors,
        }
    }

    fn origin(&self) -> PathBuf {
        self.origin.path()
    }

    fn work(&self) -> PathBuf {
        self.origin.work()
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
        self.origin.push(file, text, to).unwrap()
    }
}

/// Runs git; answers what it prints.
fn git(dir: &Path, args: &[&str]) -> String {
    origin::git(dir, args).unwrap()
}
