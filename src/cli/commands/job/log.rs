//! `aqueduct job log`.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use aqueduct_core::run::Status;

use crate::{
    args::JobLogArgs,
    error::CliError,
    exit::Exit,
    output,
    remote::{Coordinator, LogPart, Patience, RemoteError},
};

/// Between two looks at a log that did not grow.
const PAUSE: Duration = Duration::from_millis(300);

/// Prints the log of an attempt; with `-f` until the job has ended, whatever becomes of the coordinator meanwhile.
pub(super) async fn log(args: &JobLogArgs) -> Result<Exit, CliError> {
    let coordinator = Coordinator::of(&args.coordinator)?;
    let about = |error| coordinator.about("job", args.id, error);
    let job = coordinator.job(args.id).await.map_err(about)?.value;
    let mut place = Place {
        // A job that nobody took has no attempt yet; its first is the one to wait for.
        attempt: args.attempt.unwrap_or(job.attempt).max(1),
        offset: 0,
    };
    let mut patience = Patience::new();
    // It answered a moment ago.
    patience.answered();
    loop {
        let step = match coordinator.log(args.id, place.attempt, place.offset).await {
            Ok(part) => copy(part, &mut place).await?,
            Err(error) => Step::Trouble(error),
        };
        match step {
            Step::Grew => patience.answered(),
            Step::Still { .. } if !args.follow => return Ok(Exit::Success),
            Step::Still { attempt, .. } if attempt > place.attempt => {
                patience.answered();
                output::note(&format!("attempt {attempt} of job {} begins", args.id));
                place = Place { attempt, offset: 0 };
            }
            Step::Still { ended: true, .. } => return Ok(Exit::Success),
            Step::Still { .. } => {
                patience.answered();
                tokio::time::sleep(PAUSE).await;
            }
            Step::Trouble(error) => patience.wait(error).await.map_err(about)?,
        }
    }
}

/// How far the log was printed.
#[derive(Clone, Copy, Debug)]
struct Place {
    attempt: u32,
    offset: u64,
}

/// What a part brought.
enum Step {
    /// There may be more.
    Grew,
    /// Nothing: the log has ended, or waits.
    Still { ended: bool, attempt: u32 },
    /// It was not read to its end.
    Trouble(RemoteError),
}

/// Prints what comes in and counts it, so that a part that breaks off goes on where it did.
async fn copy(mut part: LogPart, place: &mut Place) -> Result<Step, CliError> {
    let ended = part.status.is_some_and(Status::is_terminal);
    let attempt = part.attempt.unwrap_or(place.attempt);
    let began = place.offset;
    loop {
        match part.next().await {
            Ok(Some(bytes)) => {
                print(bytes.as_ref())?;
                place.offset += bytes.as_ref().len() as u64;
            }
            Ok(None) if place.offset > began => return Ok(Step::Grew),
            Ok(None) => return Ok(Step::Still { ended, attempt }),
            Err(error) => return Ok(Step::Trouble(error)),
        }
    }
}

fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(bytes).and_then(|()| out.flush());
    printed.map_err(|error| output::closed(&error))
}
