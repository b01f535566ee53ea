//! `cargo xtask demo`: both examples, from the pipeline file to what other people's tools see.

use std::{
    fs,
    io::stdin,
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_core::platform::{Arch, Platform};
use aqueduct_testkit::{
    base_images,
    command::run as call,
    podman::Podman,
    project::Project,
    regions::{PASSWORD, PASSWORD_VARIABLE, Regions, pip_install},
    registry,
};

use crate::{
    bench::release_build,
    cargo,
    error::{At, Error, Result},
    setup::{self, Need},
    stage::{Count, Stages, say},
};

/// Runs the command; `keep` leaves the servers up until Enter. `true` if all of it worked.
pub(crate) fn run(keep: bool) -> Result<bool> {
    setup::announce("cargo xtask demo", &Need::DEMO)?;
    let mut stages = Stages::new();
    stages.run("set-up", || setup::prepare(&Need::DEMO));
    let demo = Demo::new(release_build(&mut stages)?)?;
    let registry = registry::Options::default()
        .storage(&demo.dir.join("registry"))
        .start()?;
    let regions = Regions::start(Some(&demo.dir.join("regions")))?;
    stages.run("hello-multiarch", || demo.hello(registry.host()));
    stages.run("the image, seen by podman", || demo.image(registry.host()));
    stages.run("python-wheels", || demo.wheels(&regions));
    stages.run("the packages, seen by pip", || packages(&regions));
    let held = stages.finish();
    demo.look();
    if keep {
        say(&format!(
            "\nUp until Enter is pressed: registry http://{}",
            registry.host()
        ));
        for (region, server) in regions.servers() {
            say(&format!("  {region}: {}", server.index_url()));
        }
        stdin().read_line(&mut String::new()).at("standard input")?;
    }
    Ok(held)
}

struct Demo {
    dir: PathBuf,
    aqueduct: PathBuf,
    base_images: String,
}

impl Demo {
    /// Everything is left in one directory, which the next demonstration empties.
    fn new(aqueduct: PathBuf) -> Result<Self> {
        let dir = cargo::target_directory()?.join("demo");
        if dir.exists() {
            fs::remove_dir_all(&dir).at(&dir)?;
        }
        let images = base_images::layout()?;
        Ok(Self {
            dir,
            aqueduct,
            base_images: format!("BASE_IMAGES=oci:{}", images.path().display()),
        })
    }

    fn project(&self, example: &str) -> Result<Project> {
        let dir = self.dir.join(example);
        Ok(Project::example(example, &self.aqueduct, Some(&dir))?)
    }

    /// Compiles, tests and releases the C program.
    fn hello(&self, registry: &str) -> Result<Count> {
        let project = self.project("hello-multiarch")?;
        project.commit()?;
        let image = format!("IMAGE={registry}/hello");
        shown(&mut project.command(&["run", "--var", &self.base_images, "--var", &image]))
    }

    /// Runs the released index on both platforms and keeps a copy as a layout.
    fn image(&self, registry: &str) -> Result<Count> {
        let image = format!("{registry}/hello:latest");
        let podman = Podman::new()?;
        for arch in Arch::ALL {
            let platform = Platform::linux(arch);
            let printed = podman.run(&platform, &image, &[])?;
            say(&format!(
                "   podman run --platform {platform} {image}\n   {}",
                printed.trim()
            ));
        }
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--all", "--quiet", "--src-tls-verify=false"]);
        copy.arg(format!("docker://{image}"));
        copy.arg(format!("oci:{}:latest", self.dir.join("hello").display()));
        call(&mut copy, "skopeo")?;
        Ok(Count::one(true))
    }

    /// Builds, tests and publishes the Python package.
    fn wheels(&self, regions: &Regions) -> Result<Count> {
        let project = self.project("python-wheels")?;
        regions.configure(&project)?;
        project.commit()?;
        let mut command = project.command(&["run", "--var", &self.base_images]);
        shown(command.env(PASSWORD_VARIABLE, PASSWORD))
    }

    /// Says where everything is and how to look at it.
    fn look(&self) {
        let dir = self.dir.display();
        let program = Path::new(&self.aqueduct).display();
        say(&format!(
            "\nEverything is in {dir}:\n\
             \x20 the index     {program} index inspect oci:{dir}/hello:latest\n\
             \x20 the image     cd {dir} && podman run --rm --platform linux/arm64 oci:hello:latest\n\
             \x20 the packages  ls {dir}/regions/*/packages\n\
             \x20               pip download --no-deps --no-index --find-links \
             {dir}/regions/us-east-2/packages confluence\n\
             \x20 the pipelines {dir}/hello-multiarch/.aqueduct.yml, {dir}/python-wheels/.gitlab-ci.yml"
        ));
    }
}

/// Installs the package from each region.
fn packages(regions: &Regions) -> Result<Count> {
    let program = "import confluence as c; print('merged', c.merge([1, 9], [4]))";
    for (region, server) in regions.servers() {
        let index = server.index_url();
        let printed = pip_install(&["--index-url", &index], "confluence", program)?;
        say(&format!(
            "   {region}: pip install --index-url {index} confluence: {printed}"
        ));
    }
    let contents = regions.contents()?;
    let mut all = contents.values();
    let first = all.next();
    for (file, digest) in first.into_iter().flatten() {
        say(&format!("   {digest} {file}"));
    }
    Ok(Count::one(all.all(|files| Some(files) == first)))
}

/// Runs a command with its output shown.
fn shown(command: &mut Command) -> Result<Count> {
    let program = Path::new(command.get_program()).to_owned();
    let status = command.status().at(&program)?;
    if status.success() {
        return Ok(Count::one(true));
    }
    Err(Error::Command(program.display().to_string()))
}
