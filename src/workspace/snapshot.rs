//! The one snapshot of a run: what every working copy starts from.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use aqueduct_ports::workspace::WorkspaceError;
use git2::{ErrorCode, ObjectType, Oid, Repository, build::CheckoutBuilder};

use crate::{
    error::{Result, failed},
    gitdir::{self, Objects},
    listing::{self, Listing},
    tree::copy_entry,
};

/// A frozen copy of the sources.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Where it lies.
    pub(crate) root: PathBuf,
    /// Paths that git tracks. Only ever asked, never iterated.
    pub(crate) tracked: HashSet<PathBuf>,
    /// What a person should know about it.
    pub(crate) notes: Vec<String>,
}

/// What to take a snapshot of.
pub(crate) struct Request<'a> {
    /// The user's tree.
    pub(crate) project_dir: &'a Path,
    /// A revision instead of the working tree.
    pub(crate) commit: Option<&'a str>,
    /// How the `.git` gets at its objects.
    pub(crate) objects: Objects,
    /// Never part of it, should it lie in the project: our own files.
    pub(crate) leave_out: &'a Path,
}

/// Takes it into the empty directory `root`.
pub(crate) fn take(request: &Request<'_>, root: &Path) -> Result<Snapshot> {
    let repository = match Repository::open(request.project_dir) {
        Ok(repository) => repository,
        Err(error) if error.code() == ErrorCode::NotFound => return without_git(request, root),
        Err(error) => {
            return Err(failed("open the repository in", request.project_dir)(
                error.message(),
            ));
        }
    };
    match request.commit {
        Some(revision) => of_commit(&repository, revision, request, root),
        None => of_working_tree(&repository, request, root),
    }
}

fn of_working_tree(
    repository: &Repository,
    request: &Request<'_>,
    root: &Path,
) -> Result<Snapshot> {
    let listing = listing::of_repository(repository)?;
    let head = gitdir::head(repository)?;
    let mut notes = gitdir::write(repository, root, head, request.objects)?;
    notes.extend(tell_absent(
        &listing.absent,
        "`git submodule update --init --recursive` fetches them",
    ));
    if let Some(head) = head {
        gitdir::write_index(root, head)?;
    }
    copy_files(&listing, request, root)?;
    Ok(Snapshot {
        root: root.to_path_buf(),
        tracked: listing.tracked,
        notes,
    })
}

fn of_commit(
    repository: &Repository,
    revision: &str,
    request: &Request<'_>,
    root: &Path,
) -> Result<Snapshot> {
    let commit = resolve(repository, revision)?;
    let mut notes = gitdir::write(repository, root, Some(commit), request.objects)?;
    let listing = check_out(root).map_err(failed("check out the commit into", root))?;
    notes.extend(tell_absent(
        &listing.absent,
        "only a run of the working tree has them",
    ));
    Ok(Snapshot {
        root: root.to_path_buf(),
        tracked: listing.tracked,
        notes,
    })
}

/// GitLab's runner would fetch them where `GIT_SUBMODULE_STRATEGY` says so; here nothing is fetched.
fn tell_absent(submodules: &[PathBuf], help: &str) -> Option<String> {
    let names: Vec<String> = submodules
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "jobs get these submodules as empty folders: {}; {help}",
            names.join(", ")
        )
    })
}

fn resolve(repository: &Repository, revision: &str) -> Result<Oid> {
    repository
        .revparse_single(revision)
        .and_then(|object| object.peel(ObjectType::Commit))
        .map(|commit| commit.id())
        .map_err(|error| {
            WorkspaceError::Refused(format!("no commit '{revision}': {}", error.message()))
        })
}

fn check_out(root: &Path) -> std::result::Result<Listing, git2::Error> {
    let repository = Repository::open(root)?;
    repository.checkout_head(Some(CheckoutBuilder::new().force()))?;
    let mut listing = Listing::default();
    for entry in repository.index()?.iter() {
        let path = PathBuf::from(String::from_utf8_lossy(&entry.path).into_owned());
        if entry.mode == listing::GITLINK {
            listing.absent.push(path.clone());
        }
        listing.tracked.insert(path);
    }
    Ok(listing)
}

fn without_git(request: &Request<'_>, root: &Path) -> Result<Snapshot> {
    if let Some(revision) = request.commit {
        return Err(WorkspaceError::Refused(format!(
            "no commit '{revision}': {} is not a git repository",
            request.project_dir.display()
        )));
    }
    let listing = listing::of_directory(request.project_dir)?;
    copy_files(&listing, request, root)?;
    let note = format!(
        "{} is not a git repository: jobs get all its files that no .gitignore names, and no `.git`",
        request.project_dir.display()
    );
    Ok(Snapshot {
        root: root.to_path_buf(),
        tracked: listing.tracked,
        notes: vec![note],
    })
}

fn copy_files(listing: &Listing, request: &Request<'_>, root: &Path) -> Result<()> {
    let mut last_parent = PathBuf::new();
    // A project may itself lie below the directory, among what else is cached there.
    let holds_ours = request.leave_out.starts_with(request.project_dir);
    for path in &listing.files {
        let from = request.project_dir.join(path);
        let ours = holds_ours && from.starts_with(request.leave_out);
        if ours || path.starts_with(".git") {
            continue;
        }
        let target = root.join(path);
        let parent = target.parent().unwrap_or(root);
        if parent != last_parent {
            make_parents(parent)?;
            parent.clone_into(&mut last_parent);
        }
        // What was listed a moment ago may be gone, or be a directory now where the index has a file.
        copy_entry(&from, &target)?;
    }
    Ok(())
}

fn make_parents(parent: &Path) -> Result<()> {
    match fs::create_dir_all(parent) {
        // A directory of the index that is a link or a file in the working tree: the links below it are dead.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(failed("create", parent)),
    }
}
