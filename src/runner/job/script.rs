//! The procedure of a job with a script.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use aqueduct_core::{
    plan::ScriptSpec,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::workspace::WorkingCopy;

use super::{Ended, Job, Step, Stop, artifacts, cache, execute, scope::Scope, sources};

/// Runs it.
pub(super) async fn run(job: &Job<'_>, script: &ScriptSpec) -> Step<Ended> {
    job.check()?;
    let copy = sources::prepare(job).await?;
    let scope = Scope::new(job, &copy);
    let executed = match before(job, &copy, &scope).await {
        Ok(()) => execute::run(job, &copy, &scope, script).await,
        Err(stop) => Err(stop),
    };
    let ended = match executed {
        Ok(outcome) => Ended {
            verdict: outcome.verdict,
            exit_code: outcome.exit_code,
            ..Ended::default()
        },
        Err(Stop::Lost) => return Err(Stop::Lost),
        // What is there is still collected: artifacts with `when: on_failure` show how far it got.
        Err(Stop::Verdict(verdict)) => Ended::failed(verdict),
    };
    Ok(after(job, &copy, &scope, ended).await)
}

/// Everything that the script finds when it starts.
async fn before(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope) -> Step<()> {
    write_file_variables(scope, &copy.tmp_dir)
        .map_err(|error| internal("a file variable can't be written", &error))?;
    cache::restore(job, copy, scope).await;
    job.check()?;
    artifacts::download(job, copy).await?;
    job.check()
}

/// Everything that is kept of it.
async fn after(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope, mut ended: Ended) -> Ended {
    if let Some(verdict) = &ended.verdict {
        job.trace.error(&format!("Job failed: {}", verdict.cause));
    }
    if job.is_killed() {
        return ended;
    }
    let success = ended.verdict.is_none();
    cache::save(job, copy, scope, success).await;
    match artifacts::upload(job, copy, scope, success).await {
        Ok(uploaded) => {
            ended.has_artifacts = uploaded.has_archive;
            ended.dotenv = uploaded.dotenv;
        }
        Err(verdict) => {
            job.trace.error(&verdict.cause);
            // The script's own failure is the better explanation.
            ended.verdict.get_or_insert(verdict);
        }
    }
    ended
}

/// Files that the job's variables name, each with exactly its value. Readable by any user of a container: the directory
/// above is closed to others on this machine.
fn write_file_variables(scope: &Scope, tmp_dir: &Path) -> Result<(), String> {
    for (name, value) in &scope.files {
        if name.contains(['/', '\0']) || matches!(name.as_str(), "" | "." | "..") {
            return Err(format!("'{}' is no file name", name.escape_debug()));
        }
        let path = tmp_dir.join(name);
        fs::write(&path, value)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn internal(what: &str, cause: &impl std::fmt::Display) -> Verdict {
    Verdict::new(VerdictKind::Internal, format!("{what}: {cause}"))
        .with_hint("check free disk space and permissions of the cache directory")
}
