//! What the commands need beyond Rust, git and a C compiler: said first, then installed once.

mod apt;
mod binfmt;

use aqueduct_core::platform::Arch;
use aqueduct_testkit::{base_images, browser, foreign_runners, gitea, images, pypiserver};

use crate::{
    bench::peer,
    error::Result,
    stage::{Count, say},
};

/// One thing to have on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The Debian packages of [`apt::PACKAGES`].
    Packages,
    /// A handler for arm64 programs in the kernel.
    Binfmt,
    /// pypiserver in the cache.
    PypiServer,
    /// Gitea in the cache.
    Gitea,
    /// Runners of other makes in the cache.
    ForeignRunners,
    /// busybox images of both architectures in the cache.
    Busybox,
    /// The images of `runner-images/` in the cache.
    BaseImages,
    /// Playwright and axe in the cache, for Chromium.
    Browser,
    /// gitlab-ci-local in the cache, and npm to install it.
    Node,
}

impl Need {
    /// What `cargo xtask test` needs, in the order of installation.
    pub(crate) const TEST: [Self; 8] = [
        Self::Packages,
        Self::Binfmt,
        Self::PypiServer,
        Self::ForeignRunners,
        Self::Gitea,
        Self::Busybox,
        Self::BaseImages,
        Self::Browser,
    ];

    /// What `cargo xtask chaos` needs: PostgreSQL.
    pub(crate) const CHAOS: [Self; 1] = [Self::Packages];

    /// What the demonstration needs.
    pub(crate) const DEMO: [Self; 4] = [
        Self::Packages,
        Self::Binfmt,
        Self::PypiServer,
        Self::BaseImages,
    ];

    /// What the comparisons with gitlab-ci-local need.
    pub(crate) const NODE: [Self; 1] = [Self::Node];

    /// What the comparison with podman needs.
    pub(crate) const OCI: [Self; 2] = [Self::Packages, Self::Busybox];

    /// What the base images need.
    pub(crate) const IMAGES: [Self; 3] = [Self::Packages, Self::Binfmt, Self::BaseImages];

    /// What is going to be done for it; nothing if it is there.
    fn todo(self) -> Result<Option<String>> {
        Ok(match self {
            Self::Packages => {
                let missing = apt::missing(&apt::PACKAGES)?;
                let text = format!("Debian packages (apt-get): {}", missing.join(" "));
                (!missing.is_empty()).then_some(text)
            }
            Self::Binfmt => (!binfmt::registered()).then(|| {
                "a binfmt_misc handler, so that the kernel starts arm64 programs through qemu"
                    .into()
            }),
            Self::PypiServer => Some("pypiserver (PyPI), in a virtual environment".into()),
            Self::ForeignRunners => Some(
                "gitlab-python-runner (PyPI) and a runner on the crate gitlab-runner (crates.io)".into(),
            ),
            Self::Gitea => (!gitea::ready()).then(|| {
                "Gitea (Go module proxy; needs Go 1.21 or newer, and five minutes)".into()
            }),
            Self::Busybox => Some("busybox images of both architectures (Debian)".into()),
            Self::BaseImages => (!base_images::ready()).then(|| {
                "the base images of runner-images/ for both architectures (Debian; several minutes)"
                    .into()
            }),
            Self::Browser => Some("Playwright, axe and Node 24 (npm), to steer Chromium".into()),
            Self::Node => Some(
                "gitlab-ci-local and Node 24 (npm); npm and rsync from Debian where they are missing"
                    .into(),
            ),
        })
    }

    fn install(self) -> Result<()> {
        match self {
            Self::Packages => apt::install(&apt::PACKAGES)?,
            Self::Binfmt => binfmt::register()?,
            Self::PypiServer => drop(pypiserver::install()?),
            Self::ForeignRunners => {
                foreign_runners::python()?;
                foreign_runners::of_crate()?;
            }
            Self::Gitea => drop(gitea::install()?),
            Self::Busybox => {
                for arch in Arch::ALL {
                    images::busybox(arch)?;
                }
                images::busybox_index()?;
            }
            Self::BaseImages => drop(base_images::layout()?),
            Self::Browser => {
                if !apt::has_program("npm") {
                    apt::install(&["npm"])?;
                }
                browser::install()?;
            }
            Self::Node => {
                // gitlab-ci-local copies its working trees with rsync.
                for package in ["npm", "rsync"] {
                    if !apt::has_program(package) {
                        apt::install(&[package])?;
                    }
                }
                peer::install()?;
            }
        }
        Ok(())
    }
}

/// Prints what [`prepare`] is going to install.
pub(crate) fn announce(command: &str, needs: &[Need]) -> Result<()> {
    let mut lines = Vec::new();
    for need in needs {
        lines.extend(need.todo()?);
    }
    let cache = aqueduct_testkit::cache::dir();
    say(&format!(
        "{command} installs what is missing of the following; the cache is {}:",
        cache.display()
    ));
    for line in lines {
        say(&format!("  - {line}"));
    }
    Ok(())
}

/// Installs what is missing.
pub(crate) fn prepare(needs: &[Need]) -> Result<Count> {
    for need in needs {
        need.install()?;
    }
    Ok(Count::one(true))
}
