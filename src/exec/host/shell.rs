//! Which shell runs a script, and with which environment.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::process::{MARKER, marker_value};

/// Used where neither the job nor the machine sets one (glibc's and Debian's default for root).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of the machine that programs need to find their way: who and where they are, and how to reach the
/// network. Everything else of the runner's environment stays out of its jobs.
const FROM_MACHINE: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
];

/// The machine's part of every job's environment, out of all of its variables.
pub(super) fn machine_env(
    vars: impl IntoIterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    vars.into_iter()
        .filter(|(name, _)| FROM_MACHINE.contains(&name.as_str()))
        .collect()
}

/// Puts `directory` behind all others of the `PATH`.
pub(super) fn add_to_path(env: &mut Vec<(String, String)>, directory: &str) {
    match env.iter_mut().find(|(name, _)| name == "PATH") {
        Some((_, path)) if path.split(':').any(|known| known == directory) => {}
        Some((_, path)) => {
            path.push(':');
            path.push_str(directory);
        }
        None => env.push(("PATH".into(), format!("{DEFAULT_PATH}:{directory}"))),
    }
}

/// The job's variables above the machine's, one entry a name, with the marker that makes its processes findable.
pub(super) fn job_env(
    machine: &[(String, String)],
    job: &[(String, String)],
    inherited_marker: Option<&str>,
    marker: &str,
) -> Vec<(String, String)> {
    let set = |name: &str| job.iter().any(|(other, _)| other == name);
    let mut env: Vec<_> = machine
        .iter()
        .filter(|(name, _)| !set(name))
        .chain(job.iter().filter(|(name, _)| name != MARKER))
        .cloned()
        .collect();
    if !env.iter().any(|(name, _)| name == "PATH") {
        env.push(("PATH".into(), DEFAULT_PATH.into()));
    }
    env.push((MARKER.into(), marker_value(inherited_marker, marker)));
    env
}

/// The shell that was found last: most jobs of a machine have the same `PATH`.
#[derive(Debug, Default)]
pub(super) struct Shells(Mutex<Option<Found>>);

#[derive(Debug)]
struct Found {
    path: String,
    shell: PathBuf,
}

impl Shells {
    /// bash where the job's `PATH` has it, else sh.
    pub(super) fn find(&self, env: &[(String, String)]) -> Option<PathBuf> {
        let path = env
            .iter()
            .rfind(|(name, _)| name == "PATH")
            .map_or(DEFAULT_PATH, |(_, value)| value.as_str());
        // What is kept is whole at every moment.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &*last
            && found.path == path
            && is_executable(&found.shell)
        {
            return Some(found.shell.clone());
        }
        let shell = search(path)?;
        *last = Some(Found {
            path: path.to_owned(),
            shell: shell.clone(),
        });
        Some(shell)
    }
}

fn search(path: &str) -> Option<PathBuf> {
    ["bash", "sh"].iter().find_map(|shell| {
        [path, DEFAULT_PATH]
            .iter()
            .flat_map(|path| path.split(':'))
            .filter(|dir| dir.starts_with('/'))
            .map(|dir| Path::new(dir).join(shell))
            .find(|file| is_executable(file))
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn the_job_wins_over_the_machine_and_nothing_else_leaks() {
        let machine = machine_env(pairs(&[
            ("HOME", "/h"),
            ("PATH", "/m"),
            ("TOKEN", "secret"),
        ]));
        let env = job_env(
            &machine,
            &pairs(&[("HOME", "/j"), (MARKER, "forged")]),
            Some("o"),
            "r/a",
        );
        assert_eq!(
            env,
            pairs(&[("PATH", "/m"), ("HOME", "/j"), (MARKER, "o:r/a")])
        );
    }

    #[test]
    fn what_is_added_to_the_path_comes_last_and_once() {
        let mut env = pairs(&[("PATH", "/m")]);
        add_to_path(&mut env, "/own");
        add_to_path(&mut env, "/own");
        assert_eq!(env, pairs(&[("PATH", "/m:/own")]));
        let mut none = Vec::new();
        add_to_path(&mut none, "/own");
        assert_eq!(none[0].1, format!("{DEFAULT_PATH}:/own"));
    }

    #[test]
    fn a_path_without_a_shell_falls_back_to_the_default() {
        let found = Shells::default().find(&pairs(&[("PATH", "/nonexistent:relative")]));
        assert!(found.unwrap().is_absolute());
    }

    #[test]
    fn another_path_and_a_removed_shell_are_searched_anew() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let shells = Shells::default();
        let find = |dir: &Path| shells.find(&pairs(&[("PATH", dir.to_str().unwrap())]));
        for dir in &dirs {
            let bash = dir.path().join("bash");
            std::fs::copy("/bin/sh", &bash).unwrap();
            assert_eq!(find(dir.path()), Some(bash));
        }
        std::fs::remove_file(dirs[1].path().join("bash")).unwrap();
        let found = find(dirs[1].path()).unwrap();
        assert!(!found.starts_with(dirs[1].path()));
    }
}
