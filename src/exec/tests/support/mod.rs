//! What the tests of both executors share.

pub(crate) mod foreign;
pub(crate) mod images;

use std::{fs, path::PathBuf};

use aqueduct_core::time::Millis;
use aqueduct_ports::{conformance::executor::key, executor::JobSpec};
use tempfile::TempDir;

/// Directories of one test, removed with it.
pub(crate) struct Directories(TempDir);

impl Directories {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    /// An attempt that sees its directories where they are.
    pub(crate) fn spec(&self, number: u32) -> JobSpec {
        let workdir = self.0.path().join(format!("copy-{number}"));
        let tmp_dir = self.0.path().join(format!("copy-{number}.tmp"));
        fs::create_dir_all(&workdir).unwrap();
        fs::create_dir_all(&tmp_dir).unwrap();
        JobSpec {
            key: key(number),
            name: format!("job {number}"),
            image: None,
            arch: None,
            project_dir: workdir.clone(),
            workdir,
            tmp_dir_inside: tmp_dir.clone(),
            tmp_dir,
            env: Vec::new(),
            phases: Vec::new(),
            timeout: Millis::from_secs(60),
            grace: Millis::from_secs(5),
            memory_limit: None,
        }
    }
}

/// Living processes with `text` in their command line, arguments joined by spaces.
pub(crate) fn processes(text: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let command = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            let command: Vec<_> = command.split(|byte| *byte == 0).collect();
            String::from_utf8_lossy(&command.join(&b' '))
                .contains(text)
                .then_some(())
        })
        .count()
}
