//! Changes of a mirror: making it, bringing commits into it, keeping them, packing it, removing it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aqueduct_core::{
    id::{PipelineId, ProjectId},
    refs::RemoteUrl,
};
use aqueduct_ports::git::GitError;
use tokio::process::Command;

use crate::{
    children::{Bounds, Ended, run},
    command::log_in,
    fault, history,
    mirrors::{GitMirrors, read},
    place::{Health, Writer},
    refs, repair,
};

/// What a fetch copies: branches and tags as they are there, also where history was rewritten.
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// What git says of a mirror whose objects are damaged.
const DAMAGED: [&str; 5] = [
    "bad object",
    "is corrupt",
    "is empty",
    "did not send all necessary objects",
    "does not match index",
];

impl GitMirrors {
    /// Makes sure that the mirror has the commit, and the ref if it is named and the remote has it. A ref that leads elsewhere is looked
    /// up again: it moved, to the commit or on from it.
    pub(crate) async fn bring(
        &self,
        project: ProjectId,
        url: &RemoteUrl,
        sha: &str,
        git_ref: Option<&str>,
    ) -> Result<(), GitError> {
        let mut change = self.change(project).await?;
        change.prepare().await?;
        if change.leads_to(git_ref, sha).await? && change.has(sha).await? {
            return Ok(());
        }
        let mut ended = change.fetch(url, &EVERYTHING).await?;
        if !ended.success && is_damage(&ended) {
            let kept = change.kept().await;
            change.discard().await?;
            change.prepare().await?;
            ended = change.fetch(url, &EVERYTHING).await?;
            change.keep_again(kept).await?;
        }
        if ended.success {
            change.remember_tips().await?;
        }
        if change.has(sha).await? {
            return Ok(());
        }
        if !ended.success {
            return Err(fault::of_remote(url, &ended));
        }
        // The branch went on meanwhile, or is gone. Most servers still hand out the commit by itself.
        let ended = change.fetch(url, &[sha]).await?;
        if ended.success && change.has(sha).await? {
            return Ok(());
        }
        let error = fault::of_remote(url, &ended);
        if error.is_temporary() && !ended.success {
            return Err(error);
        }
        Err(GitError::Missing(format!("commit {sha}")))
    }

    /// Sets or removes refs of pipelines.
    pub(crate) async fn set_refs(
        &self,
        project: ProjectId,
        commands: &str,
    ) -> Result<(), GitError> {
        let mut change = self.change(project).await?;
        change.prepare().await?;
        change.set_refs(commands).await
    }

    /// Packs the mirror, and drops what no ref has led to for a while.
    pub(crate) async fn pack(&self, project: ProjectId) -> Result<(), GitError> {
        let mut change = self.change(project).await?;
        change.prepare().await?;
        let age = self.options.keep_unreachable.as_secs();
        change.writer.forget_whole();
        let mut command = change.git();
        command
            .args(["gc", "--quiet"])
            .arg(format!("--prune={age}.seconds.ago"));
        let ended = change
            .run("pack it", &mut command, b"", self.options.tidy_time)
            .await?;
        succeeded("pack it", &ended)
    }

    /// Removes the mirror.
    pub(crate) async fn discard(&self, project: ProjectId) -> Result<(), GitError> {
        self.change(project).await?.discard().await
    }

    async fn change(&self, project: ProjectId) -> Result<Change<'_>, GitError> {
        let writer = self.places.writer(project, self.options.lock_time).await?;
        Ok(Change {
            mirrors: self,
            mirror: self.places.mirror(project),
            project,
            writer,
        })
    }
}

/// One mirror, in the hands of its only writer.
struct Change<'m> {
    mirrors: &'m GitMirrors,
    project: ProjectId,
    mirror: PathBuf,
    writer: Writer,
}

