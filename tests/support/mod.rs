//! A throw-away repository and the real program in it.

#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(
    clippy::expect_used,
    reason = "a test that can't set itself up fails there"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A project in a folder of its own, with its own cache and state.
pub(crate) struct Project {
    dir: TempDir,
}

/// How a command ended.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// An empty Git repository with one commit of `files`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        };
        fs::create_dir_all(project.root()).expect("the project's directory");
        for (path, text) in files {
            project.write(path, text);
        }
        project.commit();
        project
    }

    /// A repository with the files of `folder`.
    pub(crate) fn copy_of(folder: &Path) -> Self {
        let project = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        };
        copy(folder, &project.root());
        project.commit();
        project
    }

    /// Where its files lie.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
        fs::write(path, text).expect("the file");
    }

    /// Runs a program in it and asserts that it went well.
    pub(crate) fn run(&self, program: &str, args: &[&str]) {
        let output = Command::new(program)
            .args(args)
            .current_dir(self.root())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
        assert!(
            output.status.success(),
            "{program} {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The program's command with this project's folders and nothing of the user's settings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aqueduct"));
        command
            .args(args)
            .current_dir(self.root())
            .env("XDG_CACHE_HOME", self.dir.path().join("cache"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program.
    pub(crate) fn aqueduct(&self, args: &[&str]) -> Done {
        let output = self.command(args).output().expect("the program starts");
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn commit(&self) {
        self.run("git", &["init", "--quiet", "--initial-branch", "main"]);
        self.run("git", &["config", "user.name", "Test"]);
        self.run("git", &["config", "user.email", "test@example.com"]);
        self.run("git", &["add", "--all", "--force"]);
        self.run(
            "git",
            &[
                "commit",
                "--quiet",
                "--allow-empty",
                "--message",
                "First commit",
            ],
        );
    }
}

/// The events of `run --json`.
pub(crate) fn events(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a JSON object"))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
