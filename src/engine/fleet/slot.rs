//! A pipeline's place in memory, and what is asked of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aqueduct_core::time::Timestamp;
use tokio::sync::oneshot;

use super::{FleetError, live::Live};

/// A pipeline's place in memory, and what is asked of it meanwhile.
#[derive(Default)]
pub(super) struct Slot {
    line: Mutex<Line>,
    /// Empty until the pipeline is loaded.
    pub(super) live: tokio::sync::Mutex<Option<Live>>,
}

#[derive(Default)]
struct Line {
    steps: Vec<Box<dyn Step>>,
    /// Somebody works them off.
    tended: bool,
}

/// One change of a pipeline, and whoever waits for what comes of it.
pub(super) trait Step: Send {
    /// Whether anybody waits for it.
    fn is_wanted(&self) -> bool;

    /// Carries it out, perhaps not for the first time.
    fn run(&mut self, live: &mut Live, now: Timestamp);

    /// Tells whoever waits: what it came to, or why nothing was stored.
    fn answer(self: Box<Self>, stored: Result<(), FleetError>);
}

struct Asked<T, F> {
    act: F,
    came_to: Option<Result<T, FleetError>>,
    reply: oneshot::Sender<Result<T, FleetError>>,
}

impl<T, F> Step for Asked<T, F>
where
    T: Send,
    F: Fn(&mut Live, Timestamp) -> Result<T, FleetError> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, live: &mut Live, now: Timestamp) {
        self.came_to = Some((self.act)(live, now));
    }

    fn answer(self: Box<Self>, stored: Result<(), FleetError>) {
        let answer = match (stored, self.came_to) {
            (Ok(()), Some(came_to)) => came_to,
            (Err(error), _) => Err(error),
            // Nobody waited for it, so that it was not run.
            (Ok(()), None) => return,
        };
        // Whoever waited may have gone away.
        let _ = self.reply.send(answer);
    }
}

/// A step, and where its answer comes.
pub(super) fn step<T: Send + 'static>(
    act: impl Fn(&mut Live, Timestamp) -> Result<T, FleetError> + Send + 'static,
) -> (Box<dyn Step>, oneshot::Receiver<Result<T, FleetError>>) {
    let (reply, answer) = oneshot::channel();
    let asked = Asked {
        act,
        came_to: None,
        reply,
    };
    (Box::new(asked), answer)
}

impl Slot {
    /// Puts a step in; whether the caller is to see to it that somebody works them off.
    pub(super) fn ask(&self, step: Box<dyn Step>) -> bool {
        let mut line = self.line();
        line.steps.push(step);
        !std::mem::replace(&mut line.tended, true)
    }

    /// All that is asked; if nothing is, whoever asks next sees to it again.
    fn next(&self) -> Option<Vec<Box<dyn Step>>> {
        let mut line = self.line();
        let steps = std::mem::take(&mut line.steps);
        line.tended = !steps.is_empty();
        line.tended.then_some(steps)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes steps out of a slot. Should it end before they are worked off, those who wait hear that, and the next who asks finds
/// an orderly slot.
pub(super) struct Tending<'a>(pub(super) &'a Slot);

impl Tending<'_> {
    /// All that is asked; the work is over if nothing is.
    pub(super) fn next(&self) -> Option<Vec<Box<dyn Step>>> {
        self.0.next()
    }
}

impl Drop for Tending<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut line = self.0.line();
            line.steps.clear();
            line.tended = false;
        }
    }
}
