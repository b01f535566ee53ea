//! What goes on without a request.

use std::{sync::Arc, time::Duration};

use aqueduct_core::time::{Millis, Timestamp};
use aqueduct_engine::{
    archive::{ArchiveError, seal_trace, sweep_objects},
    fleet::Fleet,
    tasks::Loop,
};
use aqueduct_ports::clock::Clock;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::App;

/// How often the coordinator notes that it lives.
const ALIVE: Duration = Duration::from_secs(5);
/// Longest sleep of the clock: a clock that is set back must not stop it.
const LONGEST: Duration = Duration::from_secs(30);
/// Pause after a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before a task that ended is begun again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often traces are sealed and leftovers are swept.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// A trace is sealed once nobody appended to it for this long: a runner that was cut off may still send a rest.
const QUIET: Millis = Millis::from_secs(60);
/// Rows that one round of housekeeping looks at.
const ROUND: u32 = 200;

/// Tasks that run as long as this value lives.
#[derive(Debug)]
pub struct Background {
    _tasks: JoinSet<()>,
}

/// Longest time that a start waits for the sources of pipelines that go on; the rest comes while runners are served.
const RESTORE: Duration = Duration::from_secs(10);

/// Keeps the sources of pipelines that go on where a kill has left them unkept. To be called before runners are served.
pub async fn restore_sources(app: &App) {
    let sources = Arc::clone(&app.tasks.sources);
    let restoring = tokio::spawn(async move {
        if let Err(error) = sources.restore().await {
            report(&error, "the sources of pipelines could not be looked for");
        }
    });
    if timeout(RESTORE, restoring).await.is_err() {
        tracing::warn!("sources of pipelines are still being fetched");
    }
}

/// Starts the clock of the pipelines, the note that the coordinator lives, housekeeping, the watch over repositories and the
/// work on what it finds.
pub fn background(app: &App) -> Background {
    let (fleet, clock) = (Arc::clone(&app.ports.fleet), Arc::clone(&app.ports.clock));
    let (granting, living, tidied) = (Arc::clone(&fleet), Arc::clone(&fleet), app.clone());
    let own: [(&str, Loop); 4] = [
        (
            "clock",
            Box::new(move || Box::pin(tick(Arc::clone(&fleet), Arc::clone(&clock)))),
        ),
        (
            "resource groups",
            Box::new(move || Box::pin(grant(Arc::clone(&granting)))),
        ),
        (
            "sign of life",
            Box::new(move || Box::pin(live(Arc::clone(&living)))),
        ),
        (
            "housekeeping",
            Box::new(move || Box::pin(tidy(tidied.clone()))),
        ),
    ];
    let mut tasks = JoinSet::new();
    for (name, begin) in own.into_iter().chain(app.tasks.loops()) {
        tasks.spawn(keep_going(name, begin));
    }
    Background { _tasks: tasks }
}

/// Begins again whenever what should go on for ever ends: that is a fault of ours, and without it pipelines would stand still while
/// everything looks well. All that is known is in the store, so another beginning goes on where the last one ended.
async fn keep_going(name: &'static str, begin: Loop) {
    loop {
        // Ends with this task.
        let mut task = JoinSet::new();
        task.spawn(begin());
        let how = match task.join_next().await {
            Some(Err(error)) => error.to_string(),
            Some(Ok(())) | None => "it returned".to_owned(),
        };
        tracing::error!(
            task = name,
            how,
            "a task of the coordinator ended; it is begun again"
        );
        sleep(AGAIN).await;
    }
}

async fn tidy(app: App) {
    loop {
        sleep(HOUSEKEEPING).await;
        if let Err(error) = tidy_once(&app).await {
            report(&error, "traces and leftovers could not be put away");
        }
    }
}

/// Seals traces that are over, lets artifacts expire, and removes objects that nobody needs.
async fn tidy_once(app: &App) -> Result<(), ArchiveError> {
    let now = app.ports.clock.now();
    let store = app.fleet().store();
    let idle = Timestamp(now.0.saturating_sub_unsigned(QUIET.0));
    for attempt in store.unsealed_traces(idle, ROUND).await? {
        let unique = app.fleet().token("");
        seal_trace(store, app.ports.objects.as_ref(), attempt, &unique, now).await?;
    }
    store.expire_artifacts(now, ROUND).await?;
    sweep_objects(store.as_ref(), app.ports.objects.as_ref(), now, ROUND).await?;
    Ok(())
}

async fn tick(fleet: Arc<Fleet>, clock: Arc<dyn Clock>) {
    loop {
        let left = fleet
            .next_deadline()
            .map_or(LONGEST, |at| at.since(clock.now()).to_std().min(LONGEST));
        tokio::select! {
            () = sleep(left) => {}
            () = fleet.deadline_changed() => continue,
        }
        if let Err(error) = fleet.tick().await {
            report(&error, "what is due could not be done");
            sleep(PAUSE).await;
        }
    }
}

/// Gives resource groups on. The one caller of it in a coordinator.
async fn grant(fleet: Arc<Fleet>) {
    loop {
        let granted = fleet.grant_groups().await;
        if let Err(error) = granted {
            report(&error, "a resource group could not be given on");
            sleep(PAUSE).await;
            continue;
        }
        fleet.groups_wanted().await;
    }
}

async fn live(fleet: Arc<Fleet>) {
    let mut pause = ALIVE;
    loop {
        sleep(pause).await;
        pause = ALIVE;
        if let Err(error) = fleet.alive().await {
            report(&error, "can't note that the coordinator lives");
            // What this finds is what `/readyz` says: it must not stay untrue for long.
            pause = PAUSE;
        }
    }
}

fn report(error: &dyn std::fmt::Display, what: &str) {
    tracing::error!(%error, "{what}; it is tried again");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_returns_is_begun_again_until_its_keeper_is_dropped() {
        let begun = Arc::new(AtomicU32::new(0));
        let alive = Arc::new(());
        let (count, living) = (Arc::clone(&begun), Arc::clone(&alive));
        let faulty: Loop = Box::new(move || {
            let (count, living) = (Arc::clone(&count), Arc::clone(&living));
            Box::pin(async move {
                match count.fetch_add(1, Ordering::SeqCst) {
                    0 => panic!("a fault"),
                    1 => {}
                    _ => std::future::pending().await,
                }
                drop(living);
            })
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_going("test", faulty));
        let third = async {
            while begun.load(Ordering::SeqCst) < 3 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AGAIN * 10, third).await.unwrap();
        tasks.shutdown().await;
        let gone = async {
            while Arc::strong_count(&alive) > 1 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(AGAIN * 10, gone).await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
