//! The variables of a job as its script and its keywords see them.

use std::path::{Path, PathBuf};

use aqueduct_core::{
    lang::variables::{RunnerVariable, expand_all_runner, expand_runner},
    sched::TagPolicy,
};
use aqueduct_ports::{work::JobVariable, workspace::WorkingCopy};
use indexmap::IndexMap;

use super::Job;

/// Longest `NAME=value` that the kernel hands to a process (execve(2), `MAX_ARG_STRLEN`), the final zero byte left out.
const MAX_ENV_ENTRY: usize = 128 * 1024 - 1;

/// A job's final variables and the places it sees.
#[derive(Debug)]
pub(crate) struct Scope {
    /// What each name stands for; of a file variable, the path that the job sees.
    values: IndexMap<String, String>,
    /// Contents of file variables by name.
    pub(crate) files: Vec<(String, String)>,
    /// `CI_PROJECT_DIR`.
    pub(crate) project_dir: PathBuf,
    /// Where the job sees the directory of file variables.
    pub(crate) tmp_dir: PathBuf,
}

/// The variables sorted by how they reach the script.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// Through the process's environment.
    pub(crate) env: Vec<(String, String)>,
    /// Too long for that: set by the script's text, not exported.
    pub(crate) unexported: Vec<(String, String)>,
    /// What is wrong with the others.
    pub(crate) warnings: Vec<String>,
}

impl Scope {
    /// Adds what only the runner knows, and expands.
    pub(crate) fn new(job: &Job<'_>, copy: &WorkingCopy) -> Self {
        let (project_dir, tmp_dir) = places(job, copy);
        let mut all = defaults(job, &project_dir, &tmp_dir);
        let mut files = Vec::new();
        for variable in &job.assignment.variables {
            if variable.file {
                files.push((variable.key.clone(), variable.value.clone()));
                let path = tmp_dir.join(&variable.key).display().to_string();
                all.push(raw(&variable.key, path));
            } else {
                all.push(variable.clone());
            }
        }
        // The one name that a pipeline can't change: everything else would be in the wrong place.
        all.push(raw("CI_PROJECT_DIR", project_dir.display().to_string()));
        let view: Vec<RunnerVariable<'_>> = all
            .iter()
            .map(|variable| RunnerVariable {
                key: &variable.key,
                value: &variable.value,
                raw: variable.raw,
            })
            .collect();
        Self {
            values: expand_all_runner(&view),
            files,
            project_dir,
            tmp_dir,
        }
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether a variable switches something on, in GitLab Runner's words for it.
    pub(crate) fn is_true(&self, name: &str) -> Option<bool> {
        match self.get(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" | "yes" => Some(true),
            "false" | "0" | "f" | "no" => Some(false),
            _ => None,
        }
    }

    /// A text of the plan with its variables put in.
    pub(crate) fn expand(&self, text: &str) -> String {
        expand_runner(text, |name| self.get(name))
    }

    /// Paths and globs, expanded and made relative to the project's directory.
    pub(crate) fn expand_paths(&self, texts: &[String]) -> Vec<String> {
        texts
            .iter()
            .map(|text| self.expand(text))
            .filter(|text| !text.trim().is_empty())
            .map(|text| self.relative(&text))
            .collect()
    }

    fn relative(&self, text: &str) -> String {
        match Path::new(text).strip_prefix(&self.project_dir) {
            Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
            Ok(rest) => rest.display().to_string(),
            Err(_) => text.to_owned(),
        }
    }

    /// How the variables reach the script.
    pub(crate) fn environment(&self) -> Environment {
        let mut out = Environment::default();
        for (key, value) in &self.values {
            if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
                let name = key.replace('\0', "\\0");
                out.warnings.push(format!(
                    "the variable '{name}' can't be handed to a process: a zero byte, or '=' in its name"
                ));
            } else if key.len() + 1 + value.len() > MAX_ENV_ENTRY {
                out.warnings.push(format!(
                    "the variable {key} is longer than a process may get ({MAX_ENV_ENTRY} bytes): the script sees it, \
                     the programs that it starts don't. Make it a file variable"
                ));
                out.unexported.push((key.clone(), value.clone()));
            } else {
                out.env.push((key.clone(), value.clone()));
            }
        }
        out
    }
}

/// Where the job sees its working copy and the directory of its file variables.
fn places(job: &Job<'_>, copy: &WorkingCopy) -> (PathBuf, PathBuf) {
    let Some(builds) = job.slot.and_then(|slot| slot.builds_dir.as_deref()) else {
        return (copy.dir.clone(), copy.tmp_dir.clone());
    };
    let path = job
        .assignment
        .variables
        .iter()
        .find(|variable| variable.key == "CI_PROJECT_PATH")
        .map_or("", |variable| variable.value.as_str());
    let mut project = builds.to_path_buf();
    project.extend(path.split('/').filter(|part| is_plain(part)));
    if project == builds {
        project.push("project");
    }
    let mut tmp = project.clone().into_os_string();
    tmp.push(".tmp");
    (project, tmp.into())
}

/// A path component that leads nowhere else.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && part
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '+'))
}

/// What the runner adds below the job's own variables (runner protocol, section 6).
fn defaults(job: &Job<'_>, project_dir: &Path, tmp_dir: &Path) -> Vec<JobVariable> {
    let builds = project_dir.parent().unwrap_or(project_dir);
    let plan = &job.assignment.job;
    let in_container = job.slot.is_some_and(|slot| slot.builds_dir.is_some());
    // What matches every tag carries the job's own.
    let tags = match &job.config.tags {
        TagPolicy::Any => &plan.tags,
        TagPolicy::Only(tags) => tags,
    };
    let tags = serde_json::to_string(tags).unwrap_or_default();
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let mut all = vec![
        raw("CI_BUILDS_DIR", builds.display().to_string()),
        raw("CI_CONCURRENT_ID", job.concurrent.to_string()),
        raw("CI_CONCURRENT_PROJECT_ID", job.concurrent.to_string()),
        raw("CI_SERVER", "yes"),
        raw("CI_JOB_STATUS", "running"),
        raw("CI_JOB_TIMEOUT", (plan.timeout.0 / 1000).to_string()),
        raw("CI_RUNNER_ID", "1"),
        raw("CI_RUNNER_SHORT_TOKEN", job.config.name.as_str()),
        raw("CI_RUNNER_DESCRIPTION", job.config.name.as_str()),
        raw("CI_RUNNER_VERSION", env!("CARGO_PKG_VERSION")),
        raw("CI_RUNNER_EXECUTABLE_ARCH", format!("linux/{arch}")),
        raw("CI_RUNNER_TAGS", tags),
        raw("RUNNER_TEMP_PROJECT_DIR", tmp_dir.display().to_string()),
        if in_container {
            raw("CI_DISPOSABLE_ENVIRONMENT", "true")
        } else {
            raw("CI_SHARED_ENVIRONMENT", "true")
        },
    ];
    if let Some(image) = &plan.image {
        all.push(JobVariable {
            raw: false,
            ..raw("CI_JOB_IMAGE", image.name.as_str())
        });
    }
    all
}

fn raw(key: &str, value: impl Into<String>) -> JobVariable {
    JobVariable {
        key: key.to_owned(),
        value: value.into(),
        file: false,
        masked: false,
        raw: true,
    }
}
