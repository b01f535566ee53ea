//! Tables, and properties over any sequence of answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::time::{Millis, Timestamp};

/// What is stored of refs: name to commit and since when it is missing.
type Stored = BTreeMap<String, (String, Option<Timestamp>)>;

const PATIENCE: Millis = Millis(10);

fn answer(default: Option<&str>, refs: &[(&str, &str)]) -> Answer {
    Answer {
        default_branch: default.map(str::to_owned),
        refs: refs
            .iter()
            .map(|(name, sha)| RemoteRef {
                name: (*name).to_owned(),
                sha: (*sha).to_owned(),
                peeled: None,
            })
            .collect(),
        unreadable: 0,
    }
}

fn known(stored: &Stored) -> Vec<KnownRef<'_>> {
    let known = stored.iter().map(|(name, (sha, missing_since))| KnownRef {
        name,
        sha,
        missing_since: *missing_since,
    });
    known.collect()
}

/// As a store would: every change must begin where the ref is.
fn apply(stored: &mut Stored, changes: &[RefChange], now: Timestamp) {
    for change in changes {
        let before = stored.get(&change.name).cloned();
        assert_eq!(before.as_ref().map(|(sha, _)| sha), change.from.as_ref());
        let (sha, since) = before.unwrap_or_default();
        match &change.to {
            RefMove::At(sha) => stored.insert(change.name.clone(), (sha.clone(), None)),
            RefMove::Missing => stored.insert(change.name.clone(), (sha, since.or(Some(now)))),
            RefMove::Back => stored.insert(change.name.clone(), (sha, None)),
            RefMove::Deleted => stored.remove(&change.name),
        };
    }
}

fn stored(refs: &[(&str, &str, Option<i64>)]) -> Stored {
    refs.iter()
        .map(|(name, sha, since)| {
            (
                (*name).to_owned(),
                ((*sha).to_owned(), since.map(Timestamp)),
            )
        })
        .collect()
}

/// What a row is about, what is stored, what is answered, what changes.
type Row<'a> = (
    &'a str,
    Stored,
    Answer,
    Vec<(&'a str, Option<&'a str>, RefMove)>,
);

