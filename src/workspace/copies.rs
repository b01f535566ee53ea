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
        let inner = self.inner.clone();
        blocking(move || {
            give_back(&inner, key)?;
            let (dir, tmp_dir) = prepare(&inner, key, checkout)?;
            Ok(WorkingCopy { key, dir, tmp_dir })
        })
        .await
    }

    async fn remove(&self, key: AttemptKey) -> std::result::Result<(), WorkspaceError> {
        let inner = self.inner.clone();
        blocking(move || give_back(&inner, key)).await
    }
}

fn prepare(
    inner: &Inner,
    key: AttemptKey,
    checkout: Checkout,
) -> Result<(PathBuf, PathBuf)> {
    if checkout == Checkout::Sources
        && let Some(paths) = inner.places.reuse(key)
    {
        return Ok(paths);
    }
    let mut place = inner
        .places
        .new_place(&inner.jobs_dir(), &inner.project_name);
    let made = make(inner, &mut place, checkout);
    let paths = (place.dir.clone(), place.tmp_dir.clone());
    // Also if it failed: what was made of it goes with the attempt.
    inner.places.keep(key, place);
    made.map(|()| paths)
}

fn make(inner: &Inner, place: &mut Place, checkout: Checkout) -> Result<()> {
    place.make()?;
    match checkout {
        Checkout::Empty => Ok(()),
        Checkout::Sources if inner.overlay => place.mount(&inner.snapshot.root),
        Checkout::Sources => copy_tree(&inner.snapshot.root, &place.dir),
    }
}

/// Ends an attempt's use of its place, if it has one.
fn give_back(inner: &Inner, key: AttemptKey) -> Result<()> {
    let Some(place) = inner.places.give_back(key) else {
        return Ok(());
    };
    if place.is_untouched() {
        inner.places.set_idle(place);
        return Ok(());
    }
    let removed = place.remove();
    match removed {
        Ok(()) => inner.places.forget(&place),
        // So that another call tries again.
        Err(_) => inner.places.keep(key, place),
    }
    removed
}
