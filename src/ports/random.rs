//! The one place where randomness comes from.

/// Makes random bytes. Only composition roots name a real source; tests hand in their own.
pub trait Random: Send + Sync {
    /// Fills `bytes` with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}
