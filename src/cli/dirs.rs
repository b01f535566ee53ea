//! Where things lie on this machine (XDG base directories).

use std::path::PathBuf;

fn xdg(variable: &str, fallback: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    set.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(fallback)))
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
