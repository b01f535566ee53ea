//! The variables of a job when it is leased, and when its runner starts it.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::{
    ExpansionError,
    resolve::{Lookup, Mode, Resolver, Source},
};
use crate::plan::{PlanVariable, VariableOrigin};

/// What becomes known only when a job is leased.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// `CI_JOB_ID`, `CI_PIPELINE_ID` and their like; as low as the predefined ones.
    pub persisted: &'a [(String, String)],
    /// From dotenv reports of needed jobs: above the file's variables, below the project's.
    pub dotenv: &'a [(String, String)],
    /// Values of secret variables by name.
    pub secrets: Option<&'a BTreeMap<String, String>>,
}

/// A variable of a leased job.
#[derive(Clone, PartialEq, Eq)]
pub struct LeasedVariable {
    /// Name.
    pub key: String,
    /// Value; references to what only the runner knows, and `$$`, are still in it.
    pub value: String,
    /// Where it comes from.
    pub origin: VariableOrigin,
    /// The runner must not expand it.
    pub raw: bool,
    /// Handed over as a file whose path is the variable.
    pub file: bool,
    /// Masked in the trace.
    pub masked: bool,
}

impl std::fmt::Debug for LeasedVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.masked {
            "[redacted]"
        } else {
            &self.value
        };
        write!(f, "{}={value:?} ({:?})", self.key, self.origin)
    }
}

/// Why a job's variables can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Secrets that the plan names have no value.
    #[error("no value for {}", .0.join(", "))]
    MissingSecrets(Vec<String>),
    /// They can't be expanded.
    #[error(transparent)]
    Expansion(#[from] ExpansionError),
}

/// Merges the plan's variables of a job with what is known now and expands references among them. One entry a name,
/// lowest precedence first.
///
/// # Errors
///
/// Secrets without a value, and variables that dotenv reports or persisted ones have closed to a circle.
pub fn at_lease<'p>(
    plan: impl IntoIterator<Item = &'p PlanVariable>,
    known: Known<'_>,
) -> Result<Vec<LeasedVariable>, LeaseError> {
    let mut merged = Merged::default();
    for (key, value) in known.persisted {
        merged.add(plain(key, value, VariableOrigin::Predefined));
    }
    let mut missing = Vec::new();
    for variable in plan {
        let secret = known
            .secrets
            .and_then(|secrets| secrets.get(&*variable.key));
        if variable.secret && secret.is_none() {
            missing.push(variable.key.to_string());
        }
        merged.add(LeasedVariable {
            key: variable.key.to_string(),
            value: match secret {
                Some(secret) if variable.secret => secret.clone(),
                _ => variable.value.to_string(),
            },
            origin: variable.origin,
            raw: variable.raw,
            file: variable.file,
            masked: variable.secret,
        });
    }
    if !missing.is_empty() {
        return Err(LeaseError::MissingSecrets(missing));
    }
    for (key, value) in known.dotenv {
        merged.add(plain(key, value, VariableOrigin::Dotenv));
    }
    Ok(merged.expand()?)
}

fn plain(key: &str, value: &str, origin: VariableOrigin) -> LeasedVariable {
    LeasedVariable {
        key: key.to_owned(),
        value: value.to_owned(),
        origin,
        raw: false,
        file: false,
        masked: false,
    }
}

/// One variable a name: the one of the highest origin, the last of several.
#[derive(Default)]
struct Merged(IndexMap<String, LeasedVariable>);

impl Merged {
    fn add(&mut self, variable: LeasedVariable) {
        match self.0.get_mut(&variable.key) {
            Some(present) if present.origin > variable.origin => {}
            Some(present) => *present = variable,
            None => {
                self.0.insert(variable.key.clone(), variable);
            }
        }
    }

    fn expand(self) -> Result<Vec<LeasedVariable>, ExpansionError> {
        let resolver = Resolver::new(Mode::Lease);
        let mut done = Vec::with_capacity(self.0.len());
        for (key, variable) in &self.0 {
            let mut variable = variable.clone();
            if let Some(resolved) = resolver.variable(key, &self)? {
                variable.value.clone_from(&resolved.value);
            }
            done.push(variable);
        }
        done.sort_by_key(|variable| variable.origin);
        Ok(done)
    }
}

impl Lookup for Merged {
    fn find(&self, name: &str) -> Option<Source<'_>> {
        self.0.get(name).map(|variable| Source {
            value: &variable.value,
            raw: variable.raw,
            file: variable.file,
            secret: variable.masked,
        })
    }
}

/// A variable as the runner has it before the last expansion.
#[derive(Clone, Copy, Debug)]
pub struct RunnerVariable<'a> {
    /// Name.
    pub key: &'a str,
    /// Value; of a file variable, the path.
    pub value: &'a str,
    /// Not to be expanded; also right for the path of a file variable.
    pub raw: bool,
}

/// The last expansion, with what only the runner knows among the variables: unknown names become empty, `$$` a dollar.
/// The last of several of one name counts. A value that can't be expanded stays as it is.
pub fn expand_all_runner(variables: &[RunnerVariable<'_>]) -> IndexMap<String, String> {
    let runner = Resolver::new(Mode::Runner);
    let table = Table(
        variables
            .iter()
            .map(|variable| (variable.key, *variable))
            .collect(),
    );
    let expand = |variable: &RunnerVariable<'_>| match runner.variable(variable.key, &table) {
        Ok(Some(resolved)) => resolved.value.clone(),
        _ => variable.value.to_owned(),
    };
    table
        .0
        .values()
        .map(|variable| (variable.key.to_owned(), expand(variable)))
        .collect()
}

struct Table<'a>(IndexMap<&'a str, RunnerVariable<'a>>);

impl Lookup for Table<'_> {
    fn find(&self, name: &str) -> Option<Source<'_>> {
        self.0.get(name).map(|variable| Source {
            value: variable.value,
            raw: variable.raw,
            file: false,
            secret: false,
        })
    }
}
