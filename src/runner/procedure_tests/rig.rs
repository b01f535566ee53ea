//! Everything a run needs, in a temporary directory.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    plan::{Artifacts, Cache, JobKind, PlanJob, ScriptSpec, StoreWhen},
    sched::TagPolicy,
    time::{Millis, Timestamp},
};
use aqueduct_exec::host::{HostConfig, HostExecutor};
use aqueduct_ports::{
    clock::Clock,
    release::ReleaseBackend,
    work::{Assignment, Dependency, JobEnd, JobVariable, Lease, Sources},
};
use aqueduct_workspace::{Isolation, Workspace, WorkspaceConfig};
use tempfile::TempDir;

use super::source::{Record, Source, Trouble};
use crate::{ExecutorSlot, RunnerConfig, Shutdown, run};

/// Half past eight, for ever.
#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_763_973_000_000)
    }
}

pub(super) struct Rig {
    pub(super) dir: TempDir,
    pub(super) workspace: Workspace,
    pub(super) release: Option<Arc<dyn ReleaseBackend>>,
    pub(super) trace_limit: u64,
    pub(super) slots: usize,
    pub(super) trouble: Trouble,
}

impl Rig {
    /// A project with these files, committed to a repository.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        for (path, text) in files {
            let path = project.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::create_dir_all(&project).unwrap();
        git(&project, &["init", "-q", "-b", "main"]);
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-q", "--allow-empty", "-m", "first"]);
        let workspace = open(dir.path());
        Self {
            dir,
            workspace,
            release: None,
            trace_limit: RunnerConfig::TRACE_LIMIT,
            slots: 2,
            trouble: Trouble::None,
        }
    }

    /// The next run of the same project.
    pub(super) fn again(mut self) -> Self {
        self.workspace.finish(&[]).unwrap();
        self.workspace = open(self.dir.path());
        self
    }

    pub(super) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    pub(super) fn config(&self) -> RunnerConfig {
        let shared = Arc::new(self.workspace.clone());
        let host = HostExecutor::new(HostConfig::new(self.dir.path().join("state")));
        RunnerConfig {
            name: "test".into(),
            slots: self.slots,
            tags: TagPolicy::Any,
            run_untagged: true,
            executors: vec![ExecutorSlot::host(Arc::new(host), true)],
            release: self.release.clone(),
            copies: shared.clone(),
            artifacts: shared.clone(),
            cache: shared,
            clock: Arc::new(StoppedClock),
            trace_limit: self.trace_limit,
            spool_dir: Some(self.dir.path().to_owned()),
            grace: Millis(300),
            memory_limit: None,
        }
    }

    /// Hands out the jobs and waits for the last one.
    pub(super) async fn run(&self, jobs: Vec<Assignment>) -> Arc<Source> {
        let source = Arc::new(Source::new(jobs, self.trouble));
        run(self.config(), source.clone(), Shutdown::default())
            .await
            .unwrap();
        source
    }

    /// Runs one job; answers its end and its trace.
    pub(super) async fn run_one(&self, job: JobBuilder) -> (JobEnd, String) {
        let assignment = job.build();
        let key = assignment.lease.key;
        let record = self.run(vec![assignment]).await.record(key);
        (only_end(&record), readable(&record))
    }
}

fn open(dir: &Path) -> Workspace {
    Workspace::open(&WorkspaceConfig {
        project_dir: dir.join("project"),
        cache_dir: dir.join("cache"),
        commit: None,
        isolation: Isolation::Auto,
    })
    .unwrap()
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.workspace.finish(&[]);
    }
}

/// The one end that was reported.
pub(super) fn only_end(record: &Record) -> JobEnd {
    assert_eq!(record.ends.len(), 1, "{record:?}");
    record.ends[0].clone()
}

/// The trace as text.
pub(super) fn readable(record: &Record) -> String {
    String::from_utf8(record.trace.clone()).unwrap()
}

/// What the script itself wrote: the trace without sections, commands and colours.
pub(super) fn output_of(trace: &str) -> String {
    let mut output = String::new();
    for line in trace.lines() {
        let written = line.rsplit("\x1b[0K").next().unwrap_or(line);
        let is_marker = written.is_empty() && !line.is_empty();
        if !is_marker && !written.contains("\x1b[") {
            output.push_str(written);
            output.push('\n');
        }
    }
    output
}

pub(super) fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes an assignment.
pub(super) struct JobBuilder(Assignment);

/// A job `number` that runs `script`.
pub(super) fn job(number: u64, script: &[&str]) -> JobBuilder {
    let list = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let kind = JobKind::Script(ScriptSpec {
        script: list(script),
        ..ScriptSpec::default()
    });
    let plan = PlanJob {
        timeout: Millis::from_secs(60),
        ..PlanJob::new(&format!("job {number}"), "test", 0, kind)
    };
    JobBuilder(Assignment {
        lease: Lease {
            key: key(number),
            token: number,
        },
        executor: "host".into(),
        job: plan,
        project: None,
        variables: Vec::new(),
        masks: Vec::new(),
        dependencies: Vec::new(),
        sources: Sources::Snapshot,
        lease_time: Millis::from_secs(60),
        patience: Millis::from_secs(60),
    })
}

pub(super) fn key(number: u64) -> AttemptKey {
    AttemptKey {
        pipeline: PipelineId(1),
        job: JobId(number),
        attempt: 1,
    }
}

impl JobBuilder {
    pub(super) fn change(mut self, change: impl FnOnce(&mut Assignment)) -> Self {
        change(&mut self.0);
        self
    }

    pub(super) fn after_script(self, lines: &[&str]) -> Self {
        self.change(|assignment| {
            if let JobKind::Script(script) = &mut assignment.job.kind {
                script.after_script = lines.iter().map(|line| (*line).to_owned()).collect();
            }
        })
    }

    pub(super) fn variable(self, key: &str, value: &str) -> Self {
        self.change(|assignment| {
            assignment.variables.push(JobVariable {
                key: key.into(),
                value: value.into(),
                file: false,
                masked: false,
                raw: false,
            });
        })
    }

    pub(super) fn secret(self, key: &str, value: &str) -> Self {
        self.variable(key, value)
            .change(|assignment| assignment.variables.last_mut().unwrap().masked = true)
    }

    pub(super) fn file(self, key: &str, value: &str) -> Self {
        self.variable(key, value)
            .change(|assignment| assignment.variables.last_mut().unwrap().file = true)
    }

    pub(super) fn artifacts(self, when: StoreWhen, paths: &[&str]) -> Self {
        self.change(|assignment| {
            assignment.job.artifacts = Some(Artifacts {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
                when,
                ..Artifacts::default()
            });
        })
    }

    pub(super) fn dotenv(self, path: &str) -> Self {
        self.change(|assignment| {
            let artifacts = assignment.job.artifacts.get_or_insert_default();
            artifacts.reports.dotenv.push(path.into());
        })
    }

    pub(super) fn needs(self, number: u64) -> Self {
        self.change(|assignment| {
            assignment.dependencies.push(Dependency {
                key: key(number),
                name: format!("job {number}: [amd64]"),
                base: format!("job {number}"),
            });
        })
    }

    pub(super) fn cache(self, cache: Cache) -> Self {
        self.change(|assignment| assignment.job.cache.push(cache))
    }

    pub(super) fn timeout(self, timeout: Millis) -> Self {
        self.change(|assignment| assignment.job.timeout = timeout)
    }

    pub(super) fn build(self) -> Assignment {
        self.0
    }
}
