//! Keys of objects: the layout of what the coordinator keeps outside of its database.
//!
//! A key holds ids and a random part only, never a name that somebody chose, so that no branch or file name can lead anywhere.
//! Jobs are spread over folders by thousands: no folder grows without end.

use crate::id::GlobalAttempt;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// An artifact, as it was uploaded.
    Artifact,
    /// A sealed trace.
    Trace,
}

/// The key of a new object of an attempt. `unique` differs for every upload, so that nothing is ever written over what a reader has
/// open; of it only ASCII letters and digits are taken.
pub fn key(kind: ObjectKind, attempt: GlobalAttempt, unique: &str) -> String {
    let folder = match kind {
        ObjectKind::Artifact => "artifacts",
        ObjectKind::Trace => "traces",
    };
    let thousand = attempt.job.0 / 1000;
    let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{folder}/{thousand}/{attempt}-{unique}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::GlobalJobId;

    #[test]
    fn keys_hold_ids_and_nothing_that_leads_elsewhere() {
        let attempt = |job, attempt| GlobalAttempt {
            job: GlobalJobId(job),
            attempt,
        };
        let table = [
            (
                (ObjectKind::Artifact, attempt(7, 1), "a1"),
                "artifacts/0/7-1-a1",
            ),
            (
                (ObjectKind::Trace, attempt(12_345, 2), "x"),
                "traces/12/12345-2-x",
            ),
            (
                (ObjectKind::Trace, attempt(1, 1), "../Ü/b"),
                "traces/0/1-1-b",
            ),
        ];
        for ((kind, attempt, unique), expected) in table {
            assert_eq!(key(kind, attempt, unique), expected);
        }
    }
}
