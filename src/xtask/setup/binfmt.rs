//! The kernel's handler for programs of the other architecture.
//!
//! Debian's qemu-user-static brings one line per architecture for the kernel's `register` file;
//! systemd writes them at boot. Without systemd (a container, a minimal VM) this does. The lines
//! carry the flag `F`: the kernel opens qemu at once, so containers need no qemu inside.

use std::{fs, io, path::Path};

use aqueduct_core::platform::Arch;
use nix::mount::{MsFlags, mount};

use crate::error::{At, Error, Result};

const MOUNT: &str = "/proc/sys/fs/binfmt_misc";

/// The architecture that is not this machine's.
fn foreign() -> Arch {
    match Arch::parse(std::env::consts::ARCH) {
        Some(Arch::Arm64) => Arch::Amd64,
        _ => Arch::Arm64,
    }
}

fn handler() -> String {
    format!("qemu-{}", foreign().uname())
}

/// Whether the kernel has an enabled handler for the foreign architecture.
pub(crate) fn registered() -> bool {
    let entry = Path::new(MOUNT).join(handler());
    fs::read_to_string(entry).is_ok_and(|text| text.starts_with("enabled"))
}

/// Registers the handler unless it is there.
pub(crate) fn register() -> Result<()> {
    if registered() {
        return Ok(());
    }
    if !nix::unistd::geteuid().is_root() {
        let what = "registering a binfmt_misc handler".into();
        let command = "systemctl restart systemd-binfmt".into();
        return Err(Error::Root { what, command });
    }
    let register = Path::new(MOUNT).join("register");
    if !register.exists() {
        mount(
            Some("binfmt_misc"),
            MOUNT,
            Some("binfmt_misc"),
            MsFlags::empty(),
            None::<&str>,
        )
        .map_err(io::Error::from)
        .at(MOUNT)?;
        // Handlers are the kernel's: in a container the host may have brought it long ago.
        if registered() {
            return Ok(());
        }
    }
    let line = line()?;
    fs::write(&register, line.trim_end()).at(&register)?;
    if registered() {
        return Ok(());
    }
    Err(Error::Unexpected(format!(
        "the kernel took the binfmt_misc handler {} and does not list it",
        handler()
    )))
}

/// The registration line of the package, wherever this version of it keeps it.
fn line() -> Result<String> {
    let name = format!("{}.conf", handler());
    let places = [
        "/usr/lib/binfmt.d",
        "/usr/share/qemu/binfmt.d",
        "/etc/binfmt.d",
    ];
    let found = places
        .iter()
        .map(|dir| Path::new(dir).join(&name))
        .find(|path| path.exists())
        .ok_or_else(|| Error::Unexpected(format!("qemu-user-static brings no {name}")))?;
    fs::read_to_string(&found).at(found)
}
