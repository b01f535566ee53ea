//! Hash tables for texts that come from files.
//!
//! A pipeline makes tens of thousands of look-ups by short keys, where the standard library's SipHash takes longer than
//! the look-up itself. `foldhash` is seeded once a process, from where the process happens to lie in memory, as
//! hashbrown's own default is: whoever writes a file can't know which of its keys would collide, so that filling a table
//! stays linear. The seed decides nothing else. Whatever is iterated is an [`IndexMap`], which keeps the order of insertion.

/// How keys are hashed.
pub(crate) type State = foldhash::fast::RandomState;
/// Keys in the order in which they were inserted.
pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, State>;
/// For look-ups alone.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, State>;
/// For look-ups alone.
pub(crate) type HashSet<T> = std::collections::HashSet<T, State>;
