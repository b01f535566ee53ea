//! Seeded simulation of a pipeline among unreliable runners.
//!
//! A world has one pipeline, a few runners and a network between them that loses, doubles, delays and reorders what it
//! carries. Runners crash and come back without memory or stall beyond their leases, the engine crashes between and in the
//! middle of calls, people cancel and play. After every step the invariants of [`checks`] must hold; when the chaos stops,
//! the pipeline must end. Everything follows from the seed: `AQUEDUCT_SIM_SEED=7` repeats one world.

mod checks;
mod engine_side;
mod network;
mod plans;
mod rng;
mod runner;
mod tests;
mod watcher;
mod world;
