//! Log files of former runs, emptied, for the logs of the next one.
//!
//! A short job's log costs little but its inode: ext4, for one, looks far for inodes that were not freed in the last seconds,
//! and a run that follows another makes as many logs as that one gave up.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use crate::{
    error::{Result, failed},
    tree::remove_tree,
};

/// Beside the logs that are kept of a project's last run.
const SPARE: &str = "spare";

/// Makes `logs`, of the empty files that lie below `kept` if there are any.
pub(crate) fn take(kept: &Path, logs: &Path) -> Result<()> {
    match fs::rename(kept.join(SPARE), logs) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => fs::create_dir(logs),
        other => other,
    }
    .map_err(failed("create", logs))
}

/// Removes the files of `logs` that nothing was written to. Best effort: an empty log does no harm.
pub(crate) fn drop_unused(logs: &Path) {
    for entry in fs::read_dir(logs).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|meta| meta.len() == 0) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Empties the files of `logs` and lays them beside what is kept, for [`take`]. Best effort: what stays goes with its folder.
pub(crate) fn set_aside(logs: &Path, kept: &Path) {
    let emptied =
        fs::read_dir(logs).and_then(|mut entries| entries.try_for_each(|entry| empty(&entry?)));
    if emptied.is_err() || fs::rename(logs, kept.join(SPARE)).is_err() {
        let _ = remove_tree(logs);
    }
}

/// Only a file of our own making is written to: not one that has another name too, nor what a link leads to.
fn empty(entry: &fs::DirEntry) -> io::Result<()> {
    let meta = entry.metadata()?;
    if meta.is_file() && meta.nlink() == 1 {
        fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(entry.path())?;
        Ok(())
    } else {
        remove_tree(&entry.path()).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_come_back_empty_and_those_that_stay_so_go() {
        let dir = tempfile::tempdir().unwrap();
        let [former, kept, logs] = ["former", "kept", "logs"].map(|name| dir.path().join(name));
        fs::create_dir(&former).unwrap();
        fs::create_dir(&kept).unwrap();
        for name in ["a.log", "b.log"] {
            fs::write(former.join(name), "of the former run").unwrap();
        }
        set_aside(&former, &kept);
        take(&kept, &logs).unwrap();
        fs::write(logs.join("b.log"), "of this run").unwrap();
        drop_unused(&logs);
        let left: Vec<_> = fs::read_dir(&logs)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["b.log"]);
        assert!(!kept.join(SPARE).exists());
    }

    #[test]
    fn what_else_bears_the_name_of_a_log_is_never_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let [former, kept, logs] = ["former", "kept", "logs"].map(|name| dir.path().join(name));
        fs::create_dir(&former).unwrap();
        fs::create_dir(&kept).unwrap();
        let [mine, twice] = ["mine", "twice"].map(|name| dir.path().join(name));
        for path in [&mine, &twice] {
            fs::write(path, "mine").unwrap();
        }
        std::os::unix::fs::symlink(&mine, former.join("a.log")).unwrap();
        fs::hard_link(&twice, former.join("b.log")).unwrap();
        set_aside(&former, &kept);
        take(&kept, &logs).unwrap();
        assert_eq!(fs::read_dir(&logs).unwrap().count(), 0);
        for path in [&mine, &twice] {
            assert_eq!(fs::read(path).unwrap(), b"mine");
        }
    }

    #[test]
    fn without_a_former_run_there_is_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        take(&dir.path().join("kept"), &logs).unwrap();
        assert!(logs.is_dir());
    }
}
