//! What a runner remembers of itself, in a directory of its own.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aqueduct_core::api::runner::Secret;
use serde::{Deserialize, Serialize};

use crate::{error::CliError, exit::Exit};

/// Held by a runner for as long as it lives.
const LOCK: &str = "runner.lock";
/// Which of the runners of one token this is.
const SYSTEM_ID: &str = ".runner_system_id";
/// Server and token of `runner register`.
const REGISTRATION: &str = "runner.toml";

/// The directory.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
}

/// What `runner register` leaves for `runner run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The server.
    pub(super) url: String,
    /// The runner's token.
    pub(super) token: Secret,
}

/// No other runner lives in the directory while this does.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl StateDir {
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let made = fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)));
        made.map_err(|error| unusable("create", path, &error))?;
        // Jobs on the machine itself see paths of it, wherever they were started.
        let path = fs::canonicalize(path).map_err(|error| unusable("open", path, &error))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Two runners of one state would sweep each other's jobs.
    pub(super) fn lock(&self) -> Result<Lock, CliError> {
        let path = self.path.join(LOCK);
        let file = File::create(&path).map_err(|error| unusable("create", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => {
                let text = format!("another runner lives in {}", self.path.display());
                Err(CliError::invalid(text)
                    .with_help("give this one a directory of its own with --state-dir"))
            }
            Err(fs::TryLockError::Error(error)) => Err(unusable("lock", &path, &error)),
        }
    }

    /// Made once, by chance: two runners of one machine and one token are two to the server.
    pub(super) fn system_id(&self) -> Result<String, CliError> {
        let path = self.path.join(SYSTEM_ID);
        match fs::read_to_string(&path) {
            Ok(text) if is_system_id(text.trim()) => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable("read", &path, &error)),
        }
        let id = format!("r_{}", random(6)?);
        write(&path, &id).map_err(|error| unusable("write", &path, &error))?;
        Ok(id)
    }

    pub(super) fn remembered(&self) -> Result<Option<Remembered>, CliError> {
        let path = self.path.join(REGISTRATION);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable("read", &path, &error)),
        };
        let read = toml::from_str(&text).map(Some);
        // Not the parser's words: they quote the file, and so the token.
        read.map_err(|_| {
            CliError::invalid(format!("{} is damaged", path.display()))
                .with_help("remove it, and register again with `aqueduct runner register`")
        })
    }

    pub(super) fn remember(&self, remembered: &Remembered) -> Result<(), CliError> {
        let path = self.path.join(REGISTRATION);
        let text = toml::to_string(remembered).map_err(CliError::infrastructure)?;
        write(&path, &text).map_err(|error| unusable("write", &path, &error))
    }

    pub(super) fn forget(&self) -> Result<(), CliError> {
        let path = self.path.join(REGISTRATION);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(unusable("remove", &path, &error))
            }
            _ => Ok(()),
        }
    }
}

fn unusable(action: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::io(action, path, error)
        .with_exit(Exit::Infrastructure)
        .with_help("--state-dir names a folder that can be written")
}

fn is_system_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (3..=64).contains(&text.len()) && text.chars().all(plain)
}

/// Whole or not at all, and for nobody else to read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

/// `bytes` random bytes in hexadecimal digits.
pub(super) fn random(bytes: usize) -> Result<String, CliError> {
    use std::fmt::Write as _;
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(|error| {
        CliError::infrastructure(format!("the kernel has no randomness: {error}"))
    })?;
    Ok(buffer.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, StateDir) {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(&dir.path().join("runner")).unwrap();
        (dir, state)
    }

    #[test]
    fn a_runner_stays_who_it_is() {
        let (_dir, state) = state();
        let id = state.system_id().unwrap();
        assert!(id.starts_with("r_") && id.len() == 14, "{id}");
        assert_eq!(state.system_id().unwrap(), id);
        fs::write(state.path().join(SYSTEM_ID), "\u{1b}[0m\n").unwrap();
        assert_ne!(state.system_id().unwrap(), id);
    }

    #[test]
    fn one_runner_lives_in_a_directory() {
        let (_dir, state) = state();
        let lock = state.lock().unwrap();
        assert!(state.lock().unwrap_err().message.contains("another runner"));
        drop(lock);
        assert!(state.lock().is_ok());
    }

    #[test]
    fn a_registration_is_remembered_and_forgotten() {
        let (_dir, state) = state();
        assert_eq!(state.remembered().unwrap(), None);
        let remembered = Remembered {
            url: "http://ci.example".into(),
            token: "glrt-secret".into(),
        };
        state.remember(&remembered).unwrap();
        assert_eq!(state.remembered().unwrap(), Some(remembered));
        let path = state.path().join(REGISTRATION);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "token = \"glrt-secret").unwrap();
        let error = state.remembered().unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
        state.forget().unwrap();
        state.forget().unwrap();
        assert_eq!(state.remembered().unwrap(), None);
    }
}
