//! Variables of the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{api::runner::wire::or_default, lang::variables::LeasedVariable};

/// A variable.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// Value.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
    /// May stand where others of the machine or the cluster can read it, as in a pod's specification.
    #[serde(deserialize_with = "or_default")]
    pub public: bool,
    /// The job sees the path of a file that holds the value.
    #[serde(deserialize_with = "or_default")]
    pub file: bool,
    /// Hidden in the trace.
    #[serde(deserialize_with = "or_default")]
    pub masked: bool,
    /// Not expanded.
    #[serde(deserialize_with = "or_default")]
    pub raw: bool,
}

impl Variable {
    /// One that anybody may read, not expanded.
    pub fn plain(key: &str, value: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
            public: true,
            raw: true,
            ..Self::default()
        }
    }

    /// One that is hidden everywhere, not expanded: what a token must be, since no runner hides one by itself
    /// (runner-protocol 6.1).
    pub fn masked(key: &str, value: impl Into<String>) -> Self {
        Self {
            public: false,
            masked: true,
            ..Self::plain(key, value)
        }
    }
}

impl From<&LeasedVariable> for Variable {
    fn from(variable: &LeasedVariable) -> Self {
        Self {
            key: variable.key.clone(),
            value: variable.value.clone(),
            public: !variable.masked,
            file: variable.file,
            masked: variable.masked,
            raw: variable.raw,
        }
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.masked || !self.public;
        let value = if hidden { "[redacted]" } else { &self.value };
        write!(f, "{}={value:?}", self.key)?;
        let marks = [(self.file, " file"), (self.raw, " raw")];
        for (_, mark) in marks.iter().filter(|(set, _)| *set) {
            f.write_str(mark)?;
        }
        Ok(())
    }
}
