//! The procedure as a whole: a source of work in memory, real processes, a real disk.

mod artifacts;
mod bench;
mod cache;
mod cancel;
mod release;
mod rig;
mod script;
mod source;
mod trace;
