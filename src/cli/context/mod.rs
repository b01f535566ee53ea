//! Gathers everything from outside that decides which jobs a pipeline has.

mod env_file;
mod secrets;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use aqueduct_core::lang::context::{
    Context, ContextVariable, MergeRequest, PipelineSource, Project, RefKind, ZERO_SHA,
};

use crate::{
    args::{ContextArgs, Source},
    error::CliError,
    repo::{CommitInfo, RepoInfo, SourceTree},
};

/// A compilation's context and where its files come from.
pub(crate) struct Gathered {
    /// The context.
    pub(crate) context: Context,
    /// Where files are read.
    pub(crate) tree: SourceTree,
    /// The repository.
    pub(crate) repo: RepoInfo,
}

/// Asks Git, the command line, the environment and the variable files.
pub(crate) fn gather(dir: &Path, args: &ContextArgs) -> Result<Gathered, CliError> {
    let repo = RepoInfo::read(dir, args.commit.as_deref())?;
    let tree = source_tree(&repo, args);
    let (ref_kind, ref_name) = ref_of(&repo, args);
    let commit = repo.commit.as_ref();
    let changes = changed(&args.changed);
    let source = pipeline_source(args.source);
    let context = Context {
        ref_kind,
        // The local default branch stands in for the forge's list of protected branches.
        ref_protected: ref_kind == RefKind::Branch && ref_name == repo.default_branch,
        default_branch: repo.default_branch.clone(),
        sha: commit.map_or_else(|| ZERO_SHA.to_owned(), |commit| commit.sha.clone()),
        before_sha: before_sha(commit, ref_kind, source),
        source,
        commit: commit
            .map(|commit| commit.facts.clone())
            .unwrap_or_default(),
        project: project(&repo),
        config_path: String::new(),
        variables: variables(args)?,
        changes,
        compare_to: BTreeMap::new(),
        files: None,
        merge_request: merge_request(&repo, args, &ref_name),
        schedule_description: None,
        // Who starts a run by hand means it, whatever the last commit says.
        skip_markers: false,
        ref_name,
    };
    Ok(Gathered {
        context,
        tree,
        repo,
    })
}

fn source_tree(repo: &RepoInfo, args: &ContextArgs) -> SourceTree {
    let root = repo.root.clone();
    match (&args.commit, &repo.commit) {
        (Some(_), Some(commit)) => SourceTree::Commit {
            root,
            sha: commit.sha.clone(),
        },
        _ => SourceTree::Working { root },
    }
}

fn ref_of(repo: &RepoInfo, args: &ContextArgs) -> (RefKind, String) {
    match (&args.tag, &args.branch) {
        (Some(tag), _) => (RefKind::Tag, tag.clone()),
        (None, Some(branch)) => (RefKind::Branch, branch.clone()),
        (None, None) => {
            let branch = repo
                .branch
                .clone()
                .unwrap_or_else(|| repo.default_branch.clone());
            (RefKind::Branch, branch)
        }
    }
}

fn pipeline_source(source: Source) -> PipelineSource {
    PipelineSource::parse(source.as_str()).unwrap_or_default()
}

/// Only a push of a branch has a commit before it (pipeline-yaml section 18).
fn before_sha(commit: Option<&CommitInfo>, kind: RefKind, source: PipelineSource) -> String {
    commit
        .filter(|_| kind == RefKind::Branch && source == PipelineSource::Push)
        .and_then(|commit| commit.parent.clone())
        .unwrap_or_else(|| ZERO_SHA.to_owned())
}

fn project(repo: &RepoInfo) -> Project {
    Project {
        path: repo.project_path.clone(),
        title: String::new(),
        url: repo
            .remote
            .as_ref()
            .map(|remote| format!("https://{}/{}", remote.host, remote.path))
            .unwrap_or_default(),
        registry_image: String::new(),
    }
}

/// `--changed ''` alone says that there is a diff and that it is empty.
fn changed(files: &[String]) -> Option<Arc<[String]>> {
    if files.is_empty() {
        return None;
    }
    let mut named: Vec<String> = files
        .iter()
        .filter(|file| !file.is_empty())
        .cloned()
        .collect();
    named.sort_unstable();
    Some(named.into())
}

fn merge_request(repo: &RepoInfo, args: &ContextArgs, ref_name: &str) -> Option<MergeRequest> {
    (args.source == Source::MergeRequestEvent).then(|| MergeRequest {
        iid: 1,
        title: repo
            .commit
            .as_ref()
            .and_then(|commit| commit.facts.message.lines().next().map(str::to_owned))
            .unwrap_or_default(),
        source_branch: ref_name.to_owned(),
        target_branch: repo.default_branch.clone(),
        source_project_path: repo.project_path.clone(),
        ..MergeRequest::default()
    })
}

/// Project variables first (files, secrets), then those given for this pipeline alone.
fn variables(args: &ContextArgs) -> Result<Vec<ContextVariable>, CliError> {
    let mut out = Vec::new();
    for path in &args.env_file {
        let pairs = env_file::read(path)?;
        out.extend(
            pairs
                .into_iter()
                .map(|(key, value)| ContextVariable::project(key, value)),
        );
    }
    for name in &args.secret {
        out.push(ContextVariable::project(name, secrets::read(name)?).secret());
    }
    for (key, value) in &args.vars {
        if !is_name(key) {
            return Err(
                CliError::invalid(format!("--var {key}: not a variable name"))
                    .with_help("use letters, digits and `_`, not beginning with a digit"),
            );
        }
        out.push(ContextVariable::pipeline(key, value));
    }
    Ok(out)
}

/// Whether a shell can hold a variable of that name.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_changed_file_is_no_diff_and_an_empty_one_is_an_empty_diff() {
        assert_eq!(changed(&[]), None);
        assert_eq!(changed(&[String::new()]), Some(Arc::from([])));
        let both = ["b".to_owned(), "a".to_owned()];
        assert_eq!(
            changed(&both),
            Some(Arc::from(["a".to_owned(), "b".to_owned()]))
        );
    }

    #[test]
    fn names_a_shell_can_hold() {
        assert!(is_name("_A1"));
        for text in ["", "1A", "A-B", "É"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
