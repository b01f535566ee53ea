//! The machine's own architecture.

use aqueduct_core::platform::Arch;

/// The architecture this program was built for, if jobs can be pinned to it.
pub(crate) fn native_arch() -> Option<Arch> {
    Arch::parse(std::env::consts::ARCH)
}
