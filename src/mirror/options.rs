//! The bounds of everything that a mirror does.

use std::{ffi::OsString, fmt, sync::Arc, time::Duration};

use aqueduct_core::refs::RemoteUrl;

/// Name and password for an address.
type Login = dyn Fn(&RemoteUrl) -> Option<(String, String)> + Send + Sync;

/// Where to log in as whom: for repositories whose addresses say nothing of it. None by default; its `Debug` shows nothing.
#[derive(Clone, Default)]
pub struct Logins(Option<Arc<Login>>);

impl Logins {
    /// What `find` says.
    pub fn new(
        find: impl Fn(&RemoteUrl) -> Option<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(find)))
    }

    pub(crate) fn of(&self, url: &RemoteUrl) -> Option<(String, String)> {
        self.0.as_ref().and_then(|find| find(url))
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Logins(…)"
        } else {
            "Logins"
        })
    }
}

/// Bounds in time and size. The defaults suit repositories of some gigabytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `git` program, by name or path.
    pub program: OsString,
    /// Where to log in as whom.
    pub logins: Logins,
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
            logins: Logins::default(),
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
