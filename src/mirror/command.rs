//! The `git` program in an environment of its own: nothing of this machine's or this user's settings reaches it.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use aqueduct_core::refs::RemoteUrl;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::process::Command;

use crate::options::Logins;

/// What git is told beyond its arguments. It stands in a file because git clears settings in the environment before it
/// starts the other side of a local path.
///
/// Directories are trusted whoever owns them: git sees the mirrors, which are ours, and paths that somebody who may add
/// projects has named.
const SETTINGS: &str = "\
[safe]
	directory = *
[protocol]
	version = 2
[http]
	lowSpeedLimit = 1
	lowSpeedTime = 60
[gc]
	auto = 0
[maintenance]
	auto = false
[fetch]
	writeCommitGraph = false
	recurseSubmodules = false
[core]
	hooksPath = /dev/null
	fsync = committed
[init]
	defaultBranch = main
[pack]
	threads = 2
";

/// No question at a terminal, and an end to a connection that died.
const SSH: &str =
    "ssh -oBatchMode=yes -oConnectTimeout=20 -oServerAliveInterval=15 -oServerAliveCountMax=4";

/// Variables that say how this machine reaches others.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "TMPDIR",
];

/// Starts `git`.
#[derive(Debug)]
pub(crate) struct Git {
    program: std::ffi::OsString,
    home: PathBuf,
    settings: PathBuf,
}

impl Git {
    /// Writes the settings below `root`.
    pub(crate) fn new(program: &OsStr, root: &Path) -> io::Result<Self> {
        let settings = root.join("gitconfig");
        let new = root.join("gitconfig.new");
        fs::write(&new, SETTINGS)?;
        fs::rename(&new, &settings)?;
        Ok(Self {
            program: program.to_owned(),
            home: root.to_owned(),
            settings,
        })
    }

    /// A command that asks nobody anything and is killed with its children when it is dropped.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", &self.settings)
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "http:https:ssh:file")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_SSH_COMMAND", SSH)
            .env("GIT_SSH_VARIANT", "ssh")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// The same, working in a mirror.
    pub(crate) fn inside(&self, mirror: &Path) -> Command {
        let mut command = self.command();
        command.env("GIT_DIR", mirror);
        command
    }
}

/// Lets a command log in at an http remote. The header stands in the environment, which other users can't read, and goes
/// nowhere else: a redirect is an error then.
///
/// Credentials of the address itself come before those that are known for its host.
pub(crate) fn log_in(command: &mut Command, url: &RemoteUrl, logins: &Logins) {
    let url = match logins.of(url) {
        Some((user, password)) => url.with_login(&user, &password),
        None => url.clone(),
    };
    let Some((user, password)) = url.credentials() else {
        return;
    };
    let token = STANDARD.encode(format!("{user}:{password}"));
    command
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "http.extraHeader")
        .env(
            "GIT_CONFIG_VALUE_0",
            format!("Authorization: Basic {token}"),
        )
        .env("GIT_CONFIG_KEY_1", "http.followRedirects")
        .env("GIT_CONFIG_VALUE_1", "false");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_no_argument() {
        let dir = tempfile::tempdir().unwrap();
        let git = Git::new(OsStr::new("git"), dir.path()).unwrap();
        let url = RemoteUrl::parse("https://ann:secret@git.example.com/a/b").unwrap();
        let mut command = git.command();
        log_in(
            command.arg("ls-remote").arg(url.address()),
            &url,
            &Logins::default(),
        );
        let arguments: Vec<_> = command.as_std().get_args().collect();
        assert_eq!(arguments, ["ls-remote", "https://git.example.com/a/b"]);
        let header = command
            .as_std()
            .get_envs()
            .find_map(|(key, value)| (key == "GIT_CONFIG_VALUE_0").then_some(value?));
        assert_eq!(
            header,
            Some(OsStr::new("Authorization: Basic YW5uOnNlY3JldA=="))
        );
    }
}
