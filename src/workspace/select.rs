//! Finds what a selection names in a working copy and copies it elsewhere.
//!
//! Links are kept as links and never followed, but for a pattern that itself goes through one (`build/*.log` where `build` is
//! a link): then only if it leads to a place inside of the working copy.

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use aqueduct_ports::workspace::{Selected, Selection};
use globset::GlobMatcher;
use walkdir::WalkDir;

use crate::{
    error::{Result, failed},
    pattern::{Pattern, matcher},
    tree::{copy_entry, restore_dir_times},
};

/// What was found, relative to the working copy, parents before their children.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) paths: BTreeSet<PathBuf>,
    pub(crate) summary: Selected,
}

/// Looks for the selection below `root`; `tracked` says what `untracked` leaves out.
pub(crate) fn find(
    root: &Path,
    selection: &Selection,
    tracked: &HashSet<PathBuf>,
) -> Result<Found> {
    let root = fs::canonicalize(root).map_err(failed("open", root))?;
    let mut found = Found::default();
    let excludes = compile_excludes(&selection.exclude, &mut found.summary);
    for text in &selection.paths {
        let matches = match Pattern::parse(text) {
            Ok(pattern) => matches_of(&root, &pattern, &mut found.summary.refused),
            Err(reason) => {
                found.summary.refused.push(reason);
                Vec::new()
            }
        };
        let kept: Vec<PathBuf> = matches
            .into_iter()
            .filter(|path| !is_excluded(path, &excludes))
            .collect();
        found
            .summary
            .patterns
            .push((text.clone(), kept.len() as u64));
        found.paths.extend(kept);
    }
    if selection.untracked {
        add_untracked(&root, tracked, &excludes, &mut found);
    }
    Ok(found)
}

/// Copies what was found from `root` into the existing directory `into`; answers the summary with counts and bytes.
pub(crate) fn copy_found(root: &Path, found: Found, into: &Path) -> Result<Selected> {
    let mut summary = found.summary;
    let mut dirs = Vec::new();
    for path in &found.paths {
        let (from, to) = (root.join(path), into.join(path));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        let Some(bytes) = copy_entry(&from, &to)? else {
            continue;
        };
        summary.entries += 1;
        summary.bytes += bytes;
        if fs::symlink_metadata(&to).is_ok_and(|meta| meta.is_dir()) {
            dirs.push((from, to));
        }
    }
    restore_dir_times(&dirs);
    Ok(summary)
}

fn compile_excludes(texts: &[String], summary: &mut Selected) -> Vec<GlobMatcher> {
    let mut compiled = Vec::new();
    for text in texts {
        match matcher(text) {
            Ok(glob) => compiled.push(glob),
            Err(reason) => summary.refused.push(reason),
        }
    }
    compiled
}

fn is_excluded(path: &Path, excludes: &[GlobMatcher]) -> bool {
    excludes.iter().any(|glob| glob.is_match(path))
}

/// Everything the pattern matches, and everything below the directories it matches.
fn matches_of(root: &Path, pattern: &Pattern, refused: &mut Vec<String>) -> Vec<PathBuf> {
    let start = root.join(&pattern.base);
    // A plain path that is a link stands for the link; its parents, and a base with a glob behind it, are looked through.
    let through = if pattern.glob.is_some() {
        Some(start.as_path())
    } else if pattern.base.as_os_str().is_empty() {
        None
    } else {
        start.parent()
    };
    match through.map(fs::canonicalize) {
        Some(Err(_)) => return Vec::new(),
        Some(Ok(real)) if !real.starts_with(root) => {
            refused.push(format!(
                "{}: the link leads out of the project's directory",
                pattern.base.display()
            ));
            return Vec::new();
        }
        _ => {}
    }
    walk(root, &start, pattern)
}

fn walk(root: &Path, start: &Path, pattern: &Pattern) -> Vec<PathBuf> {
    let mut matches = Vec::new();
    let mut inside: Option<PathBuf> = None;
    let entries = WalkDir::new(start)
        .follow_links(false)
        .follow_root_links(pattern.glob.is_some())
        .sort_by_file_name();
    // What can't be read isn't there for us: the count and the warning tell.
    for entry in entries.into_iter().flatten() {
        let Ok(path) = entry.path().strip_prefix(root) else {
            continue;
        };
        let below = inside.as_ref().is_some_and(|dir| path.starts_with(dir));
        let named = pattern.glob.as_ref().is_none_or(|glob| glob.is_match(path));
        if !below && !named {
            continue;
        }
        if !below && entry.file_type().is_dir() {
            inside = Some(path.to_path_buf());
        }
        if !path.as_os_str().is_empty() {
            matches.push(path.to_path_buf());
        }
    }
    matches
}

/// Files and links that git doesn't track, `.git` apart.
fn add_untracked(
    root: &Path,
    tracked: &HashSet<PathBuf>,
    excludes: &[GlobMatcher],
    found: &mut Found,
) {
    let entries = WalkDir::new(root)
        .follow_links(false)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() != 1 || entry.file_name() != ".git");
    for entry in entries.flatten() {
        let Ok(path) = entry.path().strip_prefix(root) else {
            continue;
        };
        if entry.file_type().is_dir() || tracked.contains(path) || is_excluded(path, excludes) {
            continue;
        }
        found.summary.untracked += 1;
        found.paths.insert(path.to_path_buf());
    }
}
