//! The root file system of a container: layers below, a directory of its own on top.

use std::path::Path;

use nix::mount::{MsFlags, mount};
use rustix::{
    fs::CWD,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_create,
        fsconfig_set_string, fsmount, fsopen, move_mount,
    },
};

use super::protocol::{Failure, Order};

/// The kernel takes one page of options (mount(2)).
const OPTIONS_LIMIT: usize = 4095;

/// Mounts it at `target`. The current directory must be the store's layers, so that their names stay short.
pub(super) fn mount_overlay(order: &Order, target: &Path) -> Result<(), Failure> {
    let options = options(order);
    if options.len() > OPTIONS_LIMIT {
        return mount_piecemeal(order, target).map_err(|error| {
            let count = order.layers.len();
            Failure::config(format!(
                "the image's {count} layers are too many for one overlay mount on this kernel: {error}"
            ))
        });
    }
    mount(
        Some("overlay"),
        target,
        Some("overlay"),
        // Devices come from /dev alone, never out of an image.
        MsFlags::MS_NODEV,
        Some(options.as_str()),
    )
    .map_err(|error| {
        let dir = order.dir.display();
        Failure::machine(
            format!("can't mount an overlay in {dir} (is that itself on overlayfs?)"),
            error,
        )
    })
}

/// The same, a layer at a time (fsconfig(2); overlayfs knows `lowerdir+` since Linux 6.5), for more than about 115
/// layers.
fn mount_piecemeal(order: &Order, target: &Path) -> rustix::io::Result<()> {
    let overlay = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for layer in order.layers.iter().rev() {
        fsconfig_set_string(&overlay, "lowerdir+", layer.as_str())?;
    }
    fsconfig_set_string(&overlay, "upperdir", order.dir.join("upper"))?;
    fsconfig_set_string(&overlay, "workdir", order.dir.join("work"))?;
    fsconfig_create(&overlay)?;
    let made = fsmount(
        &overlay,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NODEV,
    )?;
    move_mount(
        &made,
        "",
        CWD,
        target,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

fn options(order: &Order) -> String {
    // The highest comes first.
    let mut lower: Vec<_> = order.layers.iter().rev().map(String::as_str).collect();
    let empty = escape(&order.dir.join("empty"));
    if lower.is_empty() {
        lower.push(&empty);
    }
    format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        escape(&order.dir.join("upper")),
        escape(&order.dir.join("work"))
    )
}

/// Colons and commas separate; a backslash keeps them from it.
fn escape(path: &Path) -> String {
    let mut out = String::new();
    for letter in path.display().to_string().chars() {
        if matches!(letter, '\\' | ':' | ',') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_separators_are_escaped() {
        assert_eq!(escape(Path::new("/a:b,c\\d")), "/a\\:b\\,c\\\\d");
    }
}
