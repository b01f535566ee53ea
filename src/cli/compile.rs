//! Finds the pipeline file, fetches what compilation asks for, and shows its diagnostics.

use std::path::{Path, PathBuf};

use aqueduct_core::{
    diag::{Diagnostics, SourceMap},
    lang::{
        self, CompileRequest, Compiled, ENTRIES, Found, SourceRequest, Sources,
        context::{Context, ContextVariable},
    },
    plan::Plan,
};

use crate::{
    args::ContextArgs,
    context::{self, Gathered},
    error::CliError,
    output, render,
    repo::{RepoInfo, SourceTree},
};

/// A compiled pipeline and where it came from.
pub(crate) struct Pipeline {
    /// The plan, if there were no errors.
    pub(crate) plan: Option<Plan>,
    /// Everything that was found.
    pub(crate) diagnostics: Diagnostics,
    /// The files that were read.
    pub(crate) sources: SourceMap,
    /// The repository.
    pub(crate) repo: RepoInfo,
    /// Variables from outside the file.
    pub(crate) variables: Vec<ContextVariable>,
}

/// Compiles the pipeline of the repository around `dir`.
pub(crate) fn pipeline(dir: &Path, args: &ContextArgs) -> Result<Pipeline, CliError> {
    let Gathered {
        mut context,
        tree,
        repo,
    } = context::gather(dir, args)?;
    let entry = entry(&tree, &repo, args.file.as_deref())?;
    context.config_path.clone_from(&entry);
    let inputs = args.inputs.iter().cloned().collect();
    let mut request = CompileRequest {
        entry,
        inputs,
        context,
    };
    let mut sources = Sources::new();
    loop {
        match lang::compile(&request, &sources) {
            Compiled::Need(wanted) => fetch(&tree, wanted, &mut request.context, &mut sources)?,
            Compiled::Done(done) => {
                return Ok(Pipeline {
                    plan: done.plan,
                    diagnostics: done.diagnostics,
                    sources: done.sources,
                    repo,
                    variables: request.context.variables,
                });
            }
        }
    }
}

/// Checks one file by itself: the rules of the language that need no context.
pub(crate) fn lint(
    tree: &SourceTree,
    entry: &str,
    bytes: Vec<u8>,
    inputs: &[(String, String)],
) -> Result<(Diagnostics, SourceMap), CliError> {
    let mut context = Context::branch("main");
    context.files = None;
    entry.clone_into(&mut context.config_path);
    let mut request = CompileRequest {
        entry: entry.to_owned(),
        inputs: inputs.iter().cloned().collect(),
        context,
    };
    let mut sources = Sources::new();
    sources.insert(SourceRequest::Local(entry.to_owned()), Some(bytes));
    loop {
        match lang::lint(&request, &sources) {
            Compiled::Need(wanted) => fetch(tree, wanted, &mut request.context, &mut sources)?,
            Compiled::Done(done) => return Ok((done.diagnostics, done.sources)),
        }
    }
}

/// The pipeline file's path from the root.
pub(crate) fn entry(
    tree: &SourceTree,
    repo: &RepoInfo,
    named: Option<&Path>,
) -> Result<String, CliError> {
    if let Some(path) = named {
        let relative = from_root(&repo.root, path);
        return match tree.read(&relative)? {
            Some(_) => Ok(relative),
            None => Err(
                CliError::invalid(format!("there is no file {}", path.display()))
                    .with_help("--file names a file of this repository"),
            ),
        };
    }
    for name in ENTRIES {
        if tree.read(name)?.is_some() {
            return Ok(name.to_owned());
        }
    }
    Err(CliError::invalid(format!(
        "there is no pipeline file in {}",
        std::path::absolute(&repo.root)
            .unwrap_or_else(|_| repo.root.clone())
            .display()
    ))
    .with_help(format!(
        "write a {} or a {}, or name one with --file",
        ENTRIES[0], ENTRIES[1]
    )))
}

/// `path`, given relative to the current directory, as a path from the root.
pub(crate) fn from_root(root: &Path, path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let parent = absolute
        .parent()
        .and_then(|parent| parent.canonicalize().ok());
    let resolved = match (parent, absolute.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => absolute,
    };
    resolved
        .strip_prefix(&root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

fn fetch(
    tree: &SourceTree,
    wanted: Vec<SourceRequest>,
    context: &mut Context,
    sources: &mut Sources,
) -> Result<(), CliError> {
    for request in wanted {
        let file = |bytes: Option<Vec<u8>>| bytes.map_or(Found::Nothing, Found::File);
        let found = match &request {
            SourceRequest::Files => Found::Paths(tree.list()?),
            SourceRequest::Local(path) => file(tree.read(path)?),
            SourceRequest::Template(name) => {
                file(lang::template(name).map(|text| text.as_bytes().to_vec()))
            }
            // Who says what changed (`--changed`) says it for every comparison.
            SourceRequest::Changes(name) => match &context.changes {
                Some(given) => Found::Paths(given.to_vec()),
                None => tree
                    .changed_since(name)?
                    .map_or(Found::Nothing, Found::Paths),
            },
        };
        lang::supply(request, found, context, sources);
    }
    Ok(())
}

/// Shows diagnostics on standard error.
pub(crate) fn show(diagnostics: &Diagnostics, sources: &SourceMap) {
    let drawn = render::diagnostics(diagnostics.iter(), sources, render::stderr_color());
    if !drawn.is_empty() {
        output::note(&drawn);
    }
}
