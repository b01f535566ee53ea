//! The bounds of everything that a mirror does.

use std::{ffi::OsString, time::Duration};

/// Bounds in time and size. The defaults suit repositories of some gigabytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `git` program, by name or path.
    pub program: OsString,
    /// Longest question to a remote.
    pub ls_remote_time: Duration,
    /// Longest fetch.
    pub fetch_time: Duration,
    /// Longest wait for whoever else changes the same mirror.
    pub lock_time: Duration,
    /// Longest change of refs, which touches this machine alone.
    pub local_time: Duration,
    /// Longest clone out of a mirror.
    pub serve_time: Duration,
    /// Longest packing of a mirror.
    pub tidy_time: Duration,
    /// Most bytes that a remote may list of its refs.
    pub listing_bytes: usize,
    /// Most bytes that one fetch may bring.
    pub pack_bytes: u64,
    /// Most clones at a time; others wait.
    pub clones: usize,
    /// What nothing keeps is dropped once it is as old as this.
    pub keep_unreachable: Duration,
}

impl Default for Options {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_mins(1);
        Self {
            program: "git".into(),
            ls_remote_time: MINUTE,
            fetch_time: MINUTE * 30,
            lock_time: MINUTE * 35,
            local_time: MINUTE,
            serve_time: MINUTE * 60,
            tidy_time: MINUTE * 60,
            listing_bytes: 64 << 20,
            pack_bytes: 16 << 30,
            clones: 32,
            keep_unreachable: MINUTE * 60 * 24 * 14,
        }
    }
}
