//! The machine's randomness.

use aqueduct_ports::random::Random;

/// Reads the kernel's generator.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "a token that can be guessed is worse than no coordinator"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the kernel has randomness");
    }
}
