//! `cargo xtask images`: the base images as an OCI layout.

use aqueduct_testkit::base_images;

use crate::{
    error::Result,
    setup::{self, Need},
    stage::{Stages, say},
};

/// Runs the command; `true` if the images are there.
pub(crate) fn run() -> Result<bool> {
    setup::announce("cargo xtask images", &Need::IMAGES)?;
    let mut stages = Stages::new();
    stages.run("base images", || setup::prepare(&Need::IMAGES));
    let layout = base_images::layout()?;
    for name in base_images::names() {
        say(&layout.reference(name));
    }
    Ok(stages.finish())
}
