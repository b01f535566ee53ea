//! The one place where time comes from.

use aqueduct_core::time::Timestamp;

/// Tells the time. Only composition roots name a real one; tests hand in their own.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now(&self) -> Timestamp;
}
