use proptest::prelude::*;

use super::{Graph, Seen, SeenSet, Status, composite, start};
use crate::plan::When;

/// `"created W I"` as a set; W is success with warnings, I is ignored.
fn set(words: &str) -> SeenSet {
    let seen = |word: &str| match word {
        "W" => Seen::Warning,
        "I" => Seen::Ignored,
        word => Seen::As(status(word)),
    };
    words.split_whitespace().map(seen).collect()
}

fn status(name: &str) -> Status {
    let found = Status::ALL.into_iter().find(|status| status.name() == name);
    found.unwrap_or_else(|| panic!("no status {name}"))
}

/// Line by line as in pipeline-yaml section 10.1, the narrowest and the widest set of each.
const STAGES: &[(&str, &str)] = &[
    ("", "success"),
    ("skipped", "skipped"),
    ("I", "skipped"),
    ("skipped I", "skipped"),
    ("success", "success"),
    ("W", "success"),
    ("success skipped W I", "success"),
    ("skipped W", "success"),
    ("created", "created"),
    ("created W I", "created"),
    ("preparing", "preparing"),
    ("preparing W I", "preparing"),
    ("canceled", "canceled"),
    ("canceled success skipped W I", "canceled"),
    ("pending", "pending"),
    ("pending created skipped W I", "pending"),
    ("created skipped", "pending"),
    ("running", "running"),
    ("running failed manual scheduled created", "running"),
    ("pending success", "running"),
    ("pending failed", "running"),
    ("waiting_for_resource", "waiting_for_resource"),
    (
        "waiting_for_resource manual failed created",
        "waiting_for_resource",
    ),
    ("manual", "manual"),
    ("manual scheduled failed created success", "manual"),
    ("scheduled", "scheduled"),
    ("scheduled preparing failed created", "scheduled"),
    ("preparing success", "preparing"),
    ("preparing created failed", "preparing"),
    ("created success", "running"),
    ("created failed", "running"),
    ("failed", "failed"),
    ("failed success skipped canceled W I", "failed"),
];

/// Only what differs from stages: the two checks that come first.
const NEEDS: &[(&str, &str)] = &[
    ("", "success"),
    ("skipped", "skipped"),
    ("I", "skipped"),
    ("success skipped", "skipped"),
    ("success I", "skipped"),
    ("running skipped", "skipped"),
    ("failed I", "skipped"),
    ("created", "pending"),
    ("created success", "pending"),
    ("running failed", "pending"),
    ("manual", "pending"),
    ("manual success", "pending"),
    ("scheduled", "pending"),
    ("preparing W", "pending"),
    ("waiting_for_resource", "pending"),
    ("success", "success"),
    ("success W", "success"),
    ("W", "success"),
    ("canceled success W", "canceled"),
    ("failed", "failed"),
    ("failed success W", "failed"),
    ("failed canceled", "failed"),
];

#[test]
fn every_line_of_the_algorithm() {
    for (words, expected) in STAGES {
        assert_eq!(
            composite(set(words), Graph::Stages).name(),
            *expected,
            "stages: {words}"
        );
    }
    for (words, expected) in NEEDS {
        assert_eq!(
            composite(set(words), Graph::Needs).name(),
            *expected,
            "needs: {words}"
        );
    }
}

#[test]
fn how_a_job_counts() {
    let table = [
        (Status::Failed, true, Seen::Warning),
        (Status::Canceled, true, Seen::Warning),
        (Status::Manual, true, Seen::Ignored),
        (Status::Failed, false, Seen::As(Status::Failed)),
        (Status::Manual, false, Seen::As(Status::Manual)),
        (Status::Skipped, true, Seen::As(Status::Skipped)),
        (Status::Success, true, Seen::As(Status::Success)),
        (Status::Running, true, Seen::As(Status::Running)),
    ];
    for (status, allowed, expected) in table {
        assert_eq!(
            Seen::of(status, allowed),
            expected,
            "{status} allowed {allowed}"
        );
    }
}

#[test]
fn when_a_job_starts() {
    use When::{Always, Delayed, Manual, OnFailure, OnSuccess};
    let starts = |before, graph| {
        [OnSuccess, Manual, Delayed, OnFailure, Always].map(|when| start(when, before, graph))
    };
    let (yes, no) = (Some(true), Some(false));
    for graph in [Graph::Stages, Graph::Needs] {
        assert_eq!(starts(Status::Success, graph), [yes, yes, yes, no, yes]);
        assert_eq!(starts(Status::Failed, graph), [no, no, no, yes, yes]);
        assert_eq!(starts(Status::Canceled, graph), [no; 5]);
        for status in Status::ALL
            .into_iter()
            .filter(|status| !status.is_terminal())
        {
            assert_eq!(starts(status, graph), [None; 5], "{status}");
        }
    }
    assert_eq!(
        starts(Status::Skipped, Graph::Stages),
        [yes, yes, yes, no, yes]
    );
    assert_eq!(starts(Status::Skipped, Graph::Needs), [no, no, no, no, yes]);
}

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        8 => (0..Status::ALL.len()).prop_map(|at| Seen::As(Status::ALL[at])),
        1 => Just(Seen::Warning),
        1 => Just(Seen::Ignored),
    ]
}

proptest! {
    #[test]
    fn it_ends_exactly_when_all_have(jobs in prop::collection::vec(any_seen(), 0..6)) {
        let ended = |seen: &Seen| match seen {
            Seen::As(status) => status.is_terminal(),
            Seen::Warning | Seen::Ignored => true,
        };
        let status = composite(jobs.iter().copied().collect(), Graph::Stages);
        prop_assert_eq!(status.is_terminal(), jobs.iter().all(ended), "{:?}", jobs);
    }
}
