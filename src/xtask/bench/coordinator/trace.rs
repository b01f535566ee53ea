//! How fast traces are taken, each piece on disk before it is answered.

use std::{path::Path, time::Instant};

use super::{
    load::Load,
    runner::Simulated,
    server::{Database, Server},
};
use crate::{
    error::{Error, Result},
    stage::{Count, say},
};

/// Jobs that write at the same time.
const WRITERS: usize = 8;
/// Bytes of a piece, and pieces of each job: large as a stock runner's largest, and small as an ordinary job's.
const SHAPES: [(usize, usize); 2] = [(1 << 20, 16), (4 << 10, 500)];

/// Measures on SQLite.
pub(super) async fn measure(aqueduct: &Path) -> Result<Count> {
    let server = Server::start(aqueduct, Database::Sqlite).await?;
    let (token, _) = server.furnish().await?;
    server.push(WRITERS * SHAPES.len(), 1).await?;
    server.api().pipelines(1).await?;
    for (bytes, pieces) in SHAPES {
        let load = Load::of(&server);
        let began = Instant::now();
        let mut writers = Vec::new();
        for number in 0..WRITERS {
            let runner = Simulated::new(server.address(), &token, number).await?;
            writers.push(tokio::spawn(write(runner, bytes, pieces)));
        }
        for writer in writers {
            let written = writer.await;
            written.map_err(|error| Error::Unexpected(error.to_string()))??;
        }
        let seconds = began.elapsed().as_secs_f64();
        let all = WRITERS * pieces;
        say(&format!(
            "   trace of {WRITERS} jobs in pieces of {} KiB: {:.1} MB/s, {:.0} pieces a second (no peer here)",
            bytes >> 10,
            (all * bytes) as f64 / 1e6 / seconds,
            all as f64 / seconds,
        ));
        load.tell(all);
    }
    Ok(Count::one(true))
}

async fn write(mut runner: Simulated, bytes: usize, pieces: usize) -> Result<()> {
    let line = b"a line of a log as compilers write it, with a number at its end: 0123456789\n";
    let piece: Vec<u8> = line.iter().copied().cycle().take(bytes).collect();
    let nothing = || Error::Unexpected("there is no job to write a trace of".into());
    let job = runner.claim(false).await?.ok_or_else(nothing)?;
    runner.begin(&job).await?;
    for at in 0..pieces {
        runner.trace(&job, at * bytes, &piece).await?;
    }
    runner.end(&job, pieces * bytes).await
}
