//! A run's place on the disk.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use aqueduct_core::id::AttemptKey;

use crate::{
    artifacts,
    error::{Result, failed},
    gitdir::Objects,
    last,
    mounts::unmount_below,
    places::Places,
    probe::Probe,
    project,
    run_dir::{self, RunDir},
    snapshot::{self, Snapshot},
    spare,
    tree::remove_tree,
};

/// Names of the folders that are kept.
const ARTIFACTS: &str = "artifacts";
const LOGS: &str = "logs";
/// Name of the folder with the run's sources.
const SNAPSHOT: &str = "snapshot";
/// Artifacts by job instead of by attempt, when the run is over.
const KEPT: &str = "kept";

/// Where a run gets its sources from and keeps its files.
#[derive(Clone, Debug)]
pub struct WorkspaceConfig {
    /// The user's tree: the top of a git repository, or any directory.
    pub project_dir: PathBuf,
    /// Aqueduct's folder below the user's cache directory (`$XDG_CACHE_HOME/aqueduct`).
    pub cache_dir: PathBuf,
    /// A revision to run instead of the working tree.
    pub commit: Option<String>,
    /// How working copies are kept apart.
    pub isolation: Isolation,
}

/// What a run leaves until the next run of its project ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Artifacts, a folder a job; `None` if there are none.
    pub artifacts: Option<PathBuf>,
    /// Logs; `None` if there are none.
    pub logs: Option<PathBuf>,
}

/// How working copies are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// An overlay mount each where mounting works, else a copy each.
    #[default]
    Auto,
    /// A copy each.
    Copy,
}

/// A run's place on the disk; implements the ports of [`aqueduct_ports::workspace`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) run: RunDir,
    pub(crate) snapshot: Snapshot,
    pub(crate) overlay: bool,
    pub(crate) places: Places,
    /// Name of the working copies' directories: what tools that look at it expect.
    pub(crate) project_name: String,
    /// Name of the project's folders among other projects'.
    pub(crate) project_folder: String,
    pub(crate) cache_dir: PathBuf,
    /// The user's tree.
    project_dir: PathBuf,
}

