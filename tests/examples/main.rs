//! Every example, run as its README says, and its result looked at with other people's tools.
#![expect(clippy::unwrap_used, reason = "a test's helpers stop it")]

mod hello_multiarch;
mod python_wheels;

use std::path::Path;

use aqueduct_testkit::base_images;

const AQUEDUCT: &str = env!("CARGO_BIN_EXE_aqueduct");

fn aqueduct() -> &'static Path {
    Path::new(AQUEDUCT)
}

/// `BASE_IMAGES=…` for `--var`.
fn base_images() -> String {
    format!(
        "BASE_IMAGES=oci:{}",
        base_images::layout().unwrap().path().display()
    )
}
