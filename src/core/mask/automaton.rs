//! An Aho-Corasick automaton as a table: one look-up a byte, all patterns at once.
//!
//! A state stands for the longest end of the input that is the beginning of some pattern (A. Aho, M. Corasick, "Efficient
//! string matching", 1975). The crate `aho-corasick` doesn't tell how long that beginning is, which is exactly what
//! a stream must hold back.

use std::collections::{BTreeMap, VecDeque};

/// The state in which nothing has begun.
pub(super) const ROOT: u32 = 0;

pub(super) struct Automaton {
    /// Column of each byte; bytes that occur in no pattern share column 0.
    columns: [u8; 256],
    width: usize,
    /// Next state by state and column.
    table: Vec<u32>,
    states: Vec<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Length of the beginning it stands for.
    depth: u32,
    /// Length of the longest pattern that ends here; 0 for none.
    matched: u32,
    /// Length of the longest end that is more than half of a pattern.
    suspicious: u32,
}

impl Automaton {
    pub(super) fn new(patterns: &[Vec<u8>]) -> Self {
        let trie = Trie::new(patterns);
        let (columns, width) = columns(patterns);
        let mut automaton = Self {
            columns,
            width,
            table: vec![ROOT; width * trie.nodes.len()],
            states: vec![State::default(); trie.nodes.len()],
        };
        automaton.fill(&trie);
        automaton
    }

    /// Breadth first: when a state is filled, the shorter one it falls back to is complete.
    fn fill(&mut self, trie: &Trie) {
        let mut queue = VecDeque::from([(0_usize, ROOT)]);
        while let Some((at, fallback)) = queue.pop_front() {
            let node = &trie.nodes[at];
            let back = self.states[fallback as usize];
            if at != 0 {
                let (from, to) = (self.row(fallback as usize), self.row(at).start);
                self.table.copy_within(from, to);
                self.states[at] = node.state(back);
            }
            for (&byte, &child) in &node.children {
                let cell = self.row(at).start + usize::from(self.columns[usize::from(byte)]);
                let shorter = if at == 0 { ROOT } else { self.table[cell] };
                self.table[cell] = child;
                queue.push_back((child as usize, shorter));
            }
        }
    }

    fn row(&self, state: usize) -> std::ops::Range<usize> {
        state * self.width..(state + 1) * self.width
    }

    pub(super) fn is_empty(&self) -> bool {
        self.states.len() == 1
    }

    #[inline]
    pub(super) fn next(&self, state: u32, byte: u8) -> u32 {
        self.table[state as usize * self.width + usize::from(self.columns[usize::from(byte)])]
    }

    /// How many bytes at the beginning of `bytes` leave the root state as it is.
    #[inline]
    pub(super) fn skip(&self, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .position(|&byte| self.next(ROOT, byte) != ROOT)
            .unwrap_or(bytes.len())
    }

    #[inline]
    pub(super) fn matched(&self, state: u32) -> usize {
        self.states[state as usize].matched as usize
    }

    pub(super) fn depth(&self, state: u32) -> usize {
        self.states[state as usize].depth as usize
    }

    pub(super) fn suspicious(&self, state: u32) -> usize {
        self.states[state as usize].suspicious as usize
    }
}

/// A column for each byte that occurs. All 256 fit, as then no byte is left for column 0.
fn columns(patterns: &[Vec<u8>]) -> ([u8; 256], usize) {
    let mut occurs = [false; 256];
    patterns
        .iter()
        .flatten()
        .for_each(|&byte| occurs[usize::from(byte)] = true);
    let shared = usize::from(occurs.contains(&false));
    let (mut columns, mut width) = ([0_u8; 256], shared);
    for (byte, _) in occurs.iter().enumerate().filter(|(_, occurs)| **occurs) {
        columns[byte] = width as u8;
        width += 1;
    }
    (columns, width.max(1))
}

struct Trie {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    children: BTreeMap<u8, u32>,
    depth: u32,
    is_pattern: bool,
    /// Length of the shortest pattern that goes through here.
    shortest: u32,
}

impl Trie {
    fn new(patterns: &[Vec<u8>]) -> Self {
        let mut trie = Self {
            nodes: vec![Node::default()],
        };
        for pattern in patterns {
            trie.add(pattern);
        }
        trie
    }

    fn add(&mut self, pattern: &[u8]) {
        let mut at = 0;
        for &byte in pattern {
            let fresh = self.nodes.len() as u32;
            let depth = self.nodes[at].depth + 1;
            let child = *self.nodes[at].children.entry(byte).or_insert(fresh);
            if child == fresh {
                self.nodes.push(Node {
                    depth,
                    shortest: u32::MAX,
                    ..Node::default()
                });
            }
            at = child as usize;
            let node = &mut self.nodes[at];
            node.shortest = node.shortest.min(pattern.len() as u32);
        }
        self.nodes[at].is_pattern = at != 0;
    }
}

impl Node {
    fn state(&self, back: State) -> State {
        State {
            depth: self.depth,
            matched: if self.is_pattern {
                self.depth
            } else {
                back.matched
            },
            suspicious: if self.depth * 2 > self.shortest {
                self.depth
            } else {
                back.suspicious
            },
        }
    }
}
