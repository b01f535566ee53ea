//! Working copies: an overlay on the snapshot, or a copy of it.

use std::path::PathBuf;

use aqueduct_core::id::AttemptKey;
use aqueduct_ports::workspace::{Checkout, WorkingCopies, WorkingCopy, WorkspaceError};
use async_trait::async_trait;

use crate::{
    error::{Result, blocking},
    places::Place,
    tree::copy_tree,
    workspace::{Inner, Workspace},
};

#[async_trait]
impl WorkingCopies for Workspace {
    async fn prepare(&self, key: AttemptKey, checkout: Checkout) -> Result<WorkingCopy> {
        self.remove(key).await?;
        let (dir, tmp_dir) = if let Some(paths) = self.reuse(key, &checkout) {
            paths
        } else {
            let inner = self.inner.clone();
            blocking(move || prepare(&inner, key, &checkout)).await?
        };
        Ok(WorkingCopy { key, dir, tmp_dir })
    }

    async fn remove(&self, key: AttemptKey) -> std::result::Result<(), WorkspaceError> {
        let Some(place) = self.inner.places.give_back(key) else {
            return Ok(());
        };
        // A few system calls: less than another thread costs.
        if place.is_untouched() {
            self.inner.places.set_idle(place);
            return Ok(());
        }
        let inner = self.inner.clone();
        blocking(move || remove(&inner, key, place)).await
    }
}

impl Workspace {
    /// What an earlier attempt left untouched.
    fn reuse(&self, key: AttemptKey, checkout: &Checkout) -> Option<(PathBuf, PathBuf)> {
        (*checkout == Checkout::Snapshot).then(|| self.inner.places.reuse(key))?
    }
}

fn prepare(inner: &Inner, key: AttemptKey, checkout: &Checkout) -> Result<(PathBuf, PathBuf)> {
    let mut place = inner
        .places
        .new_place(&inner.jobs_dir(), &inner.project_name);
    let made = make(inner, &mut place, checkout);
    let paths = (place.dir.clone(), place.tmp_dir.clone());
    // Also if it failed: what was made of it goes with the attempt.
    inner.places.keep(key, place);
    made.map(|()| paths)
}

fn make(inner: &Inner, place: &mut Place, checkout: &Checkout) -> Result<()> {
    place.make()?;
    match checkout {
        Checkout::Empty => Ok(()),
        Checkout::Snapshot if inner.overlay => place.mount(&inner.snapshot.root),
        Checkout::Snapshot => copy_tree(&inner.snapshot.root, &place.dir),
        Checkout::Git(_) => Err(WorkspaceError::Refused(
            "a local run has its sources here and fetches none".to_owned(),
        )),
    }
}

fn remove(inner: &Inner, key: AttemptKey, place: Place) -> Result<()> {
    let removed = place.remove();
    match removed {
        Ok(()) => inner.places.forget(&place),
        // So that another call tries again.
        Err(_) => inner.places.keep(key, place),
    }
    removed
}
