//! The mirrors of all projects.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    refs::{Answer, RemoteUrl, is_sha},
};
use aqueduct_ports::git::{ByteReader, CommitFacts, GitError, Mirrors, Since};
use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::{
    children::{Bounds, run},
    command::{Git, log_in},
    fault, history, listing,
    options::Options,
    place::Places,
    refs, serve,
};

/// Most bytes of paths that a commit may list.
const PATHS: usize = 64 << 20;

/// Mirrors below one folder, which belongs to this process alone.
#[derive(Debug)]
pub struct GitMirrors {
    pub(crate) git: Git,
    pub(crate) places: Places,
    pub(crate) options: Options,
    clones: Arc<Semaphore>,
}

impl GitMirrors {
    /// Makes the folder, if need be.
    ///
    /// # Errors
    ///
    /// [`GitError::Broken`] if it can't be made or written to.
    pub fn new(root: &Path, options: Options) -> Result<Self, GitError> {
        let unusable =
            |error: io::Error| fault::of_io(&format!("use the folder {}", root.display()), &error);
        let places = Places::new(root).map_err(unusable)?;
        Ok(Self {
            git: Git::new(&options.program, places.root()).map_err(unusable)?,
            clones: Arc::new(Semaphore::new(options.clones)),
            places,
            options,
        })
    }

    /// The mirror of a project, which must be there.
    fn present(&self, project: ProjectId) -> Result<PathBuf, GitError> {
        let mirror = self.places.mirror(project);
        if mirror.is_dir() {
            return Ok(mirror);
        }
        Err(GitError::Missing(format!(
            "the mirror of project {project}"
        )))
    }

    async fn serve(
        &self,
        project: ProjectId,
        protocol: Option<&str>,
        request: Option<ByteReader>,
    ) -> Result<ByteReader, GitError> {
        let mirror = self.present(project)?;
        let permit = Arc::clone(&self.clones)
            .acquire_owned()
            .await
            .map_err(|_| GitError::Broken("no more clones are served".into()))?;
        let clone = serve::Clone {
            mirror: &mirror,
            protocol: serve::protocol(protocol),
            time: self.options.serve_time,
        };
        serve::start(&self.git, &clone, request, permit).map_err(|error| fault::unstarted(&error))
    }
}

/// Reads a mirror on a thread that may wait for the disk.
pub(crate) async fn read<T: Send + 'static>(
    mirror: PathBuf,
    action: &'static str,
    work: impl FnOnce(&git2::Repository) -> Result<T, history::HistoryError> + Send + 'static,
) -> Result<T, GitError> {
    let done = tokio::task::spawn_blocking(move || {
        let repo = git2::Repository::open_bare(&mirror)?;
        work(&repo)
    });
    match done.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(history::HistoryError::NoCommit(sha))) => {
            Err(GitError::Missing(format!("commit {sha}")))
        }
        Ok(Err(history::HistoryError::TooMany(limit))) => {
            Err(fault::too_large("the list of files", limit as u64))
        }
        Ok(Err(history::HistoryError::Git(error))) => Err(fault::of_library(action, &error)),
        Err(error) => Err(GitError::Broken(format!("can't {action}: {error}"))),
    }
}

/// Only commits that can be mirrored have a name that goes further.
pub(crate) fn check_sha(sha: &str) -> Result<(), GitError> {
    match sha.len() {
        40 if is_sha(sha) => Ok(()),
        64 if is_sha(sha) => Err(fault::refused(
            "repositories with SHA-256 object ids can't be mirrored",
        )),
        _ => Err(fault::refused("a commit is named by its full id")),
    }
}

#[async_trait]
impl Mirrors for GitMirrors {
    async fn ls_remote(&self, url: &RemoteUrl) -> Result<Answer, GitError> {
        let mut command = self.git.command();
        command.args(["ls-remote", "--quiet", "--symref", "--"]);
        command.arg(url.address());
        log_in(&mut command, url, &self.options.logins);
        let bounds = Bounds {
            time: self.options.ls_remote_time,
            output: self.options.listing_bytes,
        };
        let ended = run(&mut command, b"", bounds, || None)
            .await
            .map_err(|stopped| fault::of_stopped_remote(url, "the list of refs", &stopped))?;
        if !ended.success {
            return Err(fault::of_remote(url, &ended));
        }
        listing::parse(&ended.output).ok_or_else(|| GitError::Unavailable {
            url: url.to_string(),
            cause: "its list of refs is none".into(),
        })
    }

    async fn fetch(&self, project: ProjectId, url: &RemoteUrl, sha: &str) -> Result<(), GitError> {
        check_sha(sha)?;
        self.bring(project, url, sha, None).await
    }

    async fn fetch_ref(
        &self,
        project: ProjectId,
        url: &RemoteUrl,
        sha: &str,
        git_ref: &str,
    ) -> Result<(), GitError> {
        check_sha(sha)?;
        self.bring(project, url, sha, Some(git_ref)).await
    }

    async fn has_ref(&self, project: ProjectId, git_ref: &str) -> Result<bool, GitError> {
        let git_ref = git_ref.to_owned();
        read(self.present(project)?, "look for a ref", move |repo| {
            Ok(refs::is_there(repo, &git_ref))
        })
        .await
    }

