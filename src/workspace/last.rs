//! What is kept of each project's last run, and the end of what nobody will look at again.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{project::runs_dir, run_dir::lock_runs, tree::remove_tree};

/// Holds the project's path and, to tell a whole one from one that a full disk cut off, [`END`].
const OWNER: &str = "project";
const END: u8 = b'\n';
/// GitLab's default lifetime of artifacts. A run of the project begins it anew.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Where a project's last run is kept.
pub(crate) fn folder(cache_dir: &Path, project_folder: &str) -> PathBuf {
    cache_dir.join("last").join(project_folder)
}

/// Writes down whose results lie in a folder. Best effort: without it, age alone tells when to remove them.
pub(crate) fn claim(kept: &Path, project_dir: &Path) {
    let mut text = project_dir.as_os_str().as_bytes().to_vec();
    text.push(END);
    let _ = fs::write(kept.join(OWNER), text);
}

/// Removes what is kept of projects that are gone, or that nobody ran for long. Best effort: the next run tries again.
pub(crate) fn prune(cache_dir: &Path) {
    let runs = runs_dir(cache_dir);
    let mut claimed = Vec::new();
    // Runs put their results in place under this lock. Once renamed, a folder is nobody's: a sweep takes what we leave.
    if let Ok(_guard) = lock_runs(&runs) {
        for entry in fs::read_dir(cache_dir.join("last"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let mut name = OsStr::new("dead-last-").to_owned();
            name.push(entry.file_name());
            let target = runs.join(name);
            if is_over(&entry.path()) && fs::rename(entry.path(), &target).is_ok() {
                claimed.push(target);
            }
        }
    }
    for path in claimed {
        let _ = remove_tree(&path);
    }
}

fn is_over(kept: &Path) -> bool {
    let owner = fs::read(kept.join(OWNER)).unwrap_or_default();
    let is_gone = owner.strip_suffix(&[END]).is_some_and(|path| {
        // Only "not there" is an answer: a disk that can't be read now may come back.
        let project = fs::symlink_metadata(OsStr::from_bytes(path));
        project.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    });
    is_gone || age(kept).is_some_and(|age| age > LIFETIME)
}

/// Time since a run put its results there.
fn age(kept: &Path) -> Option<Duration> {
    let put = fs::metadata(kept).and_then(|meta| meta.modified()).ok()?;
    SystemTime::now().duration_since(put).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_projects_that_are_gone_goes() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir_all(runs_dir(cache.path())).unwrap();
        let project = tempfile::tempdir().unwrap();
        let keep = |name: &str, owner: Option<&Path>| {
            let kept = folder(cache.path(), name);
            fs::create_dir_all(kept.join("logs")).unwrap();
            if let Some(owner) = owner {
                claim(&kept, owner);
            }
            kept
        };
        let living = keep("living", Some(project.path()));
        let gone = keep("gone", Some(&project.path().join("gone")));
        let old = keep("old", Some(project.path()));
        let month_ago = SystemTime::now() - LIFETIME - Duration::from_mins(1);
        fs::File::open(&old)
            .unwrap()
            .set_modified(month_ago)
            .unwrap();
        let nobody = keep("nobody", None);
        let cut = keep("cut", None);
        fs::write(cut.join(OWNER), "/some/pa").unwrap();
        prune(cache.path());
        let there = [living, gone, old, nobody, cut].map(|kept| kept.exists());
        assert_eq!(there, [true, false, false, true, true]);
        let left = fs::read_dir(runs_dir(cache.path())).unwrap().count();
        assert_eq!(left, 1, "only the lock");
    }
}
