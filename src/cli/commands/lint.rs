//! `aqueduct lint`.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use aqueduct_core::diag::{LintReport, ReportItem};

use crate::{
    args::LintArgs,
    compile,
    error::CliError,
    exit::Exit,
    output,
    repo::{RepoInfo, SourceTree},
};

/// Checks each file, says everything that is wrong, exits 2 if anything is.
pub(crate) fn lint(args: &LintArgs) -> Result<Exit, CliError> {
    let mut whole = LintReport {
        valid: true,
        ..LintReport::default()
    };
    for file in files(args)? {
        let report = check(&file, !args.json)?;
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

/// A file is checked in the repository it lies in, since its includes are relative to that.
fn check(file: &Path, show: bool) -> Result<LintReport, CliError> {
    let stdin = file == Path::new("-");
    let folder = match file.parent() {
        Some(parent) if !stdin && !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let repo = RepoInfo::read(folder, None).unwrap_or_else(|_| RepoInfo::without_git(folder));
    let tree = SourceTree::Working {
        root: repo.root.clone(),
    };
    let (entry, bytes) = if stdin {
        ("-".to_owned(), read_stdin()?)
    } else {
        let bytes = std::fs::read(file).map_err(|error| CliError::io("read", file, &error))?;
        (compile::from_root(&repo.root, file), bytes)
    };
    let (diagnostics, sources) = compile::lint(&tree, &entry, Some(bytes))?;
    if show {
        compile::show(&diagnostics, &sources);
    }
    let report = LintReport::new(&diagnostics, &sources);
    Ok(as_given(report, &entry, file))
}

/// The file is called what the user called it.
fn as_given(mut report: LintReport, entry: &str, file: &Path) -> LintReport {
    let rename = |item: &mut ReportItem| {
        if item.file.as_deref() == Some(entry) {
            item.file = Some(file.to_string_lossy().into_owned());
        }
    };
    report.errors.iter_mut().for_each(rename);
    report.warnings.iter_mut().for_each(rename);
    report
}

fn read_stdin() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::infrastructure(format!("can't read standard input: {error}")))?;
    Ok(bytes)
}

fn verdict(report: &LintReport) -> String {
    let count = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
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