    async fn keep(
        &self,
        project: ProjectId,
        pipeline: PipelineId,
        sha: &str,
    ) -> Result<(), GitError> {
        check_sha(sha)?;
        let mirror = self.present(project)?;
        let known = sha.to_owned();
        read(mirror, "keep a commit", move |repo| {
            history::find_commit(repo, &known).map(drop)
        })
        .await?;
        self.set_refs(project, &refs::commands([(pipeline, Some(sha))]))
            .await
    }

    async fn release(&self, project: ProjectId, pipelines: &[PipelineId]) -> Result<(), GitError> {
        let kept = self.kept(project).await?;
        let kept: BTreeSet<PipelineId> = kept.into_iter().collect();
        let given = pipelines.iter().copied().collect();
        let gone = kept.intersection(&given).map(|pipeline| (*pipeline, None));
        let commands = refs::commands(gone);
        if commands.is_empty() {
            return Ok(());
        }
        self.set_refs(project, &commands).await
    }

    async fn kept(&self, project: ProjectId) -> Result<Vec<PipelineId>, GitError> {
        let mirror = self.places.mirror(project);
        if !mirror.is_dir() {
            return Ok(Vec::new());
        }
        let kept = read(mirror, "list what is kept", |repo| Ok(refs::kept(repo)?)).await?;
        Ok(kept.into_iter().map(|(pipeline, _)| pipeline).collect())
    }

    async fn read(
        &self,
        project: ProjectId,
        sha: &str,
        paths: &[String],
        limit: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        check_sha(sha)?;
        let (sha, paths) = (sha.to_owned(), paths.to_vec());
        read(self.present(project)?, "read files", move |repo| {
            let tree = history::find_commit(repo, &sha)?.tree()?;
            let one = |path: &String| history::read(repo, &tree, path, limit);
            paths.iter().map(one).collect()
        })
        .await
    }

    async fn files(&self, project: ProjectId, sha: &str) -> Result<Vec<String>, GitError> {
        check_sha(sha)?;
        let sha = sha.to_owned();
        read(self.present(project)?, "list files", move |repo| {
            let tree = history::find_commit(repo, &sha)?.tree()?;
            history::files(repo, &tree, PATHS)
        })
        .await
    }

    async fn changed(
        &self,
        project: ProjectId,
        since: &Since,
        sha: &str,
    ) -> Result<Option<Vec<String>>, GitError> {
        check_sha(sha)?;
        let (since, sha) = (since.clone(), sha.to_owned());
        read(self.present(project)?, "compare commits", move |repo| {
            let commit = history::find_commit(repo, &sha)?;
            let base = match &since {
                Since::Commit(base) => history::find_commit(repo, base)
                    .ok()
                    .and_then(|base| base.tree().ok()),
                Since::MergeBase(name) => history::merge_base(repo, commit.id(), name),
            };
            let Some(base) = base else {
                return Ok(None);
            };
            history::changed(repo, &base, &commit.tree()?, PATHS).map(Some)
        })
        .await
    }

    async fn commit(
        &self,
        project: ProjectId,
        sha: &str,
        tag: Option<&str>,
    ) -> Result<CommitFacts, GitError> {
        check_sha(sha)?;
        let (sha, tag) = (sha.to_owned(), tag.map(str::to_owned));
        read(self.present(project)?, "read a commit", move |repo| {
            let commit = history::find_commit(repo, &sha)?;
            let mut facts = history::facts(&commit);
            facts.tag_message = tag.and_then(|tag| history::tag_message(repo, &tag));
            let parents = commit.parent_ids().map(|id| id.to_string()).collect();
            Ok(CommitFacts {
                commit: facts,
                parents,
            })
        })
        .await
    }

    async fn is_ancestor(
        &self,
        project: ProjectId,
        ancestor: &str,
        descendant: &str,
    ) -> Result<bool, GitError> {
        check_sha(ancestor)?;
        check_sha(descendant)?;
        let (ancestor, descendant) = (ancestor.to_owned(), descendant.to_owned());
        read(self.present(project)?, "walk the history", move |repo| {
            let descendant = history::find_commit(repo, &descendant)?.id();
            let Ok(ancestor) = history::find_commit(repo, &ancestor) else {
                return Ok(false);
            };
            Ok(ancestor.id() == descendant
                || repo.graph_descendant_of(descendant, ancestor.id())?)
        })
        .await
    }

    async fn advertise(
        &self,
        project: ProjectId,
        protocol: Option<&str>,
    ) -> Result<ByteReader, GitError> {
        self.serve(project, protocol, None).await
    }

    async fn upload_pack(
        &self,
        project: ProjectId,
        protocol: Option<&str>,
        request: ByteReader,
    ) -> Result<ByteReader, GitError> {
        self.serve(project, protocol, Some(request)).await
    }

    async fn tidy(&self, project: ProjectId) -> Result<(), GitError> {
        self.pack(project).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, GitError> {
        let found = self.places.mirrors();
        found.map_err(|error| fault::of_io("list the mirrors", &error))
    }

    async fn remove(&self, project: ProjectId) -> Result<(), GitError> {
        self.discard(project).await
    }
}
