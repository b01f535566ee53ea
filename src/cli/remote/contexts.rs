//! Coordinators that a person works with, remembered in the user's settings directory.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use aqueduct_core::{api::runner::Secret, diag::did_you_mean};
use serde::{Deserialize, Serialize};

use super::choice::{address, token_of};
use crate::{args::ContextAddArgs, dirs, error::CliError};

/// In the settings directory; for nobody else to read, since it holds tokens.
const FILE: &str = "contexts.toml";

/// A coordinator, and the token that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// Its address.
    pub(crate) url: String,
    /// An access token.
    pub(crate) token: Secret,
    /// Certificates to trust besides the system's, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_ca_file: Option<PathBuf>,
}

/// All that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

impl Context {
    /// What `context add` is told.
    pub(crate) fn new(args: &ContextAddArgs) -> Result<Self, CliError> {
        address(&args.url)?;
        let ca_file = args.tls_ca_file.as_deref();
        let ca_file = ca_file.map(|path| {
            std::path::absolute(path).map_err(|error| CliError::io("find", path, &error))
        });
        Ok(Self {
            url: args.url.trim_end_matches('/').to_owned(),
            token: token_of(&args.token_file)?,
            tls_ca_file: ca_file.transpose()?,
        })
    }
}

impl Contexts {
    /// What is remembered; nothing, where nothing ever was.
    pub(crate) fn load() -> Result<Self, CliError> {
        file().map_or_else(|| Ok(Self::default()), |path| read(&path))
    }

    /// Remembers it.
    pub(crate) fn save(&self) -> Result<(), CliError> {
        let path = file().ok_or_else(|| {
            CliError::invalid("there is no settings directory")
                .with_help("let HOME or XDG_CONFIG_HOME name a folder of your own")
        })?;
        let text = toml::to_string(self).map_err(CliError::infrastructure)?;
        write(&path, &text).map_err(|error| {
            CliError::io("write", &path, &error)
                .with_help("let HOME or XDG_CONFIG_HOME name a folder that can be written")
        })
    }

    /// All, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.contexts.iter().map(|(name, one)| (name.as_str(), one))
    }

    /// The name of the one in use.
    pub(crate) fn current_name(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// The one in use.
    pub(crate) fn current(&self) -> Result<Option<&Context>, CliError> {
        self.current_name().map(|name| self.get(name)).transpose()
    }

    /// One by its name.
    pub(crate) fn get(&self, name: &str) -> Result<&Context, CliError> {
        self.contexts.get(name).ok_or_else(|| {
            let near = did_you_mean(name, self.contexts.keys().map(String::as_str));
            let help = near.map_or_else(
                || "`aqueduct context list` shows those that are known".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            CliError::invalid(format!("there is no context '{name}'")).with_help(help)
        })
    }

    /// Adds one or replaces the one of that name; the first is in use.
    pub(crate) fn add(&mut self, name: &str, context: Context) -> Result<(), CliError> {
        if name.is_empty() || name.len() > 100 || name.contains(char::is_control) {
            return Err(CliError::invalid(
                "a context's name has 1 to 100 characters",
            ));
        }
        self.contexts.insert(name.to_owned(), context);
        self.current.get_or_insert_with(|| name.to_owned());
        Ok(())
    }

    /// Uses that one from now on.
    pub(crate) fn select(&mut self, name: &str) -> Result<(), CliError> {
        self.get(name)?;
        self.current = Some(name.to_owned());
        Ok(())
    }

    /// Forgets one.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), CliError> {
        self.get(name)?;
        self.contexts.remove(name);
        self.current.take_if(|current| current == name);
        Ok(())
    }
}

fn file() -> Option<PathBuf> {
    Some(dirs::config_home()?.join("aqueduct").join(FILE))
}

fn read(path: &Path) -> Result<Contexts, CliError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contexts::default()),
        Err(error) => {
            return Err(CliError::io("read", path, &error)
                .with_help("let HOME or XDG_CONFIG_HOME name a folder of your own"));
        }
    };
    // Not the parser's words: they quote the file, and so a token.
    toml::from_str(&text).map_err(|_| {
        CliError::invalid(format!("{} is damaged", path.display()))
            .with_help("remove it, and add the contexts again with `aqueduct context add`")
    })
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let partial = path.with_extension("partial");
    // One that is left over may have another mode.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut open = fs::File::options();
    let mut file = open
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn contexts_come_and_go_in_a_file_of_ones_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aqueduct").join(FILE);
        let mut contexts = read(&path).unwrap();
        for name in ["home", "work"] {
            let context = Context {
                url: format!("http://{name}"),
                token: "aqa-secret".into(),
                tls_ca_file: None,
            };
            contexts.add(name, context).unwrap();
        }
        assert_eq!(contexts.current_name(), Some("home"));
        contexts.select("work").unwrap();
        let text = toml::to_string(&contexts).unwrap();
        write(&path, &text).unwrap();
        write(&path, &text).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), contexts);
        contexts.remove("work").unwrap();
        assert_eq!(contexts.current_name(), None);
        let error = contexts.select("hmoe").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `home`?"));
    }

    #[test]
    fn a_damaged_file_is_named_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        fs::write(&path, "token = \"aqa-secret").unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            error.message.ends_with("contexts.toml is damaged"),
            "{error}"
        );
    }
}
