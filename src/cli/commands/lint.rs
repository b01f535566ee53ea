//! `aqueduct lint`.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use aqueduct_core::diag::{Diagnostics, LintReport, ReportItem};

use crate::{
    args::LintArgs,
    compile,
    error::CliError,
    exit::Exit,
    output, render,
    repo::{RepoInfo, SourceTree, read_bounded},
};

/// Checks each file, says everything that is wrong, exits 2 if anything is.
pub(crate) fn lint(args: &LintArgs) -> Result<Exit, CliError> {
    super::reported(args.json, check_all(args))
}

fn check_all(args: &LintArgs) -> Result<Exit, CliError> {
    let mut whole = LintReport {
        valid: true,
        ..LintReport::default()
    };
    for file in files(args)? {
        let report = match read(&file) {
            Ok(bytes) => check(&file, bytes, args)?,
            Err(error) => unreadable(&file, &error, args),
        };
        whole.valid &= report.valid;
        whole.errors.extend(report.errors);
        whole.warnings.extend(report.warnings);
    }
    if args.json {
        output::json_line(&whole)?;
    } else {
        output::note(&verdict(&whole));
    }
    Ok(if whole.valid {
        Exit::Success
    } else {
        Exit::Invalid
    })
}

fn files(args: &LintArgs) -> Result<Vec<PathBuf>, CliError> {
    if !args.files.is_empty() {
        return Ok(args.files.clone());
    }
    let repo = RepoInfo::read(Path::new("."), None)?;
    let tree = SourceTree::Working {
        root: repo.root.clone(),
    };
    let entry = compile::entry(&tree, &repo, None)?;
    Ok(vec![repo.root.join(entry)])
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if is_stdin(file) {
        return read_bounded(io::stdin().lock());
    }
    read_bounded(File::open(file)?)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// A file that can't be read is a finding like any other: the other files are checked all the same.
fn unreadable(file: &Path, error: &io::Error, args: &LintArgs) -> LintReport {
    let shown = file.to_string_lossy();
    let (message, help) = match error.kind() {
        io::ErrorKind::IsADirectory => (
            format!("{shown} is a directory"),
            "name a pipeline file; `aqueduct -C DIR lint` checks the one that lies in a directory",
        ),
        io::ErrorKind::NotFound => (
            format!("there is no file {shown}"),
            "without a name the pipeline file of this directory is checked",
        ),
        _ => (
            format!("can't read {shown}: {error}"),
            "name a file that can be read",
        ),
    };
    let problem = CliError::invalid(message).with_help(help);
    if !args.json {
        render::error(&problem);
    }
    LintReport {
        valid: false,
        errors: vec![ReportItem {
            file: Some(shown.into_owned()),
            ..problem.to_report_item()
        }],
        warnings: Vec::new(),
    }
}

/// A file is checked in the repository it lies in, since its includes are relative to that.
fn check(file: &Path, bytes: Vec<u8>, args: &LintArgs) -> Result<LintReport, CliError> {
    let stdin = is_stdin(file);
    let folder = match file.parent() {
        Some(parent) if !stdin && !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let repo = RepoInfo::read(folder, None).unwrap_or_else(|_| RepoInfo::without_git(folder));
    let tree = SourceTree::Working {
        root: repo.root.clone(),
    };
    let entry = if stdin {
        "-".to_owned()
    } else {
        compile::from_root(&repo.root, file)
    };
    let (diagnostics, mut sources) = compile::lint(&tree, &entry, bytes, &args.inputs)?;
    if args.json || !args.files.is_empty() {
        sources.rename(&entry, &file.to_string_lossy());
    }
    if !args.json {
        compile::show(&diagnostics, &sources);
    }
    Ok(LintReport::new(&diagnostics, &sources))
}

fn verdict(report: &LintReport) -> String {
    let count = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        // Past that nobody looked any more.
        _ if count >= Diagnostics::LIMIT => format!("{count} or more {noun}s"),
        _ => format!("{count} {noun}s"),
    };
    match (report.errors.len(), report.warnings.len()) {
        (0, 0) => "valid".to_owned(),
        (0, warnings) => format!("valid, with {}", count(warnings, "warning")),
        (errors, 0) => format!("invalid: {}", count(errors, "error")),
        (errors, warnings) => format!(
            "invalid: {} and {}",
            count(errors, "error"),
            count(warnings, "warning")
        ),
    }
}
