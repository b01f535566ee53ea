//! The base images of `runner-images/`, for both architectures, from Debian packages alone.
//!
//! A Containerfile there is the recipe. Its first `FROM`, `debian:bookworm-slim`, is made here with
//! mmdebstrap, because no public registry can be taken for granted; the files above it are built by
//! podman, each on the one before, so that the three images share their layers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use aqueduct_core::platform::Arch;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    cache,
    command::{At, Result, run},
    debian,
    layout::Layout,
    podman::{Podman, detach_below},
};

/// Tag and recipe of each image; each stands on the one before.
const RECIPES: [(&str, &str); 3] = [
    (
        "shell",
        include_str!("../../runner-images/shell/Containerfile"),
    ),
    (
        "build-essential",
        include_str!("../../runner-images/build-essential/Containerfile"),
    ),
    (
        "python",
        include_str!("../../runner-images/python/Containerfile"),
    ),
];

/// What Debian's own container images leave out, and no flush after each file.
const ROOT_OPTIONS: [&str; 7] = [
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    "--aptopt=Acquire::Languages \"none\"",
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// One layout whose tags are `shell`, `build-essential` and `python`, each an index over both
/// architectures. The first call takes minutes: one architecture is emulated.
pub fn layout() -> Result<Layout> {
    let dir = cache::once(&format!("base-images-{}", key()), build)?;
    Ok(Layout::at(dir))
}

/// The tags of the layout.
pub fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.into_iter().map(|(name, _)| name)
}

/// Whether [`layout`] has nothing to do.
pub fn ready() -> bool {
    cache::complete(&format!("base-images-{}", key()))
}

/// Changes with every recipe.
fn key() -> String {
    let mut hash = Sha256::new();
    for text in ROOT_OPTIONS.into_iter().chain([debian::SUITE]) {
        hash.update(text);
    }
    for (name, recipe) in RECIPES {
        hash.update(name);
        hash.update(recipe);
    }
    hex::encode(hash.finalize())[..12].to_owned()
}

fn build(dir: &Path) -> Result<()> {
    // Beside the result, since the machine's temporary directory may be too small.
    let work = dir.with_extension("work");
    remove(&work)?;
    let builder = |arch: Arch| {
        let work = work.join(arch.as_str());
        let podman = Podman::in_dir(&work)?;
        Ok(Builder { arch, work, podman })
    };
    let [first, second] = Arch::ALL;
    let (first, second) = (builder(first)?, builder(second)?);
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| second.build());
        (first.build(), other.join())
    });
    one?;
    other.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let layout = Layout::create(dir)?;
    let mut tagged = Vec::new();
    for builder in [&first, &second] {
        layout.take_blobs(&builder.layout())?;
    }
    for (name, _) in RECIPES {
        let images = [first.descriptor(name)?, second.descriptor(name)?];
        tagged.push((name, layout.index(&images)?));
    }
    layout.tags(&tagged)?;
    remove(&work)
}

/// Removes the working directory, also one whose mounts a killed build left.
fn remove(work: &Path) -> Result<()> {
    detach_below(work)?;
    if work.exists() {
        fs::remove_dir_all(work).at(work)?;
    }
    Ok(())
}

/// Builds the images of one architecture in a directory of its own.
struct Builder {
    arch: Arch,
    work: PathBuf,
    podman: Podman,
}

impl Builder {
    fn build(&self) -> Result<()> {
        fs::create_dir_all(&self.work).at(&self.work)?;
        let mut base = self.debian()?;
        for (name, recipe) in RECIPES {
            base = self.containerfile(name, recipe, &base)?;
            let target = format!("oci:{}:{name}", self.layout().display());
            self.podman(&["push", "--quiet", &base, &target])?;
        }
        Ok(())
    }

    /// A minimal Debian, imported into podman; returns the name of its image.
    fn debian(&self) -> Result<String> {
        let tar = self.work.join("debian.tar");
        let mut command = Command::new("mmdebstrap");
        command.args(ROOT_OPTIONS);
        command.arg(format!("--architectures={}", self.arch));
        command.arg(debian::SUITE).arg(&tar).arg(debian::mirror());
        run(&mut command, "mmdebstrap")?;
        let name = format!("localhost/debian:{}", self.arch);
        let source = tar.display().to_string();
        let arch = self.arch.as_str();
        self.podman(&["import", "--quiet", "--arch", arch, &source, &name])?;
        fs::remove_file(&tar).at(&tar)?;
        Ok(name)
    }

    /// Builds a recipe on `base`; returns the name of the image.
    fn containerfile(&self, name: &str, recipe: &str, base: &str) -> Result<String> {
        let context = self.work.join(name);
        fs::create_dir_all(&context).at(&context)?;
        let file = context.join("Containerfile");
        fs::write(&file, recipe).at(&file)?;
        let image = format!("localhost/{name}:{}", self.arch);
        let base = format!("BASE={base}");
        let context = context.display().to_string();
        // The commands of a recipe are ours: they need no network namespace and no runtime.
        let isolation = ["--isolation=chroot", "--network=host", "--quiet"];
        let what = [
            "--arch",
            self.arch.as_str(),
            "--build-arg",
            &base,
            "-t",
            &image,
        ];
        self.podman(&[&["build"], &isolation[..], &what[..], &[&context]].concat())?;
        Ok(image)
    }

    fn podman(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.podman.command();
        run(command.args(arguments), "podman").map(drop)
    }

    fn layout(&self) -> PathBuf {
        self.work.join("layout")
    }

    /// The manifest of an image that was pushed to [`Self::layout`], with its platform.
    fn descriptor(&self, name: &str) -> Result<Value> {
        let mut found = Layout::at(self.layout()).tagged(name)?;
        found["platform"] = json!({"architecture": self.arch.as_str(), "os": "linux"});
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipe_stands_on_the_one_before() {
        let mut below = "docker.io/library/debian:bookworm-slim".to_owned();
        for (name, recipe) in RECIPES {
            assert!(recipe.contains(&format!("ARG BASE={below}\n")), "{name}");
            below = format!("aqueduct/{name}");
        }
    }
}
