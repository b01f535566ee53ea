//! Takes so many jobs, one after the other, and runs their scripts with `sh` in a directory of the job.
//!
//! `crate-runner URL TOKEN JOBS`

use std::{
    borrow::Cow,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use futures::io::Cursor;
use gitlab_runner::{GitlabLayer, JobHandler, JobResult, Phase, RunnerBuilder, UploadableFile, job::Job};
use tokio::process::Command;
use tracing_subscriber::prelude::*;

struct Run {
    job: Job,
    dir: tempfile::TempDir,
}

impl Run {
    async fn dependencies(&self) -> JobResult {
        for dependency in self.job.dependencies() {
            let Some(mut archive) = dependency.download().await.map_err(|error| eprintln!("{error}"))? else {
                continue;
            };
            for index in 0..archive.len() {
                let mut file = archive.by_index(index).ok_or(())?;
                let path = self.dir.path().join(file.path().ok_or(())?);
                if file.name().ends_with('/') {
                    continue;
                }
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(|error| eprintln!("{error}"))?;
                let parent = path.parent().ok_or(())?;
                std::fs::create_dir_all(parent).map_err(|error| eprintln!("{error}"))?;
                std::fs::File::create(&path)
                    .and_then(|mut file| file.write_all(&bytes))
                    .map_err(|error| eprintln!("{error}"))?;
            }
        }
        Ok(())
    }
}

struct Left {
    name: String,
    path: PathBuf,
}

#[async_trait::async_trait]
impl UploadableFile for Left {
    type Data<'a> = Cursor<Vec<u8>>;

    fn get_path(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    async fn get_data(&self) -> Result<Cursor<Vec<u8>>, ()> {
        std::fs::read(&self.path).map(Cursor::new).map_err(|error| eprintln!("{error}"))
    }
}

#[async_trait::async_trait]
impl JobHandler<Left> for Run {
    async fn step(&mut self, script: &[String], phase: Phase) -> JobResult {
        if phase == Phase::Script {
            self.dependencies().await?;
        }
        let mut command = Command::new("sh");
        command.args(["-ec", &script.join("\n")]).current_dir(self.dir.path());
        for variable in self.job.variables() {
            command.env(variable.key(), variable.value());
        }
        let command = command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(|error| eprintln!("{error}"))?;
        self.job.trace(&output.stdout);
        self.job.trace(&output.stderr);
        output.status.success().then_some(()).ok_or(())
    }

    async fn get_uploadable_files(&mut self) -> Result<Box<dyn Iterator<Item = Left> + Send>, ()> {
        let mut files = Vec::new();
        walk(self.dir.path(), self.dir.path(), &mut files);
        Ok(Box::new(files.into_iter()))
    }
}

fn walk(root: &Path, dir: &Path, files: &mut Vec<Left>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(name) = path.strip_prefix(root) {
            let name = name.to_string_lossy().into_owned();
            files.push(Left { name, path: path.clone() });
        }
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("URL TOKEN JOBS");
    let (url, token) = (next(), next());
    let count: usize = next().parse().expect("a number of jobs");
    let (layer, jobs) = GitlabLayer::new();
    tracing_subscriber::registry().with(layer).init();
    let builds = tempfile::tempdir().expect("a directory");
    let url = url::Url::parse(&url).expect("a URL");
    let mut runner = RunnerBuilder::new(url, token, builds.path(), jobs).build().await;
    let mut taken = 0;
    while taken < count {
        let start = |job: Job| async {
            let dir = tempfile::tempdir().map_err(|error| eprintln!("{error}"))?;
            Ok(Run { job, dir })
        };
        match runner.request_job(start).await {
            Ok(true) => taken += 1,
            Ok(false) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(error) => eprintln!("{error}"),
        }
        runner.drain().await;
    }
}
