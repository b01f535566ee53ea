//! `aqueduct doctor`: what this machine can run, and what to do about the rest.

mod checks;

use std::fmt::Write as _;

use serde::Serialize;

use crate::{args::DoctorArgs, error::CliError, exit::Exit, output};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// Stable name.
    name: &'static str,
    /// How it is.
    status: Status,
    /// What was found.
    found: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// As it should be.
    Ok,
    /// Something can't be used.
    Limited,
    /// Nothing runs without it.
    Missing,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            found: found.into(),
            hint: None,
        }
    }

    fn limited(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Limited,
            found: found.into(),
            hint: Some(hint.into()),
        }
    }

    fn missing(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: Status::Missing,
            ..Self::limited(name, found, hint)
        }
    }
}

/// Runs every check; exit 3 if something without which nothing runs is missing.
pub(crate) fn run(args: &DoctorArgs) -> Result<Exit, CliError> {
    let checks = checks::all();
    if args.json {
        output::json_line(&serde_json::json!({ "checks": checks }))?;
    } else {
        output::text(&table(&checks))?;
    }
    let missing = checks.iter().any(|check| check.status == Status::Missing);
    Ok(if missing {
        Exit::Infrastructure
    } else {
        Exit::Success
    })
}

fn table(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    checks.iter().fold(String::new(), |mut out, check| {
        let mark = match check.status {
            Status::Ok => "ok     ",
            Status::Limited => "limited",
            Status::Missing => "missing",
        };
        // Writing to a String can't fail.
        let _ = writeln!(out, "{mark}  {:width$}  {}", check.name, check.found);
        if let Some(hint) = &check.hint {
            let _ = writeln!(out, "{:7}  {:width$}  -> {hint}", "", "");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_under_its_check() {
        let checks = [
            Check::ok("git", "git version 2.39.5"),
            Check::limited(
                "arm64",
                "not registered",
                "apt-get install qemu-user-static",
            ),
        ];
        insta::assert_snapshot!(table(&checks));
    }
}
