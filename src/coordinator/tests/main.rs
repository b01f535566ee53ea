//! The coordinator over real sockets, a real database and a real directory of objects.

#![expect(clippy::unwrap_used, reason = "a test that can't go on must stop")]

mod artifacts;
mod hooks;
mod hostile;
mod observe;
mod pages;
mod pushes;
mod releases;
mod rig;
mod stock;
