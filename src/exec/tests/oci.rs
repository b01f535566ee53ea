//! The container executor against the conformance suite, in an image of busybox. Needs root.

use std::sync::Arc;

use crate::support::{Directories, processes};
use aqueduct_core::{plan::Image, platform::Arch};
use aqueduct_exec::oci::{OciConfig, OciExecutor};
use aqueduct_ports::{
    conformance::executor::{Lacking, Subject},
    executor::{Executor, JobSpec},
};
use aqueduct_testkit::images;

pub(crate) struct Oci {
    directories: Directories,
    executor: Arc<OciExecutor>,
}

impl Oci {
    pub(crate) fn new() -> Self {
        Self::on(Directories::new())
    }

    /// The next process on the same directories.
    pub(crate) fn again(self) -> Self {
        Self::on(self.directories)
    }

    fn on(directories: Directories) -> Self {
        let mut config = OciConfig::new(directories.state(), directories.store());
        config.program = env!("CARGO_BIN_EXE_aqueduct-exec-probe").into();
        config.claim_all_archs = true;
        Self {
            executor: Arc::new(OciExecutor::new(config)),
            directories,
        }
    }

    /// Layers that lie half unpacked in the image store.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let names = self.stored("layers");
        names.filter(|name| name.starts_with('.')).collect()
    }

    /// What was downloaded and not unpacked.
    pub(crate) fn blobs(&self) -> Vec<String> {
        self.stored("blobs").collect()
    }

    fn stored(&self, dir: &str) -> impl Iterator<Item = String> {
        let entries = std::fs::read_dir(self.directories.store().join(dir));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
    }
}

fn image(name: String) -> Image {
    Image {
        name,
        entrypoint: None,
        pull_policy: Vec::new(),
        platform: None,
        user: None,
    }
}

impl Subject for Oci {
    fn executor(&self) -> Arc<dyn Executor> {
        self.executor.clone()
    }

    fn spec(&self, number: u32) -> JobSpec {
        let layout = images::busybox_index().unwrap();
        JobSpec {
            image: Some(image(layout.reference(images::TAG))),
            project_dir: "/builds/group/project".into(),
            tmp_dir_inside: "/builds/group/project.tmp".into(),
            ..self.directories.spec(number)
        }
    }

    fn limits_memory(&self) -> bool {
        true
    }

    fn image_without(&self, lacking: Lacking) -> Option<Image> {
        let layout = images::busybox(Arch::Amd64).unwrap();
        Some(image(match lacking {
            Lacking::Everything => layout.reference("absent"),
            Lacking::Arm64 => layout.reference(images::TAG),
        }))
    }

    fn processes(&self, text: &str) -> usize {
        processes(text)
    }
}

aqueduct_ports::executor_conformance!(Oci::new());
