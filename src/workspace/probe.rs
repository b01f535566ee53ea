//! Whether overlays can be mounted, found by mounting one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    mounts::{Overlay, overlay_can_name, unmount},
    tree::remove_tree,
};

/// An overlay of empty directories.
pub(crate) struct Probe {
    base: PathBuf,
}

impl Probe {
    /// Mounts it below `run`; `None` if that can't be done here.
    pub(crate) fn mount(run: &Path) -> Option<Self> {
        if !overlay_can_name(run) {
            return None;
        }
        let probe = Self {
            base: run.join("probe"),
        };
        let [lower, upper, work, merged] =
            ["lower", "upper", "work", "merged"].map(|name| probe.base.join(name));
        let made = [&lower, &upper, &work, &merged]
            .iter()
            .all(|dir| fs::create_dir_all(dir).is_ok());
        let overlay = Overlay {
            lower: &lower,
            upper: &upper,
            work: &work,
            merged: &merged,
        };
        if made && overlay.mount().is_ok() {
            return Some(probe);
        }
        probe.remove();
        None
    }

    /// Takes it away. What can't be removed goes with the run. Blocks for milliseconds: the kernel waits until nobody can still
    /// be looking at a mount that it takes away.
    pub(crate) fn remove(self) {
        let _ = unmount(&self.base.join("merged"));
        let _ = remove_tree(&self.base);
    }
}
