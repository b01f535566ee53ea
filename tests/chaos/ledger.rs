//! What the jobs wrote outside: which attempts began and ended where, and when.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds of the same clock that the jobs read.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// A `kill -9`.
#[derive(Clone, Debug)]
pub(crate) struct Kill {
    pub(crate) who: String,
    pub(crate) at_ms: u64,
}

/// An attempt whose script began.
#[derive(Clone, Debug)]
pub(crate) struct Began {
    pub(crate) runner: String,
    pub(crate) at_ms: u64,
    /// Where it wrote what it printed.
    pub(crate) written: PathBuf,
    pub(crate) ended: bool,
}

/// The attempts of every job, in the order they began.
pub(crate) fn read(outside: &Path) -> BTreeMap<u64, Vec<Began>> {
    let text = fs::read_to_string(outside.join("ledger")).unwrap();
    let mut jobs: BTreeMap<u64, Vec<Began>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let &[what, job, runner, at_ms, written] = words.as_slice() else {
            panic!("a torn line in the ledger: {line:?}");
        };
        let attempts = jobs.entry(job.parse().unwrap()).or_default();
        let written = PathBuf::from(written);
        if what == "begin" {
            attempts.push(Began {
                runner: runner.to_owned(),
                at_ms: at_ms.parse().unwrap(),
                written,
                ended: false,
            });
        } else {
            let began = attempts.iter_mut().find(|began| began.written == written);
            began.unwrap().ended = true;
        }
    }
    jobs
}
