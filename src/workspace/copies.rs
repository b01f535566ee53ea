//! Working copies: an overlay on the snapshot, or a copy of it.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use aqueduct_core::id::AttemptKey;
use aqueduct_ports::workspace::{Checkout, WorkingCopies, WorkingCopy, WorkspaceError};
use async_trait::async_trait;

use crate::{
    error::{Result, blocking, failed},
    mounts::{Overlay, unmount},
    tree::{copy_tree, remove_tree},
    workspace::{Inner, Workspace},
};

#[async_trait]
impl WorkingCopies for Workspace {
    async fn prepare(&self, key: AttemptKey, checkout: Checkout) -> Result<WorkingCopy> {
        let inner = self.inner.clone();
        blocking(move || {
            let layout = Layout::of(&inner, key);
            layout.remove()?;
            layout.make(&inner, checkout)?;
            Ok(WorkingCopy {
                key,
                dir: layout.dir,
                tmp_dir: layout.tmp_dir,
            })
        })
        .await
    }

    async fn remove(&self, key: AttemptKey) -> std::result::Result<(), WorkspaceError> {
        let inner = self.inner.clone();
        blocking(move || Layout::of(&inner, key).remove()).await
    }
}

/// The directories of one attempt.
struct Layout {
    base: PathBuf,
    dir: PathBuf,
    tmp_dir: PathBuf,
    upper: PathBuf,
    work: PathBuf,
}

impl Layout {
    fn of(inner: &Inner, key: AttemptKey) -> Self {
        let base = inner.jobs_dir().join(key.to_string());
        Self {
            dir: base.join(&inner.project_name),
            // GitLab Runner's name for it.
            tmp_dir: base.join(format!("{}.tmp", inner.project_name)),
            upper: base.join(".upper"),
            work: base.join(".work"),
            base,
        }
    }

    fn make(&self, inner: &Inner, checkout: Checkout) -> Result<()> {
        make_dir(&self.base, 0o755)?;
        make_dir(&self.dir, 0o755)?;
        make_dir(&self.tmp_dir, 0o755)?;
        match checkout {
            Checkout::Empty => Ok(()),
            Checkout::Sources if inner.overlay => {
                make_dir(&self.upper, 0o755)?;
                make_dir(&self.work, 0o700)?;
                Overlay {
                    lower: &inner.snapshot.root,
                    upper: &self.upper,
                    work: &self.work,
                    merged: &self.dir,
                }
                .mount()
            }
            Checkout::Sources => copy_tree(&inner.snapshot.root, &self.dir),
        }
    }

    fn remove(&self) -> Result<()> {
        if !self.base.exists() {
            return Ok(());
        }
        unmount(&self.dir)?;
        remove_tree(&self.base)
    }
}

/// Makes a directory of exactly this mode, whatever the umask.
fn make_dir(path: &Path, mode: u32) -> Result<()> {
    fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(failed("create", path))
}
