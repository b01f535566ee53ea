//! Development commands: `cargo xtask demo | test | check | bench | chaos | images`.
//!
//! Everything a developer or a CI machine needs beyond Rust, git and a C compiler is installed from
//! here, and announced before it is.
#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod chaos;
mod check;
mod demo;
mod error;
mod images;
mod setup;
mod stage;
mod test;

use std::{env, process::ExitCode};

use error::{Error, Result};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check         format, lints and the tests that need nothing but Rust
  test          everything, on real peers; installs what is missing (as root)
  demo [--keep] runs both examples and shows what they released; --keep leaves the servers up
  bench NAME    plan, run or oci: medians and ratios beside the peers; coordinator, with names of
                its parts where not all are wanted
  chaos [SEED]  500 jobs and 50 kills of coordinator and runners, on SQLite and on PostgreSQL
  images        makes the base images of runner-images/ and prints their references
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            stage::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; `false` means that something it checked failed.
fn dispatch(words: &[&str]) -> Result<bool> {
    match words {
        ["check"] => Ok(check::run()),
        ["test"] => test::run(),
        ["demo"] => demo::run(false),
        ["demo", "--keep"] => demo::run(true),
        ["bench", name, parts @ ..] => bench::run(name, parts),
        // What `bench coordinator` starts once both are built.
        ["bench-coordinator", parts @ ..] => bench::load(parts),
        ["chaos"] => chaos::run(None),
        ["chaos", seed] => chaos::run(Some(seed)),
        ["images"] => images::run(),
        ["help" | "--help" | "-h"] => {
            stage::say(USAGE);
            Ok(true)
        }
        _ => Err(Error::Usage(USAGE)),
    }
}
