//! The program as its own child: the container starter.

use std::{ffi::OsString, process::ExitCode};

/// First argument of a re-executed program that is to be the container starter.
pub(crate) const STARTER: &str = "__container-starter";

/// Runs the starter if the arguments ask for it; `None` means that this is an ordinary start.
///
/// Must be called first in `main`, before any thread or async runtime exists: libcontainer forks, and after a fork
/// of a process with several threads only async-signal-safe code may run.
pub fn run_if_requested(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    (args.next()? == STARTER).then(crate::oci::starter::main)
}