impl Change<'_> {
    /// Makes the mirror if there is none, and takes away what a killed writer left.
    async fn prepare(&mut self) -> Result<(), GitError> {
        if self.writer.health() == Health::Unknown {
            self.writer.forget_whole();
            let (mirror, nursery, grave) = self.paths();
            on_disk(&self.writer, "repair it", move || {
                repair::remove_tree(&nursery)?;
                repair::remove_tree(&grave)?;
                if mirror.exists() {
                    repair::repair(&mirror)?;
                    if !repair::is_whole(&mirror) {
                        repair::bury(&mirror, &grave)?;
                    }
                }
                Ok(())
            })
            .await?;
            self.writer.set_health(Health::Sound);
        }
        if self.mirror.is_dir() {
            return Ok(());
        }
        self.writer.forget_whole();
        self.make().await
    }

    /// A mirror has its name only once it is whole.
    async fn make(&mut self) -> Result<(), GitError> {
        let (mirror, nursery, _) = self.paths();
        let mut command = self.mirrors.git.command();
        command
            .args([
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--object-format=sha1",
            ])
            .arg(&nursery);
        let time = self.mirrors.options.local_time;
        let ended = self.run("make it", &mut command, b"", time).await?;
        succeeded("make it", &ended)?;
        on_disk(&self.writer, "name it", move || {
            std::fs::rename(&nursery, &mirror)?;
            mirror.parent().map_or(Ok(()), sync)
        })
        .await
    }

    async fn discard(&mut self) -> Result<(), GitError> {
        self.writer.forget_whole();
        let (mirror, nursery, grave) = self.paths();
        on_disk(&self.writer, "remove it", move || {
            repair::remove_tree(&nursery)?;
            repair::bury(&mirror, &grave)
        })
        .await
    }

    /// Whether the commit is there with all that it leads to: what a ref leads to is whole, so only the rest is walked.
    async fn has(&mut self, sha: &str) -> Result<bool, GitError> {
        if self.writer.is_whole(sha) {
            return Ok(true);
        }
        let mut command = self.git();
        command.args(["rev-list", "--quiet", "--objects", sha, "--not", "--all"]);
        let time = self.mirrors.options.fetch_time;
        let ended = self
            .run("look for a commit", &mut command, b"", time)
            .await?;
        if ended.success {
            self.writer.remember_whole([sha.to_owned()]);
        }
        Ok(ended.success)
    }

    async fn leads_to(&self, git_ref: Option<&str>, sha: &str) -> Result<bool, GitError> {
        let Some(name) = git_ref.map(str::to_owned) else {
            return Ok(true);
        };
        let sha = sha.to_owned();
        let find = move |repo: &git2::Repository| Ok(refs::leads_to(repo, &name, &sha));
        read(self.mirror.clone(), "look for a ref", find).await
    }

    /// Remembers where the branches and tags are: a fetch that succeeded has brought them whole.
    async fn remember_tips(&mut self) -> Result<(), GitError> {
        let list = |repo: &git2::Repository| Ok(refs::tips(repo)?);
        let tips = read(self.mirror.clone(), "list its refs", list).await?;
        self.writer.remember_whole(tips);
        Ok(())
    }

    async fn fetch(&mut self, url: &RemoteUrl, what: &[&str]) -> Result<Ended, GitError> {
        let mut command = self.git();
        command
            .args([
                "fetch",
                "--quiet",
                "--force",
                "--no-tags",
                "--no-write-fetch-head",
            ])
            .args(["--no-auto-maintenance", "--no-recurse-submodules"]);
        if what == EVERYTHING {
            command.arg("--prune");
        }
        command.arg("--").arg(url.address()).args(what);
        log_in(&mut command, url, &self.mirrors.options.logins);
        let options = &self.mirrors.options;
        let (mirror, limit) = (self.mirror.clone(), options.pack_bytes);
        let exceeded = move || (repair::incoming(&mirror) > limit).then_some(limit);
        command.stdout(self.writer.stdout()?);
        self.writer.set_health(Health::Unknown);
        let ended = run(&mut command, b"", bounds(options.fetch_time), exceeded)
            .await
            .map_err(|stopped| fault::of_stopped_remote(url, "what a fetch brings", &stopped))?;
        self.writer.set_health(Health::Sound);
        Ok(ended)
    }

    async fn kept(&self) -> Vec<(PipelineId, String)> {
        let list = |repo: &git2::Repository| Ok(refs::kept(repo)?);
        let kept = read(self.mirror.clone(), "list what is kept", list).await;
        // Of a mirror that can't even be opened nothing can be saved.
        kept.unwrap_or_default()
    }

    /// Keeps again what the new mirror has.
    async fn keep_again(&mut self, kept: Vec<(PipelineId, String)>) -> Result<(), GitError> {
        let there = read(self.mirror.clone(), "look for commits", move |repo| {
            let is_there = |sha: &str| history::find_commit(repo, sha).is_ok();
            let there = kept.into_iter().filter(|(_, sha)| is_there(sha));
            Ok(there.collect::<Vec<_>>())
        })
        .await?;
        let changes = there
            .iter()
            .map(|(pipeline, sha)| (*pipeline, Some(sha.as_str())));
        self.set_refs(&refs::commands(changes)).await
    }

    async fn set_refs(&mut self, commands: &str) -> Result<(), GitError> {
        if commands.is_empty() {
            return Ok(());
        }
        let mut command = self.git();
        command
            .args(["-c", "core.fsync=committed,reference"])
            .args(["update-ref", "--stdin", "-z"]);
        let time = self.mirrors.options.local_time;
        let ended = self
            .run("change its refs", &mut command, commands.as_bytes(), time)
            .await?;
        succeeded("change its refs", &ended)
    }

    fn git(&self) -> Command {
        self.mirrors.git.inside(&self.mirror)
    }

    /// Runs a child that holds the lock, too. The mirror is sound again once it ended by itself.
    async fn run(
        &mut self,
        action: &str,
        command: &mut Command,
        input: &[u8],
        time: Duration,
    ) -> Result<Ended, GitError> {
        command.stdout(self.writer.stdout()?);
        self.writer.set_health(Health::Unknown);
        let ended = run(command, input, bounds(time), || None)
            .await
            .map_err(|stopped| fault::of_stopped_local(action, &stopped))?;
        self.writer.set_health(Health::Sound);
        Ok(ended)
    }

    fn paths(&self) -> (PathBuf, PathBuf, PathBuf) {
        let places = &self.mirrors.places;
        (
            self.mirror.clone(),
            places.nursery(self.project),
            places.grave(self.project),
        )
    }
}

/// The output of children that change a mirror is its lock: nothing is read of it.
const fn bounds(time: Duration) -> Bounds {
    Bounds { time, output: 0 }
}

fn succeeded(action: &str, ended: &Ended) -> Result<(), GitError> {
    if ended.success {
        return Ok(());
    }
    Err(fault::of_local(action, ended))
}

fn is_damage(ended: &Ended) -> bool {
    DAMAGED.iter().any(|words| ended.words.contains(words))
}

fn sync(dir: &Path) -> io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

/// Does something to files on a thread that may wait. It goes on where nobody waits for it any more, and has the lock for
/// as long.
async fn on_disk(
    writer: &Writer,
    action: &'static str,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), GitError> {
    let hold = writer.share()?;
    let work = move || {
        let done = work();
        drop(hold);
        done
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| fault::of_io(action, &error)),
        Err(error) => Err(GitError::Broken(format!("can't {action}: {error}"))),
    }
}
