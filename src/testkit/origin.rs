//! A bare repository that somebody pushes to, by the real `git`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    command::{At as _, run},
};

/// A bare repository `origin.git` and a working copy `work` to push from, below one directory.
#[derive(Debug)]
pub struct Origin {
    dir: PathBuf,
}

impl Origin {
    /// Makes both, empty, in `dir`.
    pub fn new(dir: &Path) -> Result<Self> {
        git(dir, &["init", "-q", "--bare", "-b", "main", "origin.git"])?;
        git(dir, &["init", "-q", "-b", "main", "work"])?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// The bare repository.
    pub fn path(&self) -> PathBuf {
        self.dir.join("origin.git")
    }

    /// The working copy.
    pub fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// Commits this file with its text as the message, and pushes it as the full name `to`, forced; answers the commit's id.
    pub fn push(&self, file: &str, text: &str, to: &str) -> Result<String> {
        self.push_as(file, text, text, to)
    }

    /// The same with another message.
    pub fn push_as(&self, file: &str, text: &str, message: &str, to: &str) -> Result<String> {
        let path = self.work().join(file);
        let parent = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent).at(parent)?;
        fs::write(&path, text).at(&path)?;
        let work = self.work();
        git(&work, &["add", "--", file])?;
        git(&work, &["commit", "-q", "--allow-empty", "-m", message])?;
        let spec = format!("+HEAD:{to}");
        git(&work, &["push", "-q", "../origin.git", &spec])?;
        git(&work, &["rev-parse", "HEAD"])
    }

    /// Deletes a ref of the bare repository.
    pub fn delete(&self, name: &str) -> Result<()> {
        git(&self.path(), &["update-ref", "-d", name]).map(drop)
    }
}

/// Runs git in a directory as somebody, without this machine's settings; answers what it prints, without the last line's end.
pub fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let output = run(&mut command(dir, args), "git")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim_end().to_owned())
}

/// The command that [`git`] runs.
pub fn command(dir: &Path, args: &[&str]) -> Command {
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
