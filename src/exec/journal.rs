//! What an attempt has told so far, kept so that any number of readers get all of it from the beginning.
//!
//! The job never waits for a reader: output beyond [`IN_MEMORY`] goes to a file without a name, which vanishes with
//! the process however that ends.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aqueduct_ports::executor::{ExecEvent, Outcome};
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

/// Bytes of output kept in memory per attempt.
const IN_MEMORY: usize = 1 << 20;
/// Events a slow reader can be behind before its own task waits.
const CHANNEL: usize = 64;

/// The events of one attempt.
#[derive(Debug)]
pub(crate) struct Journal {
    spool_dir: PathBuf,
    state: Mutex<State>,
    length: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    in_memory: usize,
    spool: Option<Arc<File>>,
    spooled: u64,
    ended: bool,
}

#[derive(Clone, Debug)]
enum Entry {
    Event(ExecEvent),
    Spooled {
        file: Arc<File>,
        offset: u64,
        len: usize,
    },
}

impl Journal {
    /// An empty journal that spools into `spool_dir`.
    pub(crate) fn new(spool_dir: PathBuf) -> Self {
        Self {
            spool_dir,
            state: Mutex::default(),
            length: watch::Sender::new(0),
        }
    }

    /// Appends an event. After the end nothing is taken any more.
    pub(crate) fn push(&self, event: ExecEvent) {
        self.append(|_| Entry::Event(event));
    }

    /// Appends output.
    pub(crate) fn output(&self, bytes: &[u8]) {
        self.append(|state| state.keep(bytes, &self.spool_dir));
    }

    /// Appends the last event.
    pub(crate) fn end(&self, outcome: Outcome) {
        self.append(|state| {
            state.ended = true;
            Entry::Event(ExecEvent::Ended(outcome))
        });
    }

    /// Resolves once the attempt is over.
    pub(crate) async fn ended(&self) {
        let mut length = self.length.subscribe();
        while !self.lock().ended {
            if length.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends all events from the first on, until the last or until the receiver is dropped.
    pub(crate) fn follow(self: Arc<Self>) -> mpsc::Receiver<ExecEvent> {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let mut length = self.length.subscribe();
        tokio::spawn(async move {
            let mut next = 0;
            loop {
                let (batch, ended) = self.batch(next);
                next += batch.len();
                for entry in batch {
                    if sender.send(entry.into_event()).await.is_err() {
                        return;
                    }
                }
                if ended || length.changed().await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    fn append(&self, make: impl FnOnce(&mut State) -> Entry) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        let entry = make(&mut state);
        state.entries.push(entry);
        let length = state.entries.len();
        drop(state);
        self.length.send_replace(length);
    }

    fn batch(&self, from: usize) -> (Vec<Entry>, bool) {
        let state = self.lock();
        let entries = state.entries.get(from..).unwrap_or_default().to_vec();
        (entries, state.ended)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps output in memory while there is little of it. A spool that can't be written (full disk) costs
    /// memory, never bytes.
    fn keep(&mut self, bytes: &[u8], spool_dir: &PathBuf) -> Entry {
        if self.in_memory + bytes.len() > IN_MEMORY
            && let Ok(entry) = self.spool(bytes, spool_dir)
        {
            return entry;
        }
        self.in_memory += bytes.len();
        Entry::Event(ExecEvent::Output(Bytes::copy_from_slice(bytes)))
    }

    fn spool(&mut self, bytes: &[u8], spool_dir: &PathBuf) -> io::Result<Entry> {
        let file = if let Some(file) = &self.spool {
            Arc::clone(file)
        } else {
            Arc::clone(
                self.spool
                    .insert(Arc::new(tempfile::tempfile_in(spool_dir)?)),
            )
        };
        // Blocking, but into the page cache: a hop to another thread would cost more than the copy.
        file.write_all_at(bytes, self.spooled)?;
        let entry = Entry::Spooled {
            file,
            offset: self.spooled,
            len: bytes.len(),
        };
        self.spooled += bytes.len() as u64;
        Ok(entry)
    }
}

impl Entry {
    fn into_event(self) -> ExecEvent {
        match self {
            Self::Event(event) => event,
            Self::Spooled { file, offset, len } => {
                let mut buffer = vec![0; len];
                match file.read_exact_at(&mut buffer, offset) {
                    Ok(()) => ExecEvent::Output(buffer.into()),
                    Err(error) => {
                        ExecEvent::Notice(format!("{len} bytes of output are lost: {error}"))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOME: Outcome = Outcome {
        verdict: None,
        exit_code: Some(0),
        peak_memory: None,
    };

    async fn collect(journal: &Arc<Journal>) -> (Vec<u8>, bool) {
        let mut events = Arc::clone(journal).follow();
        let (mut output, mut ended) = (Vec::new(), false);
        while let Some(event) = events.recv().await {
            match event {
                ExecEvent::Output(bytes) => output.extend_from_slice(&bytes),
                ExecEvent::Ended(_) => ended = true,
                _ => {}
            }
        }
        (output, ended)
    }

    #[tokio::test]
    async fn every_reader_gets_all_of_it_also_what_was_spooled() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::new(dir.path().to_owned()));
        let early = tokio::spawn({
            let journal = Arc::clone(&journal);
            async move { collect(&journal).await }
        });
        let mut expected = Vec::new();
        for n in 0..100_u8 {
            let chunk = vec![n; 30_000];
            journal.output(&chunk);
            expected.extend_from_slice(&chunk);
            tokio::task::yield_now().await;
        }
        journal.end(OUTCOME);
        journal.output(b"too late");
        assert_eq!(early.await.unwrap(), (expected.clone(), true));
        assert_eq!(collect(&journal).await, (expected, true));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_spool_that_cant_be_made_loses_nothing() {
        let journal = Arc::new(Journal::new("/nonexistent/spool".into()));
        journal.output(&vec![7; IN_MEMORY + 1]);
        journal.end(OUTCOME);
        assert_eq!(collect(&journal).await, (vec![7; IN_MEMORY + 1], true));
    }
}
