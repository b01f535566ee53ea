//! Streaming secret masker: `[MASKED]` in place of every secret, whatever chunks the output comes in.
//!
//! A byte is masked if any occurrence of any secret covers it, also where occurrences overlap; each unbroken run of such
//! bytes becomes one [`MASK`]. Of what has been pushed only those last bytes are held back that may be the beginning
//! of a secret. One pass over the bytes, whatever the number of secrets.

mod automaton;
#[cfg(test)]
mod tests;

use std::fmt;

use automaton::{Automaton, ROOT};

/// What stands in place of secrets.
pub const MASK: &str = "[MASKED]";

/// Shorter secrets (in bytes, without white space around them) are not masked: they would hide most of the output and
/// tell by that what they are.
pub const MIN_SECRET: usize = 4;

/// Shorter lines of a secret of several lines are not masked: braces and the like.
pub const MIN_LINE: usize = 8;

/// Masks secrets in a stream of bytes. Never prints them.
pub struct Masker {
    automaton: Automaton,
    state: u32,
    /// Pushed and not written yet.
    held: Vec<u8>,
    /// Runs of covered bytes in `held`, in order, neither overlapping nor touching.
    covered: Vec<Run>,
    /// The last byte that was written, or left out, was covered: a run that begins with the next one continues it.
    in_mask: bool,
}

/// Covered bytes of `held`, from `start` up to `end`.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    end: usize,
}

impl Masker {
    /// A masker of `secrets`. Of a secret of several lines each line is masked by itself, as its line ends may come out
    /// otherwise than they went in. White space around secrets and lines doesn't count.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut patterns = Vec::new();
        for secret in secrets {
            add_patterns(secret.as_ref(), &mut patterns);
        }
        Self {
            automaton: Automaton::new(&patterns),
            state: ROOT,
            held: Vec::new(),
            covered: Vec::new(),
            in_mask: false,
        }
    }

    /// Takes a chunk and appends to `out` what is decided.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.automaton.is_empty() {
            out.extend_from_slice(chunk);
            return;
        }
        let mut at = self.held.len();
        self.held.extend_from_slice(chunk);
        while at < self.held.len() {
            if self.state == ROOT {
                at += self.automaton.skip(&self.held[at..]);
                if at == self.held.len() {
                    break;
                }
            }
            self.state = self.automaton.next(self.state, self.held[at]);
            at += 1;
            let matched = self.automaton.matched(self.state);
            if matched > 0 {
                // The secret's beginning may be out already: masked, or by `quiet`.
                self.cover(at.saturating_sub(matched), at);
            }
        }
        self.write(self.decided(), out);
    }

    /// Up to where no later byte changes anything: bytes that are covered stay so.
    fn decided(&self) -> usize {
        let open = self.automaton.depth(self.state);
        let end = self.held.len().saturating_sub(open);
        let covering = |run: &&Run| run.start <= end && end < run.end;
        self.covered
            .iter()
            .find(covering)
            .map_or(end, |run| run.end)
    }

    /// The stream is quiet: appends what is held back, so that a prompt is seen. What looks like more than half of a
    /// secret stays. Should a secret's first half have gone out so, its second half is masked all the same.
    pub fn quiet(&mut self, out: &mut Vec<u8>) {
        let kept = self.automaton.suspicious(self.state);
        self.write(self.held.len().saturating_sub(kept), out);
    }

    /// The stream has ended: appends what is held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.write(self.held.len(), out);
        self.state = ROOT;
        self.in_mask = false;
    }

    /// Covers a range that ends later than any before it.
    fn cover(&mut self, mut start: usize, end: usize) {
        while let Some(last) = self.covered.last() {
            if last.end < start {
                break;
            }
            start = start.min(last.start);
            self.covered.pop();
        }
        self.covered.push(Run { start, end });
    }

    /// Writes the first `end` bytes of what is held.
    fn write(&mut self, end: usize, out: &mut Vec<u8>) {
        let mut at = 0;
        for run in &self.covered {
            if run.start >= end {
                break;
            }
            if run.start > at {
                out.extend_from_slice(&self.held[at..run.start]);
                self.in_mask = false;
            }
            if !self.in_mask {
                out.extend_from_slice(MASK.as_bytes());
                self.in_mask = true;
            }
            at = run.end.min(end);
        }
        if at < end {
            out.extend_from_slice(&self.held[at..end]);
            self.in_mask = false;
        }
        self.held.drain(..end);
        self.covered.retain_mut(|run| {
            run.start = run.start.saturating_sub(end);
            run.end = run.end.saturating_sub(end);
            run.end > 0
        });
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker")
            .field("held", &self.held.len())
            .finish_non_exhaustive()
    }
}

/// Whether `secret` is too short for any of it to be masked, and will show. An empty one has nothing to show.
pub fn is_too_short(secret: &str) -> bool {
    let mut patterns = Vec::new();
    add_patterns(secret, &mut patterns);
    patterns.is_empty() && !secret.trim().is_empty()
}

/// What to look for so that `secret` is masked.
fn add_patterns(secret: &str, patterns: &mut Vec<Vec<u8>>) {
    let secret = secret.trim();
    let least = if secret.contains(['\n', '\r']) {
        MIN_LINE
    } else {
        MIN_SECRET
    };
    let lines = secret.split(['\n', '\r']).map(str::trim);
    let long = lines.filter(|line| line.len() >= least);
    patterns.extend(long.map(|line| line.as_bytes().to_vec()));
}
