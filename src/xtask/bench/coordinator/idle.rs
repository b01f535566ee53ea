//! What runners cost that wait for a job.

use std::{path::Path, time::Duration};

use super::{
    runner::Simulated,
    server::{Database, Server},
};
use crate::{
    error::{Error, Result},
    stage::{Count, say},
};

/// Runners that wait.
const POLLS: usize = 1000;
/// Until all are known to wait.
const SETTLE: Duration = Duration::from_secs(2);

/// Measures on SQLite.
pub(super) async fn measure(aqueduct: &Path) -> Result<Count> {
    let server = Server::start(aqueduct, Database::Sqlite).await?;
    let (token, _) = server.furnish().await?;
    server.api().first_look().await?;
    let before = server.megabytes()?.0;
    let mut waiting = Vec::new();
    for number in 0..POLLS {
        let mut runner = Simulated::new(server.address(), &token, number).await?;
        waiting.push(tokio::spawn(async move {
            let job = runner.claim(true).await?.map(|job| (runner, job));
            Ok::<_, Error>(job)
        }));
    }
    tokio::time::sleep(SETTLE).await;
    let after = server.megabytes()?.0;
    let ended = waiting.iter().filter(|poll| poll.is_finished()).count();
    if ended > 0 {
        return Err(Error::Unexpected(format!("{ended} polls did not wait")));
    }
    say(&format!(
        "   {POLLS} idle long polls: {after:.1} MB resident, {:.1} KB each ({before:.1} MB without them)",
        (after - before) * 1000.0 / POLLS as f64
    ));
    for poll in &waiting {
        poll.abort();
    }
    Ok(Count::one(true))
}
