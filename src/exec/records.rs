//! The record of the processes that a run started, for whoever sweeps after it.
//!
//! One file a run, one line a process, appended as soon as the process exists: a file an attempt would cost a
//! short job more than its shell's start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::process::Identity;

/// Its name in the run's directory.
const FILE: &str = "processes";
/// A longer file is written anew with the living attempts only, so that a runner can go on for years.
const LONG: u64 = 1 << 20;

/// A process and the attempt that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The attempt, as its key displays.
    pub(crate) attempt: String,
    /// The leader of a session.
    pub(crate) process: Identity,
}

/// The record of a living run.
#[derive(Debug)]
pub(crate) struct Records {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Records {
    /// An empty one in the directory of a run.
    pub(crate) fn create(run: &Path) -> io::Result<Self> {
        let path = run.join(FILE);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self {
            path,
            file,
            length: 0,
        })
    }

    /// Adds a process.
    pub(crate) fn add(&mut self, record: &Record) -> io::Result<()> {
        let line = line(record)?;
        self.file.write_all(&line)?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Whether most of it can only be about attempts that are over.
    pub(crate) const fn is_long(&self) -> bool {
        self.length > LONG
    }

    /// Replaces all by `living`; at every moment the old file or the new one is there.
    pub(crate) fn replace(&mut self, living: &[Record]) -> io::Result<()> {
        let lines: Vec<u8> = living
            .iter()
            .map(line)
            .collect::<io::Result<Vec<_>>>()?
            .concat();
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, &lines)?;
        fs::rename(&fresh, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.length = lines.len() as u64;
        Ok(())
    }
}

/// What a run recorded; empty if it never began to.
pub(crate) fn read(run: &Path) -> io::Result<Vec<Record>> {
    let text = match fs::read_to_string(run.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    // A line that a kill cut short is no record.
    let lines = text.lines();
    Ok(lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

/// Removes the file of a run that is over.
pub(crate) fn remove(run: &Path) {
    // It goes with the directory in any case.
    let _ = fs::remove_file(run.join(FILE));
}

fn line(record: &Record) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(attempt: &str, pid: i32) -> Record {
        Record {
            attempt: attempt.into(),
            process: Identity { pid, start: 7 },
        }
    }

    #[test]
    fn what_was_added_is_read_and_a_cut_line_is_none() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(read(run.path()).unwrap(), []);
        let mut records = Records::create(run.path()).unwrap();
        records.add(&record("p1-j1-a1", 10)).unwrap();
        records.add(&record("p1-j2-a1", 11)).unwrap();
        records.file.write_all(br#"{"attempt":"p1-j3"#).unwrap();
        let both = [record("p1-j1-a1", 10), record("p1-j2-a1", 11)];
        assert_eq!(read(run.path()).unwrap(), both);
    }

    #[test]
    fn a_long_record_is_replaced_by_the_living_and_grows_on() {
        let run = tempfile::tempdir().unwrap();
        let mut records = Records::create(run.path()).unwrap();
        while !records.is_long() {
            records.add(&record("p1-j1-a1", 10)).unwrap();
        }
        records.replace(&[record("p1-j2-a1", 11)]).unwrap();
        assert!(!records.is_long());
        records.add(&record("p1-j3-a1", 12)).unwrap();
        let living = [record("p1-j2-a1", 11), record("p1-j3-a1", 12)];
        assert_eq!(read(run.path()).unwrap(), living);
    }
}
