//! Facts about the repository that become predefined variables.

use std::path::{Path, PathBuf};

use aqueduct_core::lang::context::Commit;
use aqueduct_mirror::history;
use git2::{ErrorCode, ObjectType, Repository};

use super::User;
use crate::error::CliError;

/// What a pipeline needs to know of a repository.
#[derive(Clone, Debug)]
pub(crate) struct RepoInfo {
    /// Root of the working tree; without a repository, the directory of the command.
    pub(crate) root: PathBuf,
    /// The branch that is checked out; `None` on a detached head.
    pub(crate) branch: Option<String>,
    /// `main`, usually.
    pub(crate) default_branch: String,
    /// `group/project`, from the remote's URL or the folder's name.
    pub(crate) project_path: String,
    /// Without credentials, if there is a remote with an http or ssh URL.
    pub(crate) remote: Option<Remote>,
    /// The commit that is checked out, or that was asked for.
    pub(crate) commit: Option<CommitInfo>,
    /// Who commits here.
    pub(crate) user: User,
}

/// Host and path of the remote `origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    /// `gitlab.example.com`, with a port if the URL has one.
    pub(crate) host: String,
    /// `group/project`.
    pub(crate) path: String,
}

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct CommitInfo {
    /// Full id.
    pub(crate) sha: String,
    /// Its first parent, or none.
    pub(crate) parent: Option<String>,
    /// Message, author and time.
    pub(crate) facts: Commit,
}

impl RepoInfo {
    /// Looks for a repository at `dir` and above; `rev` asks for another commit than the one checked out.
    pub(crate) fn read(dir: &Path, rev: Option<&str>) -> Result<Self, CliError> {
        let repo = match Repository::discover(dir) {
            Ok(repo) => repo,
            Err(error) if error.code() != ErrorCode::NotFound => {
                return Err(unopened(dir, &error));
            }
            Err(_) if rev.is_some() => {
                return Err(CliError::invalid(
                    "--commit needs a Git repository, and there is none here",
                )
                .with_help("run `git init` and commit, or leave --commit out"));
            }
            Err(_) => return Ok(Self::without_git(dir)),
        };
        let Some(root) = repo.workdir().map(Path::to_path_buf) else {
            return Err(CliError::invalid(format!(
                "{} is a bare repository",
                repo.path().display()
            ))
            .with_help("clone it, and run in the clone"));
        };
        let remote = repo
            .find_remote("origin")
            .ok()
            .and_then(|remote| remote.url().ok().and_then(parse_remote));
        let branch = current_branch(&repo);
        Ok(Self {
            default_branch: default_branch(&repo, branch.as_deref()),
            project_path: remote
                .as_ref()
                .map_or_else(|| folder_path(&root), |found| found.path.clone()),
            commit: commit(&repo, rev)?,
            user: User::of(repo.config()),
            remote,
            branch,
            root,
        })
    }

    /// What is known without a repository.
    pub(crate) fn without_git(dir: &Path) -> Self {
        Self {
            root: dir.to_path_buf(),
            branch: None,
            default_branch: "main".into(),
            project_path: folder_path(dir),
            remote: None,
            commit: None,
            user: User::of(git2::Config::open_default()),
        }
    }
}

fn unopened(dir: &Path, error: &git2::Error) -> CliError {
    let message = format!(
        "can't open the Git repository of {}: {}",
        std::path::absolute(dir).unwrap_or_default().display(),
        error.message()
    );
    if error.code() == ErrorCode::Owner {
        return CliError::invalid(message).with_help(
            "if you trust its owner: `git config --global --add safe.directory PATH`, with the path above",
        );
    }
    CliError::infrastructure(message).with_help("see what `git status` says of it")
}

fn folder_path(root: &Path) -> String {
    let name = root
        .file_name()
        .map_or_else(|| "project".into(), |name| name.to_string_lossy());
    format!("local/{name}")
}

fn current_branch(repo: &Repository) -> Option<String> {
    // An unborn branch has a name but no reference to resolve.
    let head = repo.find_reference("HEAD").ok()?;
    let target = head.symbolic_target().ok().flatten()?;
    Some(target.strip_prefix("refs/heads/")?.to_owned())
}

fn default_branch(repo: &Repository, current: Option<&str>) -> String {
    let remote_head = repo
        .find_reference("refs/remotes/origin/HEAD")
        .ok()
        .and_then(|head| head.symbolic_target().ok().flatten().map(str::to_owned))
        .and_then(|target| {
            target
                .strip_prefix("refs/remotes/origin/")
                .map(str::to_owned)
        });
    let local = || {
        ["main", "master"]
            .into_iter()
            .find(|name| repo.find_branch(name, git2::BranchType::Local).is_ok())
            .map(str::to_owned)
    };
    remote_head
        .or_else(local)
        .unwrap_or_else(|| current.unwrap_or("main").to_owned())
}

fn commit(repo: &Repository, rev: Option<&str>) -> Result<Option<CommitInfo>, CliError> {
    let object = match (repo.revparse_single(rev.unwrap_or("HEAD")), rev) {
        (Ok(object), _) => object,
        (Err(_), None) => return Ok(None),
        (Err(error), Some(rev)) => {
            return Err(
                CliError::invalid(format!("--commit {rev}: {}", error.message()))
                    .with_help("name a commit, a branch or a tag of this repository"),
            );
        }
    };
    let commit = object
        .peel(ObjectType::Commit)
        .ok()
        .and_then(|object| object.into_commit().ok())
        .ok_or_else(|| {
            CliError::invalid(format!("--commit {}: not a commit", rev.unwrap_or("HEAD")))
        })?;
    Ok(Some(CommitInfo {
        sha: commit.id().to_string(),
        parent: commit.parent_id(0).ok().map(|id| id.to_string()),
        facts: history::facts(&commit),
    }))
}

/// Host and path of `https://host/group/project.git`, `ssh://git@host:22/…` or `git@host:group/project.git`.
fn parse_remote(url: &str) -> Option<Remote> {
    let (authority, path) = match url.split_once("://") {
        Some(("http" | "https" | "ssh" | "git", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        None if url.starts_with(['/', '.']) => return None,
        None => url.split_once(':')?,
    };
    let host = authority.rsplit('@').next()?;
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| Remote {
        host: host.to_owned(),
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_of_all_spellings() {
        let expected = Some(Remote {
            host: "git.example.com".into(),
            path: "group/project".into(),
        });
        for url in [
            "https://git.example.com/group/project.git",
            "https://user:secret@git.example.com/group/project",
            "git@git.example.com:group/project.git",
        ] {
            assert_eq!(parse_remote(url), expected, "{url}");
        }
        let with_port = parse_remote("ssh://git@git.example.com:2222/group/project.git").unwrap();
        assert_eq!(with_port.host, "git.example.com:2222");
        for url in [
            "/srv/git/project.git",
            "../project",
            "file:///srv/project.git",
            "nonsense",
        ] {
            assert_eq!(parse_remote(url), None, "{url}");
        }
    }
}
