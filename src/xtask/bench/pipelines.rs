//! The pipelines that are measured: valid for Aqueduct and for gitlab-ci-local alike.

use std::{fmt::Write, path::Path, process::Command};

use aqueduct_testkit::{command::run, project::Project};

use crate::error::Result;

/// Writes a pipeline into an empty repository that also has a remote, which gitlab-ci-local wants.
pub(crate) fn project(aqueduct: &Path, pipeline: &str) -> Result<Project> {
    let project = Project::new(aqueduct, None)?;
    project.write(".gitlab-ci.yml", pipeline)?;
    project.write(".gitignore", ".gitlab-ci-local/\n")?;
    project.commit()?;
    let mut git = Command::new("git");
    git.current_dir(project.path())
        .args(["remote", "add", "origin"]);
    run(git.arg("git@gitlab.example.com:group/bench.git"), "git")?;
    Ok(project)
}

/// `jobs` jobs over ten stages, each with a template, variables, rules and, beyond the first
/// stage, two needs: what a large generated pipeline looks like.
pub(crate) fn large(jobs: usize) -> String {
    let mut text = String::from("stages: [s0, s1, s2, s3, s4, s5, s6, s7, s8, s9]\n");
    text.push_str(
        "\nvariables:\n  ROOT: /srv\n  MODE: release\n\
         \n.base:\n  before_script:\n    - echo prepare\n  variables:\n    LEVEL: base\n\
         \n.unit:\n  extends: .base\n  script:\n    - echo \"$MODE $LEVEL\"\n  \
         rules:\n    - if: $CI_PIPELINE_SOURCE == \"schedule\"\n      when: never\n    \
         - if: $MODE == \"release\" && $ROOT =~ /^\\/srv/\n",
    );
    let per_stage = jobs.div_ceil(10);
    for job in 0..jobs {
        let stage = job / per_stage;
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\njob-{job}:\n  extends: .unit\n  stage: s{stage}\n  variables:\n    NUMBER: \"{job}\"\n"
        );
        if stage > 0 {
            let (one, other) = (job - per_stage, (stage - 1) * per_stage);
            let _ = write!(text, "  needs: [job-{one}");
            if one != other {
                let _ = write!(text, ", job-{other}");
            }
            text.push_str("]\n");
        }
    }
    text
}

/// `jobs` jobs of one stage, each with one line of shell.
pub(crate) fn one_liners(jobs: usize) -> String {
    let mut text = String::from("stages: [test]\n");
    for job in 0..jobs {
        let _ = write!(
            text,
            "\njob-{job}:\n  stage: test\n  script:\n    - echo {job}\n"
        );
    }
    text
}

/// `jobs` container jobs, one after the other, that do nothing.
pub(crate) fn containers(jobs: usize) -> String {
    let mut text = String::from("stages: [test]\ndefault:\n  image: $IMAGE\n");
    for job in 0..jobs {
        let _ = write!(text, "\njob-{job}:\n  stage: test\n  script: [\"true\"]\n");
        if job > 0 {
            let _ = writeln!(text, "  needs: [job-{}]", job - 1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_pipeline_has_its_jobs_and_two_needs_each() {
        let text = large(1000);
        assert_eq!(text.matches("\njob-").count(), 1000);
        assert!(text.contains("needs: [job-0]\n"));
        assert!(text.contains("needs: [job-899, job-800]\n"));
    }
}
