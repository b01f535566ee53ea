//! How a project is told from others on this machine.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Names a project's folder among others: its directory's name, to be read, and a hash of its path, to be unique.
pub(crate) fn folder_name(project_dir: &Path) -> String {
    let hash = Sha256::digest(project_dir.as_os_str().as_encoded_bytes());
    let short: String = hex::encode(hash).chars().take(12).collect();
    format!("{}-{short}", display_name(project_dir))
}

/// The name of the project's directory, made safe for paths, mount options and image entrypoints.
pub(crate) fn display_name(project_dir: &Path) -> String {
    let name = project_dir
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    let safe = safe.trim_start_matches(['.', '-']);
    if safe.is_empty() {
        "project".to_owned()
    } else {
        safe.to_owned()
    }
}

/// Where runs live below the cache directory.
pub(crate) fn runs_dir(cache_dir: &Path) -> PathBuf {
    cache_dir.join("runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_never_empty() {
        let table = [
            ("/home/me/my app", "my-app"),
            ("/", "project"),
            ("/x/.hidden", "hidden"),
            ("/x/a:b,c", "a-b-c"),
        ];
        for (path, name) in table {
            assert_eq!(display_name(Path::new(path)), name, "{path}");
        }
        assert_ne!(
            folder_name(Path::new("/a/x")),
            folder_name(Path::new("/b/x"))
        );
    }
}
