//! What goes on without a request.

use std::{sync::Arc, time::Duration};

use aqueduct_engine::fleet::{Fleet, FleetError};
use aqueduct_ports::clock::Clock;
use tokio::time::sleep;

use crate::App;

/// How often the coordinator notes that it lives.
const ALIVE: Duration = Duration::from_secs(5);
/// Longest sleep of the clock: a clock that is set back must not stop it.
const LONGEST: Duration = Duration::from_secs(30);
/// Pause after a failure of the store.
const PAUSE: Duration = Duration::from_secs(1);

/// Tasks that run as long as this value lives.
#[derive(Debug)]
pub struct Background(Vec<tokio::task::AbortHandle>);

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Starts the clock of the pipelines, and the note that the coordinator lives.
pub fn background(app: &App) -> Background {
    let (fleet, clock) = (Arc::clone(&app.ports.fleet), Arc::clone(&app.ports.clock));
    let ticking = tokio::spawn(tick(Arc::clone(&fleet), clock));
    let living = tokio::spawn(live(fleet));
    Background(vec![ticking.abort_handle(), living.abort_handle()])
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

async fn live(fleet: Arc<Fleet>) {
    loop {
        sleep(ALIVE).await;
        if let Err(error) = fleet.alive().await {
            report(&error, "can't note that the coordinator lives");
        }
    }
}

fn report(error: &FleetError, what: &str) {
    tracing::error!(%error, "{what}; it is tried again");
}
