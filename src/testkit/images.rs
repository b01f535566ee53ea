//! Small base images for tests, as OCI layouts in the cache.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use aqueduct_core::platform::Arch;
use serde_json::{Value, json};

use crate::{
    cache,
    command::{At, Result, run},
    debian,
    layout::{Image, Layout},
};

/// Part of the cache key: change it with anything that changes the bytes.
const RECIPE: &str = "1";

/// The tag under which each layout here holds its image.
pub const TAG: &str = "latest";

/// A layout with one image of that architecture: Debian's static busybox with all its applets.
pub fn busybox(arch: Arch) -> Result<Layout> {
    let dir = cache::once(&format!("image-busybox-{RECIPE}-{arch}"), |dir| {
        let layout = Layout::create(dir)?;
        let image = layout.image(&busybox_image(arch)?)?;
        layout.tags(&[(TAG, image)])
    })?;
    Ok(Layout::at(dir))
}

/// A layout whose tag is an image index over busybox for every architecture.
pub fn busybox_index() -> Result<Layout> {
    let dir = cache::once(&format!("image-busybox-{RECIPE}-index"), |dir| {
        let layout = Layout::create(dir)?;
        let images = Arch::ALL
            .into_iter()
            .map(|arch| layout.image(&busybox_image(arch)?))
            .collect::<Result<Vec<Value>>>()?;
        layout.tags(&[(TAG, layout.index(&images)?)])
    })?;
    Ok(Layout::at(dir))
}

fn busybox_image(arch: Arch) -> Result<Image> {
    let program = program(arch)?;
    let bytes = fs::read(&program).at(&program)?;
    Ok(Image {
        arch,
        layers: vec![root(&bytes, &applets()?).at(&program)?],
        config: json!({
            "Cmd": ["/bin/sh"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        }),
    })
}

fn program(arch: Arch) -> Result<std::path::PathBuf> {
    Ok(debian::unpacked("busybox-static", arch)?.join("bin/busybox"))
}

/// The applets with their paths (`bin/sh`, `usr/bin/env`), told by the machine's own architecture:
/// both are built from one source.
fn applets() -> Result<BTreeSet<String>> {
    let native = Arch::parse(std::env::consts::ARCH).unwrap_or(Arch::Amd64);
    let mut command = Command::new(program(native)?);
    let output = run(command.arg("--list-full"), "busybox-static")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().map(str::to_owned).collect())
}

fn root(busybox: &[u8], applets: &BTreeSet<String>) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (dir, mode) in [
        ("bin", 0o755),
        ("dev", 0o755),
        ("etc", 0o755),
        ("proc", 0o755),
        ("root", 0o700),
        ("sbin", 0o755),
        ("sys", 0o755),
        ("tmp", 0o1777),
        ("usr", 0o755),
        ("usr/bin", 0o755),
        ("usr/sbin", 0o755),
    ] {
        let mut header = header(tar::EntryType::Directory, mode, 0);
        tar.append_data(&mut header, format!("{dir}/"), std::io::empty())?;
    }
    for (name, text) in [
        (
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        ),
        ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ] {
        let mut header = header(tar::EntryType::Regular, 0o644, text.len());
        tar.append_data(&mut header, name, text.as_bytes())?;
    }
    let mut program = header(tar::EntryType::Regular, 0o755, busybox.len());
    tar.append_data(&mut program, "bin/busybox", busybox)?;
    for applet in applets.iter().filter(|name| *name != "bin/busybox") {
        let mut link = header(tar::EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut link, applet, Path::new("/bin/busybox"))?;
    }
    tar.into_inner()
}

fn header(kind: tar::EntryType, mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::digest;

    fn read(layout: &Layout, name: &str) -> Value {
        let bytes = fs::read(layout.path().join(name)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn blob(layout: &Layout, descriptor: &Value) -> Vec<u8> {
        let name = descriptor["digest"].as_str().unwrap();
        let path = format!("blobs/{}", name.replace(':', "/"));
        let bytes = fs::read(layout.path().join(path)).unwrap();
        assert_eq!(digest(&bytes), name);
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    #[test]
    fn both_architectures_stand_in_one_index() {
        let layout = busybox_index().unwrap();
        let top = &read(&layout, "index.json")["manifests"][0];
        let index: Value = serde_json::from_slice(&blob(&layout, top)).unwrap();
        let manifests = index["manifests"].as_array().unwrap();
        let platforms: Vec<_> = manifests
            .iter()
            .map(|entry| entry["platform"]["architecture"].as_str().unwrap())
            .collect();
        assert_eq!(platforms, ["amd64", "arm64"]);
        for (entry, arch) in manifests.iter().zip(Arch::ALL) {
            let manifest: Value = serde_json::from_slice(&blob(&layout, entry)).unwrap();
            let layer = blob(&layout, &manifest["layers"][0]);
            let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&layer[..]));
            let names: Vec<_> = tar
                .entries()
                .unwrap()
                .map(|entry| entry.unwrap().path().unwrap().display().to_string())
                .collect();
            assert!(names.contains(&"bin/sh".to_owned()), "{names:?}");
            let program = fs::read(program(arch).unwrap()).unwrap();
            assert_eq!(program[18..20], arch.elf_machine().to_le_bytes());
        }
    }
}
