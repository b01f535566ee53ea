//! The refs that keep the commits of pipelines.

use std::fmt::Write as _;

use aqueduct_core::id::PipelineId;
use git2::Repository;

/// Where they stand.
const PIPELINES: &str = "refs/pipelines/";

/// The ref of a pipeline.
pub(crate) fn name(pipeline: PipelineId) -> String {
    format!("{PIPELINES}{pipeline}")
}

/// Commands for `git update-ref --stdin -z` that set or, without a commit, remove refs of pipelines.
pub(crate) fn commands<'a>(
    changes: impl IntoIterator<Item = (PipelineId, Option<&'a str>)>,
) -> String {
    let mut text = String::new();
    for (pipeline, sha) in changes {
        let name = name(pipeline);
        // Writing to a String can't fail.
        let _ = match sha {
            Some(sha) => write!(text, "update {name}\0{sha}\0\0"),
            None => write!(text, "delete {name}\0\0"),
        };
    }
    text
}

/// The pipelines whose commits are kept, each with its commit, in ascending order.
pub(crate) fn kept(repo: &Repository) -> Result<Vec<(PipelineId, String)>, git2::Error> {
    let mut kept = Vec::new();
    for found in repo.references_glob(&format!("{PIPELINES}*"))? {
        let found = found?;
        let number = found
            .name()
            .ok()
            .and_then(|name| name.strip_prefix(PIPELINES)?.parse().ok());
        if let (Some(number), Some(target)) = (number, found.target()) {
            kept.push((PipelineId(number), target.to_string()));
        }
    }
    kept.sort_unstable();
    Ok(kept)
}

/// Whether the ref of that full name leads to the commit.
pub(crate) fn leads_to(repo: &Repository, name: &str, sha: &str) -> bool {
    let found = repo.find_reference(name);
    let commit = found.and_then(|found| found.peel_to_commit());
    commit.is_ok_and(|commit| commit.id().to_string() == sha)
}

/// Whether there is a ref of that full name.
pub(crate) fn is_there(repo: &Repository, name: &str) -> bool {
    repo.find_reference(name).is_ok()
}

/// The commits that branches and tags lead to.
pub(crate) fn tips(repo: &Repository) -> Result<Vec<String>, git2::Error> {
    let mut tips = Vec::new();
    for found in repo.references()? {
        let found = found?;
        // A tag may lead to something that is no commit.
        let commit = if found.is_tag() {
            found.peel_to_commit().ok().map(|commit| commit.id())
        } else {
            found.target()
        };
        tips.extend(commit.map(|id| id.to_string()));
    }
    Ok(tips)
}
