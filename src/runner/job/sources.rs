//! The working copy that a job begins with.

use std::time::{Duration, Instant};

use aqueduct_core::verdict::{Verdict, VerdictKind};
use aqueduct_ports::{
    work::{Assignment, GitSource, Sources},
    workspace::{
        Checkout, Contents, GitCheckout, Submodules, WorkingCopies, WorkingCopy, WorkspaceError,
    },
};

use super::{Job, Step, Stop};
use crate::keeper::Signal;

/// How long an unreachable repository is tried again: a coordinator that restarts is back by then.
const PATIENCE: Duration = Duration::from_mins(5);
/// First pause between tries.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause between tries.
const MAX_PAUSE: Duration = Duration::from_secs(15);
/// GitLab Runner's name for the section of the trace.
const SECTION: &str = "get_sources";

/// Makes it.
pub(super) async fn prepare(job: &Job<'_>) -> Step<WorkingCopy> {
    let checkout = checkout(job.assignment)?;
    let Checkout::Git(git) = &checkout else {
        let prepared = copies(job)
            .prepare(job.assignment.lease.key, checkout)
            .await;
        return prepared.map_err(|error| failed(&error).into());
    };
    job.trace
        .section_start(SECTION, "Getting source from Git repository");
    job.trace.line(&match git.contents {
        Contents::Nothing => "Skipping Git repository setup".to_owned(),
        Contents::Repository => "Fetching changes...".to_owned(),
        Contents::Files => format!("Checking out {} as detached HEAD...", git.source.sha),
    });
    let prepared = patiently(job, &checkout).await;
    job.trace.section_end(SECTION);
    prepared
}

/// Tries again while the repository can't be reached.
async fn patiently(job: &Job<'_>, checkout: &Checkout) -> Step<WorkingCopy> {
    let begun = Instant::now();
    let mut pause = MIN_PAUSE;
    loop {
        let prepare = copies(job).prepare(job.assignment.lease.key, checkout.clone());
        match until_stopped(job, prepare).await? {
            Ok(copy) => return Ok(copy),
            Err(WorkspaceError::Unreachable(cause)) if begun.elapsed() < PATIENCE => {
                job.trace.warning(&format!("{cause}; trying again"));
            }
            Err(error) => return Err(failed(&error).into()),
        }
        until_stopped(job, tokio::time::sleep(pause)).await?;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

fn copies<'a>(job: &Job<'a>) -> &'a dyn WorkingCopies {
    job.config.copies.as_ref()
}

/// Drops the work when the job is cancelled or its time is over.
async fn until_stopped<T>(job: &Job<'_>, work: impl Future<Output = T>) -> Step<T> {
    let mut signals = job.keeper.signals();
    let stopped = async {
        // Fails only when the keeper is gone, which outlives the job.
        let _ = signals.wait_for(|signal| *signal != Signal::Run).await;
    };
    let timeout = job.assignment.job.timeout.to_std();
    let left = timeout.saturating_sub(job.begun.elapsed());
    tokio::select! {
        done = work => return Ok(done),
        () = stopped => {}
        () = tokio::time::sleep(left) => {}
    }
    // One of the two is so; if the signal was taken back meanwhile, the lease is not ours to speak for.
    Err(job.check().err().unwrap_or(Stop::Lost))
}

fn failed(error: &WorkspaceError) -> Verdict {
    match error {
        WorkspaceError::Refused(cause) => Verdict::new(VerdictKind::ConfigInvalid, cause.clone()),
        WorkspaceError::Unreachable(cause) => Verdict::new(VerdictKind::Internal, cause.clone())
            .with_hint("see whether this runner reaches the server's address for git"),
        error => Verdict::new(
            VerdictKind::Internal,
            format!("the working copy can't be made: {error}"),
        ),
    }
}

/// What `GIT_STRATEGY` and its like ask for. A snapshot's copy is always new and whole, so nothing else that steers a
/// runner's `git` (`GIT_DEPTH`, `GIT_CHECKOUT`) has anything to do there; and no copy is ever used twice, so neither has
/// `GIT_CLEAN_FLAGS` anywhere.
fn checkout(assignment: &Assignment) -> Result<Checkout, Verdict> {
    let strategy = variable(assignment, "GIT_STRATEGY").unwrap_or_default();
    let clone = match strategy {
        "" => None,
        "fetch" => Some(false),
        "clone" => Some(true),
        "none" | "empty" => {
            return Ok(match &assignment.sources {
                Sources::Snapshot => Checkout::Empty,
                Sources::Git(source) => Checkout::Git(Box::new(GitCheckout {
                    source: source.clone(),
                    submodules: Submodules::None,
                    contents: Contents::Nothing,
                })),
            });
        }
        other => {
            return Err(invalid(
                "GIT_STRATEGY",
                other,
                "`fetch`, `clone`, `none` or `empty`",
            ));
        }
    };
    let Sources::Git(source) = &assignment.sources else {
        return Ok(Checkout::Snapshot);
    };
    let depth = match variable(assignment, "GIT_DEPTH") {
        None | Some("") => source.depth,
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| invalid("GIT_DEPTH", text, "a number; 0 is the whole history"))?,
    };
    let submodules = match variable(assignment, "GIT_SUBMODULE_STRATEGY") {
        None | Some("" | "none") => Submodules::None,
        Some("normal") => Submodules::Normal,
        Some("recursive") => Submodules::Recursive,
        Some(other) => {
            return Err(invalid(
                "GIT_SUBMODULE_STRATEGY",
                other,
                "`none`, `normal` or `recursive`",
            ));
        }
    };
    Ok(Checkout::Git(Box::new(GitCheckout {
        source: GitSource {
            depth,
            fetch: clone.map_or(source.fetch, |clone| !clone),
            ..source.clone()
        },
        submodules,
        contents: match variable(assignment, "GIT_CHECKOUT") {
            Some("false" | "0") => Contents::Repository,
            _ => Contents::Files,
        },
    })))
}

fn variable<'a>(assignment: &'a Assignment, name: &str) -> Option<&'a str> {
    let all = assignment.variables.iter().rev();
    let mut named = all.filter(|variable| variable.key == name);
    named.next().map(|variable| variable.value.as_str())
}

fn invalid(name: &str, value: &str, is: &str) -> Verdict {
    Verdict::new(
        VerdictKind::ConfigInvalid,
        format!("unknown {name} '{value}'"),
    )
    .with_hint(format!("{name} is {is}"))
}
