//! The root file system of a container: layers below, a directory of its own on top.

use std::path::Path;

use nix::mount::{MsFlags, mount};

use super::protocol::{Failure, Order};

/// The kernel takes one page of options (mount(2)).
const OPTIONS_LIMIT: usize = 4095;

/// Mounts it at `target`. The current directory must be the store's layers, so that their names stay short.
pub(super) fn mount_overlay(order: &Order, target: &Path) -> Result<(), Failure> {
    let options = options(order);
    if options.len() > OPTIONS_LIMIT {
        return Err(Failure::config(format!(
            "the image has {} layers, which is more than fit into one overlay mount",
            order.layers.len()
        )));
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
