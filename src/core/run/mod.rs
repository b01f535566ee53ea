//! The run of a pipeline: states, the total state machine, and the rules it follows.
//!
//! [`machine::apply`] is the only way a state changes. It is total: whatever arrives, at whatever time, it answers
//! with effects or with a typed [`Ignored`], and never panics. Time is an argument. What has to happen outside is
//! data ([`Effect`]), to be stored with the new state and carried out afterwards, each under its own key.

mod composite;
mod effect;
mod event;
pub mod machine;
pub mod mutant;
mod retry;
mod rules;
mod state;
mod status;

#[cfg(test)]
mod composite_tests;
#[cfg(test)]
mod machine_tests;
#[cfg(test)]
mod property_tests;

pub use composite::{Graph, Seen, SeenSet, composite, start};
pub use effect::{Budget, Effect, EffectKind};
pub use event::{Event, Ignored};
pub use retry::{RetryRule, retry_rule};
pub use rules::{JobRules, Limits, Rules};
pub use state::{CancelState, Ending, JobState, LeaseState, PipelineState, Spent};
pub use status::Status;
