//! What commits say, remembered.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use aqueduct_core::id::ProjectId;
use aqueduct_pages::CommitNote;
use futures_util::future::join_all;

use crate::App;

/// More than a few pages of a list. When it is full, it begins anew.
const KNOWN: usize = 4096;

/// What commits say: a commit never says anything else.
#[derive(Default)]
pub(crate) struct Commits(Mutex<HashMap<(ProjectId, String), CommitNote>>);

impl Commits {
    fn known(&self, key: &(ProjectId, String)) -> Option<CommitNote> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn learn(&self, key: (ProjectId, String), note: CommitNote) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(key, note);
    }
}

/// What a commit says, if the mirror has it.
pub(super) async fn note(app: &App, project: ProjectId, sha: &str) -> Option<CommitNote> {
    let key = (project, sha.to_owned());
    if let Some(note) = app.commits.known(&key) {
        return Some(note);
    }
    // A page without it is a page too.
    let facts = app.ports.mirrors.commit(project, sha, None).await.ok()?;
    let note = CommitNote::new(&facts.commit);
    app.commits.learn(key, note.clone());
    Some(note)
}

/// The same of several.
pub(super) async fn notes(
    app: &App,
    commits: impl Iterator<Item = (ProjectId, String)>,
) -> BTreeMap<String, CommitNote> {
    let wanted: BTreeSet<_> = commits.collect();
    let notes = wanted.into_iter().map(async |(project, sha)| {
        let note = note(app, project, &sha).await?;
        Some((sha, note))
    });
    join_all(notes).await.into_iter().flatten().collect()
}
