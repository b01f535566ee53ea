//! Keeps the terminal from writing `^C` into the live lines.

use std::io;

use nix::{
    sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr},
    unistd::{getpgrp, tcgetpgrp},
};

/// Control characters that are typed don't show while it lives.
///
/// The live lines fill the terminal's width: a `^C` behind the last one begins a new line, and what is redrawn from there leaves
/// an old line standing.
pub(super) struct QuietEcho {
    before: Option<Termios>,
}

impl QuietEcho {
    /// Does nothing where there is no terminal.
    pub(super) fn begin() -> Self {
        let before = tcgetattr(io::stderr()).ok().filter(|_| is_in_front());
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_flags.remove(LocalFlags::ECHOCTL);
            let _ = tcsetattr(io::stderr(), SetArg::TCSANOW, &quiet);
        }
        Self { before }
    }
}

impl Drop for QuietEcho {
    fn drop(&mut self) {
        if let Some(before) = self.before.as_ref().filter(|_| is_in_front()) {
            let _ = tcsetattr(io::stderr(), SetArg::TCSANOW, before);
        }
    }
}

/// Who steers the terminal from the background is stopped by it (`SIGTTOU`).
fn is_in_front() -> bool {
    tcgetpgrp(io::stderr()).is_ok_and(|group| group == getpgrp())
}
