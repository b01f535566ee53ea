//! One look at one repository.

use std::collections::BTreeSet;

use aqueduct_core::{
    id::ProjectId,
    refs::{
        Answer, Comparison, Guards, KnownRef, RefChange, RefEvent, RefMove, RemoteUrl, compare,
    },
    time::{Millis, Timestamp},
};
use aqueduct_ports::store::{
    Head, HeadChange, HeadMove, NewDelivery, Observation, Project, StoreError,
};
use bytes::Bytes;

use super::{Heads, LONGEST_PATIENCE, LookError, Looked};

/// How often a look is compared anew because somebody else wrote meanwhile.
const TRIES: usize = 4;

/// The sender of the events that looks find.
const SOURCE: &str = "heads";

impl Heads {
    /// Looks at a project's repository now, and stores what is new. `None` if there is no such project.
    ///
    /// Two looks at one project at a time do no harm: whoever writes second compares anew.
    pub async fn look(&self, id: ProjectId) -> Result<Option<Looked>, LookError> {
        let Some(project) = self.ports.store.project(id).await? else {
            return Ok(None);
        };
        let url = RemoteUrl::parse(&project.git_url)?;
        let answer = self.ports.mirrors.ls_remote(&url).await?;
        for _ in 0..TRIES {
            match self.note(&project, &answer).await {
                Err(LookError::Store(StoreError::Conflict)) => {}
                // It was deleted meanwhile.
                Err(LookError::Store(StoreError::Missing(_))) => return Ok(None),
                noted => return noted.map(Some),
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn note(&self, project: &Project, answer: &Answer) -> Result<Looked, LookError> {
        let heads = self.ports.store.heads(project.id).await?;
        let seen = seen_key(project.id);
        let initial = heads.is_empty() && self.ports.store.meta(&seen).await?.is_none();
        let now = self.ports.clock.now();
        let found = self.compared(project, &heads, answer, now);
        let default_branch = found
            .default_branch
            .as_deref()
            .or(project.default_branch.as_deref());
        let events = events(&found.changes, initial, default_branch);
        let observation = Observation {
            deliveries: deliveries(project.id, &events, now),
            changes: found.changes.into_iter().map(head_change).collect(),
            now,
        };
        let mut new = 0;
        if !observation.changes.is_empty() {
            new = self
                .ports
                .store
                .observe_heads(project.id, &observation)
                .await?;
        }
        if initial {
            self.ports.store.set_meta(&seen, &now.rfc3339()).await?;
        }
        if new > 0 {
            self.ports.ingest.wake();
        }
        if let Some(name) = found.default_branch {
            self.remember_default_branch(project, name).await?;
        }
        Ok(Looked {
            refs: answer.refs.len(),
            events: new,
            held_back: found.held_back,
        })
    }

    fn compared(
        &self,
        project: &Project,
        heads: &[Head],
        answer: &Answer,
        now: Timestamp,
    ) -> Comparison {
        let known: Vec<KnownRef<'_>> = heads
            .iter()
            .map(|head| KnownRef {
                name: &head.name,
                sha: &head.sha,
                missing_since: head.missing_since,
            })
            .collect();
        let protected: BTreeSet<String> = (self.config.protected)(project);
        let guards = Guards {
            default_branch: project.default_branch.as_deref(),
            protected: &protected,
            patience: patience(project.interval),
            deletions: self.config.deletions,
        };
        compare(&known, answer, &guards, now)
    }

    /// Another write to the project goes before: the next look says it again.
    async fn remember_default_branch(
        &self,
        project: &Project,
        name: String,
    ) -> Result<(), StoreError> {
        let project = Project {
            default_branch: Some(name),
            ..project.clone()
        };
        match self.ports.store.update_project(&project).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// How long a ref must be missing before it counts as deleted: half an interval, but where looks are rare a webhook's word is followed
/// within seconds.
pub(super) fn patience(interval: Millis) -> Millis {
    Millis(interval.0 / 2).min(LONGEST_PATIENCE)
}

/// Tells that a repository was looked at once: an empty one has no heads that would tell.
fn seen_key(project: ProjectId) -> String {
    format!("heads.seen.{project}")
}

/// The events of changes. Of what was there before the project was added only the default branch gets a pipeline: who adds a
/// repository with a thousand branches doesn't mean to build them all.
fn events(changes: &[RefChange], initial: bool, default_branch: Option<&str>) -> Vec<RefEvent> {
    let default_branch = default_branch.map(|name| format!("refs/heads/{name}"));
    changes
        .iter()
        .filter_map(RefEvent::of)
        .filter(|event| !initial || default_branch.as_ref() == Some(&event.name))
        .map(|event| RefEvent { initial, ..event })
        .collect()
}

/// The ids differ also where a branch moves to and fro between the same commits: by the time.
fn deliveries(project: ProjectId, events: &[RefEvent], now: Timestamp) -> Vec<NewDelivery> {
    let delivery = |event: &RefEvent| {
        let body = serde_json::to_vec(event).ok()?;
        let after = event.after.as_deref().unwrap_or("gone");
        Some(NewDelivery {
            project,
            source: SOURCE.to_owned(),
            delivery: format!("{} {} {after}", now.0, event.name),
            kind: event.kind().to_owned(),
            body: Bytes::from(body),
            received: now,
        })
    };
    events.iter().filter_map(delivery).collect()
}

fn head_change(change: RefChange) -> HeadChange {
    HeadChange {
        name: change.name,
        from: change.from,
        to: match change.to {
            RefMove::At(sha) => HeadMove::At(sha),
            RefMove::Missing => HeadMove::Missing,
            RefMove::Back => HeadMove::Back,
            RefMove::Deleted => HeadMove::Deleted,
        },
    }
}
