//! A lease of the worker.

use std::sync::{Mutex, PoisonError};

use aqueduct_core::time::Millis;
use aqueduct_ports::work::{Directive, WorkError};
use tokio::sync::watch;

use super::{Holder, Standing};

/// A lease of the worker.
pub(super) struct Held {
    pub(super) holder: Holder,
    /// The shortest grace of a cancel that was heard of; a lost lease has none.
    cancel: watch::Sender<Option<Millis>>,
    /// The shortest that was told.
    told: Mutex<Option<Millis>>,
}

impl Held {
    pub(super) fn new(holder: Holder) -> Self {
        Self {
            holder,
            cancel: watch::Sender::new(None),
            told: Mutex::default(),
        }
    }

    /// What an answer of the fleet means. [`WorkError::Stale`] if the lease is over.
    pub(super) fn hear(&self, standing: Standing) -> Result<Directive, WorkError> {
        match standing {
            Standing::Running => Ok(Directive::Continue),
            Standing::Canceling { grace } => {
                self.want(grace);
                Ok(Directive::Cancel { grace })
            }
            Standing::Over(_) => {
                self.want(Millis(0));
                Err(WorkError::Stale)
            }
        }
    }

    /// A grace never gets longer.
    fn want(&self, grace: Millis) {
        self.cancel.send_if_modified(|known| {
            let shorter = known.is_none_or(|known| grace < known);
            if shorter {
                *known = Some(grace);
            }
            shorter
        });
    }

    /// Waits for a cancel, or one that has less grace than the last that was told.
    pub(super) async fn next_cancel(&self) -> Directive {
        let mut cancels = self.cancel.subscribe();
        loop {
            let known = *cancels.borrow_and_update();
            if let Some(grace) = known.filter(|grace| self.is_news(*grace)) {
                return Directive::Cancel { grace };
            }
            if cancels.changed().await.is_err() {
                // The sender is a part of this value.
                std::future::pending::<()>().await;
            }
        }
    }

    fn is_news(&self, grace: Millis) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = told.is_none_or(|told| grace < told);
        if news {
            *told = Some(grace);
        }
        news
    }
}
