//! Aqueduct.
