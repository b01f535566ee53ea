//! The traces of a run as files, byte for byte as the runner appended them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::Write as _,
    path::PathBuf,
};

use aqueduct_engine::{RunEvent, TimedEvent};

use crate::error::CliError;

/// Writes each job's trace into a file of its own as it comes; attempts of one job follow each other.
pub(crate) struct Traces {
    dir: PathBuf,
    names: FileNames,
    open: BTreeMap<String, File>,
}

impl Traces {
    /// Files appear in `dir`, which exists.
    pub(crate) fn new(dir: PathBuf, names: FileNames) -> Self {
        Self {
            dir,
            names,
            open: BTreeMap::new(),
        }
    }

    /// Hears one event.
    pub(crate) fn event(&mut self, event: &TimedEvent) -> Result<(), CliError> {
        match &event.event {
            RunEvent::Log { job, bytes, .. } => {
                let path = self.dir.join(format!("{}.log", self.names.get(job)));
                if !self.open.contains_key(job) {
                    let file = OpenOptions::new()
                        .create(true)
                        .append(true)
                        .open(&path)
                        .map_err(|error| CliError::io("create", &path, &error))?;
                    self.open.insert(job.clone(), file);
                }
                self.open.get_mut(job).map_or(Ok(()), |file| {
                    file.write_all(bytes)
                        .map_err(|error| CliError::io("write", &path, &error))
                })
            }
            RunEvent::JobFinished { job, .. } => {
                self.open.remove(job);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Names for jobs' files: readable, without anything a path could stumble over, no two alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileNames(BTreeMap<String, String>);

impl FileNames {
    /// Longest name in bytes, before what keeps two apart.
    const MAX: usize = 120;

    /// Names for `jobs`; the same jobs in the same order get the same names.
    pub(crate) fn of<'a>(jobs: impl Iterator<Item = &'a str>) -> Self {
        let mut taken = BTreeSet::new();
        let mut names = BTreeMap::new();
        for job in jobs {
            let base = Self::readable(job);
            let mut name = base.clone();
            let mut count = 1;
            while !taken.insert(name.clone()) {
                count += 1;
                name = format!("{base}.{count}");
            }
            names.insert(job.to_owned(), name);
        }
        Self(names)
    }

    /// The name for a job that was given to [`Self::of`].
    pub(crate) fn get(&self, job: &str) -> String {
        self.0
            .get(job)
            .cloned()
            .unwrap_or_else(|| Self::readable(job))
    }

    fn readable(job: &str) -> String {
        let mut name = String::new();
        for char in job.chars().take(Self::MAX) {
            if char.is_ascii_alphanumeric() || "._".contains(char) {
                name.push(char);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = name.trim_matches(['-', '.']);
        if name.is_empty() {
            "job".to_owned()
        } else {
            name.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_and_never_alike() {
        let jobs = ["build: [amd64]", "build amd64", "../..", "\u{fc}", "test"];
        let names = FileNames::of(jobs.into_iter());
        let got: Vec<String> = jobs.iter().map(|job| names.get(job)).collect();
        assert_eq!(
            got,
            ["build-amd64", "build-amd64.2", "job", "job.2", "test"]
        );
    }
}