impl Workspace {
    /// Sweeps what dead runs left, then takes the snapshot. Blocks.
    ///
    /// The executors' sweep must have run before: their processes may still write into what is swept here.
    ///
    /// # Errors
    /// If the cache directory can't be written, the repository can't be read, or there is no such commit.
    pub fn open(config: &WorkspaceConfig) -> Result<Self> {
        let project_dir =
            fs::canonicalize(&config.project_dir).map_err(failed("open", &config.project_dir))?;
        fs::create_dir_all(&config.cache_dir).map_err(failed("create", &config.cache_dir))?;
        let cache_dir =
            fs::canonicalize(&config.cache_dir).map_err(failed("open", &config.cache_dir))?;
        let project_folder = project::folder_name(&project_dir);
        let swept = run_dir::sweep(&cache_dir);
        let run = RunDir::create(&cache_dir)?;
        let probe = (config.isolation == Isolation::Auto)
            .then(|| Probe::mount(run.path()))
            .flatten();
        let overlay = probe.is_some();
        let request = snapshot::Request {
            project_dir: &project_dir,
            commit: config.commit.as_deref(),
            objects: if overlay {
                Objects::Own
            } else {
                Objects::Alternates
            },
            leave_out: &cache_dir,
        };
        let kept = last::folder(&cache_dir, &project_folder);
        let taken = thread::scope(|scope| {
            scope.spawn(|| probe.map(Probe::remove));
            make_dirs(&run, &kept)?;
            snapshot::take(&request, &run.path().join(SNAPSHOT))
        });
        let mut snapshot = match taken {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let _ = remove_tree(run.path());
                return Err(error);
            }
        };
        snapshot.notes.extend(swept);
        Ok(Self {
            inner: Arc::new(Inner {
                run,
                snapshot,
                overlay,
                places: Places::default(),
                project_name: project::display_name(&project_dir),
                project_folder,
                cache_dir,
                project_dir,
            }),
        })
    }

    /// What a person should know: no git repository, leftovers that could not be removed.
    pub fn notes(&self) -> &[String] {
        &self.inner.snapshot.notes
    }

    /// The frozen sources; nobody may write there.
    pub fn snapshot_dir(&self) -> &Path {
        &self.inner.snapshot.root
    }

    /// Whether working copies are overlay mounts.
    pub fn uses_overlay(&self) -> bool {
        self.inner.overlay
    }

    /// Where an attempt's artifacts lie, if it left any.
    pub fn artifacts_dir(&self, key: AttemptKey) -> Option<PathBuf> {
        let dir = self.inner.archive_dir(key);
        dir.is_dir().then_some(dir)
    }

    /// Copies an attempt's artifacts and reports into `into`, which is made; false if it left none. Blocks.
    ///
    /// # Errors
    /// If the files can't be copied.
    pub fn export(&self, key: AttemptKey, into: &Path) -> Result<bool> {
        artifacts::export(&self.inner, key, into)
    }

    /// A directory for the logs of this run, which are kept with its artifacts.
    pub fn logs_dir(&self) -> PathBuf {
        self.inner.run.path().join(LOGS)
    }

    /// Ends the run: removes everything of it but logs and the artifacts of these attempts, each under a folder's name that
    /// no other has. They take the place of those of the project's last run; what is kept of projects that are gone, goes. Blocks.
    ///
    /// # Errors
    /// If something can't be removed or moved; the next run's sweep tries again.
    pub fn finish(&self, jobs: &[(AttemptKey, String)]) -> Result<Kept> {
        let Inner { run, cache_dir, .. } = &*self.inner;
        unmount_below(run.path())?;
        artifacts::keep_named(&self.inner, jobs, &run.path().join(KEPT))?;
        spare::drop_unused(&self.logs_dir());
        let kept = last::folder(cache_dir, &self.inner.project_folder);
        run.keep(&kept, &[(KEPT, ARTIFACTS), (LOGS, LOGS)])?;
        last::claim(&kept, &self.inner.project_dir);
        clear(run.path(), cache_dir, &kept)?;
        let filled = |name| {
            let dir = kept.join(name);
            let any = fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some());
            any.then_some(dir)
        };
        Ok(Kept {
            artifacts: filled(ARTIFACTS),
            logs: filled(LOGS),
        })
    }
}

impl Inner {
    pub(crate) fn jobs_dir(&self) -> PathBuf {
        self.run.path().join("jobs")
    }

    pub(crate) fn artifacts_root(&self) -> PathBuf {
        self.run.path().join(ARTIFACTS)
    }

    /// Everything an attempt stored.
    pub(crate) fn attempt_artifacts(&self, key: AttemptKey) -> PathBuf {
        self.artifacts_root().join(key.to_string())
    }

    /// Its archive, unpacked.
    pub(crate) fn archive_dir(&self, key: AttemptKey) -> PathBuf {
        self.attempt_artifacts(key).join("archive")
    }
}

/// Removes the run's directory, and what is kept of projects that are gone. Two at a time: removing many small files is
/// most of how a short run ends.
fn clear(run: &Path, cache_dir: &Path, kept: &Path) -> Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| {
            let former = run.join(run_dir::FORMER);
            spare::set_aside(&former.join(LOGS), kept);
            // What fails here fails below once more, and is told there.
            let _ = remove_tree(&former);
            last::prune(cache_dir);
        });
        remove_tree(&run.join(SNAPSHOT))
    })?;
    remove_tree(run)
}

/// The directories of a run.
fn make_dirs(run: &RunDir, kept: &Path) -> Result<()> {
    for name in [SNAPSHOT, "jobs", ARTIFACTS] {
        let dir = run.path().join(name);
        fs::create_dir(&dir).map_err(failed("create", &dir))?;
    }
    spare::take(kept, &run.path().join(LOGS))
}
