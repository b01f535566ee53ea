//! Calls of cargo, and the test programs it builds.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    error::{At, Error, Result},
    stage::{Count, say},
};

/// The cargo that started this program.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let mut command = Command::new(program());
    command.args(["metadata", "--no-deps", "--format-version=1", "--offline"]);
    let output = command.current_dir(root()).output().at(program())?;
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let directory = metadata["target_directory"].as_str().map(PathBuf::from);
    directory.ok_or_else(|| Error::Command("cargo metadata".into()))
}

/// Runs cargo in the workspace with its output shown; `true` if it succeeds.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    let status = Command::new(program())
        .args(arguments)
        .current_dir(root())
        .status()
        .at(program())?;
    Ok(status.success())
}

/// A test program that cargo built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestProgram {
    /// Package it belongs to.
    pub(crate) package: String,
    /// Name of the target: the crate's or the integration test's.
    pub(crate) target: String,
    executable: PathBuf,
    directory: PathBuf,
}

/// Builds every test program of the workspace in one go: selecting packages would build
/// dependencies anew with other features.
pub(crate) fn build_tests() -> Result<Vec<TestProgram>> {
    let mut child = Command::new(program())
        .args(["test", "--workspace", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .at(program())?;
    let mut programs = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            programs.extend(test_program(&line.at(program())?));
        }
    }
    if !child.wait().at(program())?.success() {
        return Err(Error::Command("cargo test --no-run".into()));
    }
    Ok(programs)
}

fn test_program(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let manifest = Path::new(message["manifest_path"].as_str()?);
    Some(TestProgram {
        package: package_name(message["package_id"].as_str()?)?,
        target: message["target"]["name"].as_str()?.to_owned(),
        executable: message["executable"].as_str()?.into(),
        directory: manifest.parent()?.to_owned(),
    })
}

/// `path+file:///somewhere#name@1.0`, or `…/name#1.0` where directory and package share the name.
fn package_name(id: &str) -> Option<String> {
    let (url, fragment) = id.split_once('#')?;
    let name = fragment.split_once('@').map(|(name, _)| name);
    name.or_else(|| url.rsplit('/').next()).map(str::to_owned)
}

impl TestProgram {
    /// Runs it as `cargo test` would and counts its results; what it prints is shown.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Count> {
        let mut child = Command::new(&self.executable)
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO", program())
            .env("CARGO_MANIFEST_DIR", &self.directory)
            .env("CARGO_PKG_NAME", &self.package)
            .stdout(Stdio::piped())
            .spawn()
            .at(&self.executable)?;
        let mut text = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut text).at(&self.executable)?;
        }
        let succeeded = child.wait().at(&self.executable)?.success();
        let count = count(&text);
        let name = format!("{} {}", self.package, self.target);
        if succeeded && count.failed == 0 {
            if count.passed > 0 {
                say(&format!("   {name}: {} passed", count.passed));
            }
            return Ok(count);
        }
        say(&format!("   {name}:\n{text}"));
        // A program that died without a result line is a failure as well.
        let failed = count.failed.max(1);
        Ok(Count { failed, ..count })
    }
}

/// Reads libtest's result lines: `test result: ok. 12 passed; 0 failed; 1 ignored; …`.
fn count(text: &str) -> Count {
    let results = text
        .lines()
        .filter_map(|line| line.strip_prefix("test result: "));
    results.fold(Count::default(), |sum, line| {
        let number = |word: &str| {
            let before = line.split_once(word).map_or("", |(before, _)| before);
            let digits = before.trim_end().rsplit([' ', '.']).next();
            digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
        };
        sum.plus(Count {
            passed: number("passed"),
            failed: number("failed"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let text = "\nrunning 2 tests\n..\ntest result: ok. 12 passed; 0 failed; 1 ignored;\n\
                    test result: FAILED. 3 passed; 2 failed; 0 ignored; finished in 0.1s\n";
        assert_eq!(
            count(text),
            Count {
                passed: 15,
                failed: 2
            }
        );
        assert_eq!(count("Segmentation fault"), Count::default());
    }

    #[test]
    fn package_ids_of_both_forms() {
        let (long, short) = (
            "path+file:///a/src/core#aqueduct-core@0.1.0",
            "path+file:///a/aqueduct#0.1.0",
        );
        assert_eq!(package_name(long).as_deref(), Some("aqueduct-core"));
        assert_eq!(package_name(short).as_deref(), Some("aqueduct"));
    }

    #[test]
    fn only_test_programs_are_taken() {
        let build = r#"{"reason":"compiler-artifact","profile":{"test":false},"executable":null}"#;
        assert_eq!(test_program(build), None);
        assert_eq!(test_program("not JSON"), None);
        let test = r#"{"reason":"compiler-artifact","profile":{"test":true},
            "package_id":"path+file:///w/src/core#aqueduct-core@0.1.0",
            "manifest_path":"/w/src/core/Cargo.toml","target":{"name":"aqueduct_core"},
            "executable":"/t/debug/deps/aqueduct_core-1"}"#;
        let program = test_program(test).unwrap();
        assert_eq!(
            (program.package.as_str(), program.target.as_str()),
            ("aqueduct-core", "aqueduct_core")
        );
        assert_eq!(program.directory, Path::new("/w/src/core"));
    }
}
