//! Where things lie on this machine (XDG base directories).

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use nix::unistd::{User, geteuid};

fn xdg(variable: &str, fallback: &str) -> Option<PathBuf> {
    absolute(variable).or_else(|| home().map(|home| home.join(fallback)))
}

/// Of a variable that holds no absolute path nobody knows where it leads.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// `$HOME`, else what the system knows of the user.
fn home() -> Option<PathBuf> {
    let known = || Some(User::from_uid(geteuid()).ok()??.dir);
    absolute("HOME")
        .or_else(known)
        .filter(|home| home.is_absolute())
}

/// Makes the directory and writes a block into it, in a file without a name: nothing stays, however this ends.
pub(crate) fn check_writable(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    tempfile::tempfile_in(dir)?.write_all(&[0; 4096])
}

/// `$XDG_CONFIG_HOME`, for settings.
pub(crate) fn config_home() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_CACHE_HOME/aqueduct`: images and job caches, safe to delete when nothing runs.
pub(crate) fn cache() -> PathBuf {
    xdg("XDG_CACHE_HOME", ".cache")
        .unwrap_or_else(std::env::temp_dir)
        .join("aqueduct")
}

/// `$XDG_STATE_HOME/aqueduct`: runs, their logs and artifacts.
pub(crate) fn state() -> PathBuf {
    xdg("XDG_STATE_HOME", ".local/state")
        .unwrap_or_else(std::env::temp_dir)
        .join("aqueduct")
}
