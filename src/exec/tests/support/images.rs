//! Running one script in an image made for it.

use std::{fs, path::Path, sync::Arc};

use aqueduct_core::{
    plan::Image,
    platform::Arch,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    conformance::executor::Subject,
    executor::{ExecEvent, Executor, JobSpec, Outcome, Phase, Placement},
};
use aqueduct_testkit::{
    images,
    layout::{self, Layout},
};
use serde_json::Value;

use crate::oci::Oci;

pub(crate) struct Ran {
    pub(crate) placement: Option<Placement>,
    pub(crate) notices: Vec<String>,
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
}

impl Ran {
    /// Whom it blames.
    pub(crate) fn kind(&self) -> VerdictKind {
        self.verdict().kind
    }

    /// Why it failed.
    pub(crate) fn cause(&self) -> &str {
        &self.verdict().cause
    }

    fn verdict(&self) -> &Verdict {
        self.outcome.verdict.as_ref().unwrap()
    }
}

pub(crate) async fn run_in(subject: &Oci, change: impl FnOnce(&mut JobSpec), script: &str) -> Ran {
    let mut spec = subject.spec(0);
    spec.phases = vec![Phase {
        name: "step_script".into(),
        script: script.into(),
        timeout: spec.timeout,
        after_timeout: false,
    }];
    change(&mut spec);
    let executor: Arc<dyn Executor> = subject.executor();
    let handle = executor.ensure(&spec).await.unwrap();
    let mut events = executor.attach(&handle).await.unwrap();
    let (mut placement, mut notices, mut output, mut outcome) =
        (None, Vec::new(), Vec::new(), None);
    while let Some(event) = events.recv().await {
        match event {
            ExecEvent::Placed(place) => placement = Some(place),
            ExecEvent::Notice(text) => notices.push(text),
            ExecEvent::Output(bytes) => output.extend_from_slice(&bytes),
            ExecEvent::Ended(end) => outcome = Some(end),
            ExecEvent::PhaseStarted(_) | ExecEvent::PhaseEnded { .. } => {}
        }
    }
    executor.destroy(&handle).await.unwrap();
    Ran {
        placement,
        notices,
        text: String::from_utf8(output).unwrap(),
        outcome: outcome.unwrap(),
    }
}

pub(crate) fn with_image(change: impl FnOnce(&mut Image)) -> impl FnOnce(&mut JobSpec) {
    move |spec| change(spec.image.as_mut().unwrap())
}

/// A layer of these entries: kind, name, content or link target.
pub(crate) fn layer(entries: &[(tar::EntryType, &str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (kind, name, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        if *kind == tar::EntryType::Symlink {
            header.set_size(0);
            tar.append_link(&mut header, name, text).unwrap();
        } else {
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

/// An image of these layers, in a layout of its own.
pub(crate) fn layout_of(dir: &Path, layers: Vec<Vec<u8>>, config: Value) -> String {
    let layout = Layout::create(dir).unwrap();
    let image = layout::Image {
        arch: Arch::Amd64,
        layers,
        config,
    };
    let image = layout.image(&image).unwrap();
    layout.tags(&[("test", image)]).unwrap();
    layout.reference("test")
}

/// The only layer of the busybox image, as a tar.
pub(crate) fn busybox_layer() -> Vec<u8> {
    let layout = images::busybox(Arch::Amd64).unwrap();
    let read = |name: &Value| -> Vec<u8> {
        let digest = name["digest"].as_str().unwrap().replace(':', "/");
        fs::read(layout.path().join("blobs").join(digest)).unwrap()
    };
    let index: Value =
        serde_json::from_slice(&fs::read(layout.path().join("index.json")).unwrap()).unwrap();
    let manifest: Value = serde_json::from_slice(&read(&index["manifests"][0])).unwrap();
    let mut tar = Vec::new();
    let bytes = read(&manifest["layers"][0]);
    std::io::Read::read_to_end(
        &mut flate2::read::GzDecoder::new(bytes.as_slice()),
        &mut tar,
    )
    .unwrap();
    tar
}
