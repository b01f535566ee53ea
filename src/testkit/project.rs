//! A little repository with a pipeline, and `aqueduct` run in it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    command::{At, Error, Result, run, tail},
    registry::place,
};

/// When every commit of a test repository was made: equal sources then give equal commits.
const COMMIT_TIME: &str = "2026-01-02T03:04:05Z";

/// A Git repository with one commit.
#[derive(Debug)]
pub struct Project {
    dir: PathBuf,
    aqueduct: PathBuf,
    _temporary: Option<TempDir>,
}

impl Project {
    /// An empty directory, a temporary one unless `dir` is given; `aqueduct` is the program.
    pub fn new(aqueduct: &Path, dir: Option<&Path>) -> Result<Self> {
        let (dir, temporary) = place(dir)?;
        Ok(Self {
            dir,
            aqueduct: aqueduct.to_owned(),
            _temporary: temporary,
        })
    }

    /// A copy of a directory of `examples/`.
    pub fn example(name: &str, aqueduct: &Path, dir: Option<&Path>) -> Result<Self> {
        let project = Self::new(aqueduct, dir)?;
        copy(&examples().join(name), &project.dir)?;
        Ok(project)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        let parent = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent).at(parent)?;
        fs::write(&path, text).at(&path)
    }

    /// Reads a file of the project.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.dir.join(name);
        fs::read_to_string(&path).at(&path)
    }

    /// Makes the directory a Git repository with everything in one commit on `main`.
    pub fn commit(&self) -> Result<()> {
        let steps: [&[&str]; 3] = [
            &["init", "--quiet", "--initial-branch=main"],
            &["add", "--all"],
            &["commit", "--quiet", "--message", "Begin"],
        ];
        for step in steps {
            let mut git = Command::new("git");
            git.current_dir(&self.dir).args(step);
            git.env("GIT_CONFIG_GLOBAL", "/dev/null");
            for role in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{role}_NAME"), "Test");
                git.env(format!("GIT_{role}_EMAIL"), "test@example.com");
                git.env(format!("GIT_{role}_DATE"), COMMIT_TIME);
            }
            run(&mut git, "git")?;
        }
        Ok(())
    }

    /// `aqueduct` in the project, found by its jobs as well.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.aqueduct);
        command.current_dir(&self.dir).args(arguments);
        command.env("PATH", self.search_path());
        command
    }

    /// Runs the pipeline; an error carries the end of what it printed.
    pub fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Events> {
        let mut command = self.command(&[&["run", "--json"], arguments].concat());
        command.envs(variables.iter().copied());
        let output = run(&mut command, "aqueduct")?;
        Ok(Events::read(&String::from_utf8_lossy(&output.stdout)))
    }

    fn search_path(&self) -> OsString {
        let own = self.aqueduct.parent().map(Path::to_owned);
        let inherited = env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(env::split_paths(&inherited));
        // Only a directory with a colon in its name can't be joined.
        env::join_paths(all).unwrap_or(inherited)
    }
}

/// What `aqueduct run --json` told.
#[derive(Clone, Debug)]
pub struct Events(Vec<Value>);

impl Events {
    /// Reads one object a line.
    pub fn read(text: &str) -> Self {
        let events = text.lines().map(serde_json::from_str);
        Self(events.filter_map(Result::ok).collect())
    }

    /// The events of one kind, in order.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |event| event["event"] == kind)
    }

    /// How a job ended.
    pub fn status(&self, job: &str) -> Result<&str> {
        let ended = self.of_kind("job_finished");
        let status = ended.filter(|event| event["job"] == job).last();
        status
            .and_then(|event| event["status"].as_str())
            .ok_or_else(|| Error::NotReady {
                peer: format!("job {job}"),
                log: tail(&format!("{:?}", self.0), 4000),
            })
    }
}

/// The repository's `examples` directory.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).at(to)?;
    for entry in fs::read_dir(from).at(from)? {
        let entry = entry.at(from)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).at(&source)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sources_give_equal_commits() {
        let commit = || {
            let project =
                Project::example("hello-multiarch", Path::new("/bin/true"), None).unwrap();
            project.commit().unwrap();
            let mut git = Command::new("git");
            git.current_dir(project.path()).args(["rev-parse", "HEAD"]);
            run(&mut git, "git").unwrap().stdout
        };
        let first = commit();
        assert_eq!(first.len(), 41);
        assert_eq!(first, commit());
    }
}
