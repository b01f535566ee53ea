//! Standard output is for data, standard error for everything else; both survive a closed pipe.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::{error::CliError, exit::Exit};

/// A plan of a thousand jobs has half a megabyte: few writes, and little memory.
const BUFFER: usize = 64 * 1024;

/// Writes `text` to standard output.
pub(crate) fn text(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| closed(&error))
}

/// Writes one JSON value and a newline to standard output.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), CliError> {
    let mut out = io::BufWriter::with_capacity(BUFFER, io::stdout().lock());
    serde_json::to_writer(&mut out, value)
        .map_err(io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(|error| closed(&error))
}

/// Writes one line to standard error, in one call, so that lines of several programs don't mix; a closed standard error is
/// nobody's business.
pub(crate) fn note(line: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{line}\n").as_bytes());
}

/// Why standard output takes no more.
pub(crate) fn closed(error: &io::Error) -> CliError {
    // `aqueduct plan | head` is no failure worth a message, but the exit code must not claim success.
    let message = match error.kind() {
        io::ErrorKind::BrokenPipe => String::new(),
        _ => format!("can't write to standard output: {error}"),
    };
    CliError {
        exit: Exit::Infrastructure,
        message,
        help: None,
    }
}
