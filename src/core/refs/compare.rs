//! What an answer changes of what is known, and what it must not destroy (design 8).

use std::{cmp::Ordering, collections::BTreeSet};

use super::{Answer, RemoteRef};
use crate::time::{Millis, Timestamp};

/// A ref as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRef<'a> {
    /// Full name.
    pub name: &'a str,
    /// The commit.
    pub sha: &'a str,
    /// Since when it has been missing from the answers.
    pub missing_since: Option<Timestamp>,
}

/// What keeps a bad answer from destroying anything.
#[derive(Clone, Copy, Debug)]
pub struct Guards<'a> {
    /// The default branch as it is known, without `refs/heads/`. An answer that lacks it destroys nothing; as long as none is
    /// known, none does.
    pub default_branch: Option<&'a str>,
    /// Full names of refs that are never deleted; the default branch isn't anyway.
    pub protected: &'a BTreeSet<String>,
    /// A ref counts as deleted once two answers in a row lack it that lie at least this far apart.
    pub patience: Millis,
    /// At most so many refs are deleted by one answer; the others by later ones.
    pub deletions: usize,
}

/// What changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Changes, by the bytes of the names, each ref once.
    pub changes: Vec<RefChange>,
    /// Missing refs that were not deleted.
    pub held_back: HeldBack,
    /// The default branch to remember from now on, if it is another one: the repository has renamed it.
    pub default_branch: Option<String>,
}

/// How many missing refs were not deleted, each counted under the first reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// The answer lacks the default branch.
    pub doubtful: usize,
    /// They are protected.
    pub protected: usize,
    /// They were there the last time, or a moment ago.
    pub fresh: usize,
    /// Enough were deleted by this answer.
    pub capped: usize,
}

/// A change of one ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefChange {
    /// Full name.
    pub name: String,
    /// The commit it was known at; `None` for one that wasn't known.
    pub from: Option<String>,
    /// What happened.
    pub to: RefMove,
}

/// What happened to a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefMove {
    /// It is at this commit: new, moved, or made again elsewhere while it was missing.
    At(String),
    /// It is missing for the first time.
    Missing,
    /// It was missing and is where it was.
    Back,
    /// It is gone.
    Deleted,
}

/// Compares what is known with an answer. Whether a move was a fast-forward isn't told by names and commits.
pub fn compare(
    known: &[KnownRef<'_>],
    answer: &Answer,
    guards: &Guards<'_>,
    now: Timestamp,
) -> Comparison {
    let mut known: Vec<&KnownRef<'_>> = known.iter().collect();
    // Databases have their own idea of order.
    known.sort_by_key(|known| known.name);
    let mut seen: Vec<&RemoteRef> = answer.refs.iter().collect();
    seen.sort_by(|one, other| one.name.cmp(&other.name));
    let mut round = Round {
        guards,
        now,
        trusted: guards
            .default_branch
            .is_some_and(|name| has_branch(&seen, name)),
        deletions: 0,
        found: Comparison {
            default_branch: renamed(&known, &seen, answer, guards),
            ..Comparison::default()
        },
    };
    let (mut known, mut seen) = (known.into_iter().peekable(), seen.into_iter().peekable());
    loop {
        let order = match (known.peek(), seen.peek()) {
            (None, None) => return round.found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(known), Some(seen)) => known.name.cmp(&seen.name),
        };
        let one = (order != Ordering::Greater).then(|| known.next()).flatten();
        let other = (order != Ordering::Less).then(|| seen.next()).flatten();
        match (one, other) {
            (Some(known), Some(seen)) => round.both(known, seen),
            (Some(known), None) => round.missing(known),
            (None, Some(seen)) => round.change(&seen.name, None, RefMove::At(seen.commit().into())),
            (None, None) => {}
        }
    }
}

/// `seen` is sorted.
fn has_branch(seen: &[&RemoteRef], branch: &str) -> bool {
    let name = format!("refs/heads/{branch}");
    seen.binary_search_by(|found| found.name.as_str().cmp(&name))
        .is_ok()
}

/// The default branch of a repository whose `HEAD` names none that exists: its only branch, else one of the usual names.
fn likely_default(seen: &[&RemoteRef]) -> Option<String> {
    let mut branches = seen
        .iter()
        .filter_map(|found| found.name.strip_prefix("refs/heads/"));
    match (branches.next(), branches.next()) {
        (only, None) => only.map(str::to_owned),
        _ => ["main", "master"]
            .into_iter()
            .find(|name| has_branch(seen, name))
            .map(str::to_owned),
    }
}

/// Another default branch is believed in once it was seen before: the first answer that names it may be another repository's.
fn renamed(
    known: &[&KnownRef<'_>],
    seen: &[&RemoteRef],
    answer: &Answer,
    guards: &Guards<'_>,
) -> Option<String> {
    let told = match (&answer.default_branch, guards.default_branch) {
        (Some(told), _) if has_branch(seen, told) => told.clone(),
        (_, None) => likely_default(seen)?,
        _ => return None,
    };
    if guards.default_branch == Some(&told) {
        return None;
    }
    let is_known = || {
        let name = format!("refs/heads/{told}");
        let found = known.binary_search_by(|known| known.name.cmp(name.as_str()));
        found.is_ok_and(|at| known[at].missing_since.is_none())
    };
    (guards.default_branch.is_none() || is_known()).then_some(told)
}

/// One comparison at work.
struct Round<'a> {
    guards: &'a Guards<'a>,
    now: Timestamp,
    /// Whether what the answer lacks may be concluded from.
    trusted: bool,
    deletions: usize,
    found: Comparison,
}

impl Round<'_> {
    fn both(&mut self, known: &KnownRef<'_>, seen: &RemoteRef) {
        if known.sha != seen.commit() {
            self.change(
                known.name,
                Some(known.sha),
                RefMove::At(seen.commit().into()),
            );
        } else if known.missing_since.is_some() {
            self.change(known.name, Some(known.sha), RefMove::Back);
        }
    }

    fn missing(&mut self, known: &KnownRef<'_>) {
        let held = &mut self.found.held_back;
        if !self.trusted {
            held.doubtful += 1;
            return;
        }
        let Some(since) = known.missing_since else {
            held.fresh += 1;
            return self.change(known.name, Some(known.sha), RefMove::Missing);
        };
        // The trusted default branch is in the answer; only a project without one could get here with it.
        if self.guards.protected.contains(known.name) {
            held.protected += 1;
        } else if self.now.since(since) < self.guards.patience {
            held.fresh += 1;
        } else if self.deletions >= self.guards.deletions {
            held.capped += 1;
        } else {
            self.deletions += 1;
            self.change(known.name, Some(known.sha), RefMove::Deleted);
        }
    }

    fn change(&mut self, name: &str, from: Option<&str>, to: RefMove) {
        self.found.changes.push(RefChange {
            name: name.to_owned(),
            from: from.map(str::to_owned),
            to,
        });
    }
}