#[test]
fn what_an_answer_changes() {
    use RefMove::{Back, Deleted, Missing};
    let at = |sha: &str| RefMove::At(sha.into());
    let (main, topic, tag) = ("refs/heads/main", "refs/heads/topic", "refs/tags/v1");
    let now = Timestamp(100);
    let table: Vec<Row<'_>> = vec![
        (
            "nothing new",
            stored(&[(main, "1", None)]),
            answer(None, &[(main, "1")]),
            vec![],
        ),
        (
            "created, moved, tagged",
            stored(&[(main, "1", None)]),
            answer(None, &[(tag, "2"), (topic, "1"), (main, "2")]),
            vec![
                (main, Some("1"), at("2")),
                (topic, None, at("1")),
                (tag, None, at("2")),
            ],
        ),
        (
            "missing once",
            stored(&[(main, "1", None), (topic, "1", None)]),
            answer(None, &[(main, "1")]),
            vec![(topic, Some("1"), Missing)],
        ),
        (
            "missing twice, long enough apart",
            stored(&[
                (main, "1", None),
                (topic, "1", Some(90)),
                (tag, "1", Some(91)),
            ]),
            answer(None, &[(main, "1")]),
            vec![(topic, Some("1"), Deleted)],
        ),
        (
            "back where it was, and back elsewhere",
            stored(&[
                (main, "1", None),
                (topic, "1", Some(50)),
                (tag, "1", Some(50)),
            ]),
            answer(None, &[(main, "1"), (topic, "1"), (tag, "2")]),
            vec![(topic, Some("1"), Back), (tag, Some("1"), at("2"))],
        ),
        (
            "without the default branch nothing is missing, but what is there counts",
            stored(&[(main, "1", None), (topic, "1", Some(0))]),
            answer(None, &[(tag, "1")]),
            vec![(tag, None, at("1"))],
        ),
        (
            "an empty answer",
            stored(&[(main, "1", None), (topic, "1", Some(0))]),
            answer(None, &[]),
            vec![],
        ),
        (
            "protected",
            stored(&[(main, "1", None), ("refs/heads/stable", "1", Some(0))]),
            answer(None, &[(main, "1")]),
            vec![],
        ),
    ];
    let protected = BTreeSet::from(["refs/heads/stable".to_owned()]);
    let guards = Guards {
        default_branch: Some("main"),
        protected: &protected,
        patience: PATIENCE,
        deletions: 10,
    };
    for (what, stored, answer, expected) in table {
        let changes = compare(&known(&stored), &answer, &guards, now).changes;
        let found: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change.name.as_str(),
                    change.from.as_deref(),
                    change.to.clone(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn what_was_not_deleted_is_counted() {
    let protected = BTreeSet::from(["refs/heads/stable".to_owned()]);
    let mut guards = Guards {
        default_branch: Some("main"),
        protected: &protected,
        patience: PATIENCE,
        deletions: 1,
    };
    let stored = stored(&[
        ("refs/heads/a", "1", Some(0)),
        ("refs/heads/b", "1", Some(0)),
        ("refs/heads/c", "1", Some(95)),
        ("refs/heads/d", "1", None),
        ("refs/heads/main", "1", None),
        ("refs/heads/stable", "1", Some(0)),
    ]);
    let answer = answer(None, &[("refs/heads/main", "1")]);
    let held = compare(&known(&stored), &answer, &guards, Timestamp(100)).held_back;
    let expected = HeldBack {
        doubtful: 0,
        protected: 1,
        fresh: 2,
        capped: 1,
    };
    assert_eq!(held, expected);
    guards.default_branch = None;
    let held = compare(&known(&stored), &answer, &guards, Timestamp(100)).held_back;
    assert_eq!((held.doubtful, held.fresh), (5, 0));
}

#[test]
fn a_repository_that_names_no_default_branch_has_a_likely_one() {
    let protected = BTreeSet::new();
    let guards = Guards {
        default_branch: None,
        protected: &protected,
        patience: PATIENCE,
        deletions: 10,
    };
    let likely = |told: Option<&str>, names: &[&str]| {
        let refs: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).collect();
        compare(&[], &answer(told, &refs), &guards, Timestamp(1)).default_branch
    };
    let (a, main, tag) = ("refs/heads/a", "refs/heads/main", "refs/tags/v1");
    assert_eq!(likely(None, &[]), None);
    assert_eq!(likely(Some("master"), &[tag, a]).as_deref(), Some("a"));
    assert_eq!(likely(None, &[a, main]).as_deref(), Some("main"));
    assert_eq!(likely(None, &[a, "refs/heads/b"]), None);
    assert_eq!(likely(Some("a"), &[a, main]).as_deref(), Some("a"));
}

#[test]
fn another_default_branch_is_believed_in_the_second_time() {
    let protected = BTreeSet::new();
    let guards = |default_branch| Guards {
        default_branch,
        protected: &protected,
        patience: PATIENCE,
        deletions: 10,
    };
    let told = answer(Some("trunk"), &[("refs/heads/trunk", "1")]);
    let renamed = |stored: &Stored, default| {
        compare(&known(stored), &told, &guards(default), Timestamp(1)).default_branch
    };
    let trunk = Some("trunk".to_owned());
    assert_eq!(renamed(&stored(&[]), None), trunk);
    assert_eq!(
        renamed(&stored(&[("refs/heads/main", "1", None)]), Some("main")),
        None
    );
    let both = stored(&[
        ("refs/heads/main", "1", None),
        ("refs/heads/trunk", "1", None),
    ]);
    assert_eq!(renamed(&both, Some("main")), trunk);
    assert_eq!(renamed(&both, Some("trunk")), None);
}

/// A look at the repository: which of the refs are there, at which commit, and whether the answer is a bad one.
#[derive(Clone, Debug)]
struct Look {
    refs: BTreeMap<u8, u8>,
    lost: BTreeSet<u8>,
    main: bool,
    pause: i64,
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let look = (
        proptest::collection::btree_map(0..6_u8, 0..3_u8, 0..6),
        proptest::collection::btree_set(0..6_u8, 0..3),
        proptest::bool::weighted(0.8),
        0..25_i64,
    );
    let look = look.prop_map(|(refs, lost, main, pause)| Look {
        refs,
        lost,
        main,
        pause,
    });
    proptest::collection::vec(look, 1..12)
}

fn name(number: u8) -> String {
    format!(
        "refs/{}/r{number}",
        if number.is_multiple_of(3) {
            "tags"
        } else {
            "heads"
        }
    )
}

impl Look {
    fn answer(&self, whole: bool) -> Answer {
        let mut refs: Vec<(String, String)> = self
            .refs
            .iter()
            .filter(|(number, _)| whole || !self.lost.contains(number))
            .map(|(number, sha)| (name(*number), sha.to_string()))
            .collect();
        if self.main || whole {
            refs.push(("refs/heads/main".into(), "0".into()));
        }
        let refs: Vec<_> = refs
            .iter()
            .map(|(name, sha)| (name.as_str(), sha.as_str()))
            .collect();
        answer(Some("main"), &refs)
    }
}

proptest! {
    #[test]
    fn no_single_answer_deletes_and_all_answers_converge(looks in looks(), cap in 1..3_usize) {
        let protected = BTreeSet::from([name(1)]);
        let guards = Guards {
            default_branch: Some("main"),
            protected: &protected,
            patience: PATIENCE,
            deletions: cap,
        };
        let mut stored = Stored::new();
        let mut now = Timestamp(0);
        // When each ref was last seen, and how often it was missing from trusted answers since.
        let mut absences: BTreeMap<String, (u32, Timestamp)> = BTreeMap::new();
        let last = looks.len() - 1;
        let rest = std::iter::repeat_n((&looks[last], true), 20);
        for (look, whole) in looks.iter().map(|look| (look, false)).chain(rest) {
            now = Timestamp(now.0 + if whole { 10 } else { look.pause });
            let answer = look.answer(whole);
            let seen: BTreeSet<&str> = answer.refs.iter().map(|found| found.name.as_str()).collect();
            let trusted = seen.contains("refs/heads/main");
            for known in stored.keys() {
                if seen.contains(known.as_str()) {
                    absences.remove(known);
                } else if trusted {
                    absences.entry(known.clone()).or_insert((0, now)).0 += 1;
                }
            }
            let found = compare(&known(&stored), &answer, &guards, now);
            let deleted = found.changes.iter().filter(|change| change.to == RefMove::Deleted);
            for (count, change) in deleted.enumerate() {
                let (times, first) = absences[&change.name];
                prop_assert!(trusted && times >= 2 && now.since(first) >= PATIENCE);
                prop_assert!(!protected.contains(&change.name) && count < cap);
                prop_assert!(change.name != "refs/heads/main");
            }
            apply(&mut stored, &found.changes, now);
            let again = compare(&known(&stored), &answer, &guards, now);
            let more = again.changes.iter().all(|change| change.to == RefMove::Deleted);
            prop_assert!(more, "an answer told twice changes nothing but what the cap held back: {again:?}");
        }
        let expected: BTreeMap<String, String> = looks[last]
            .answer(true)
            .refs
            .into_iter()
            .map(|found| (found.name, found.sha))
            .collect();
        let mut left: BTreeMap<String, String> =
            stored.into_iter().map(|(name, (sha, _))| (name, sha)).collect();
        if !expected.contains_key(&name(1)) {
            left.remove(&name(1));
        }
        prop_assert_eq!(left, expected);
    }
}
