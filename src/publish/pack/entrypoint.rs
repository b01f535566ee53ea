//! The classic slip of a multi-architecture build: a program of one machine in an image for another.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use aqueduct_core::{elf, image::ContainerConfig};

use super::{
    PackError, PackOptions,
    tree::{Kind, Tree},
};

/// Where programs are looked for if the image has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Symbolic links followed.
const LINKS: usize = 16;

/// Compares the machine of the program that the image starts with the image's platform. A script, and a program that
/// comes from the base, pass.
pub(super) fn check(
    options: &PackOptions,
    tree: &Tree,
    base: &ContainerConfig,
) -> Result<(), PackError> {
    let inherited = |own: &Option<Vec<String>>, base: &Option<Vec<String>>| {
        own.clone().or_else(|| base.clone()).unwrap_or_default()
    };
    let mut command = inherited(&options.entrypoint, &base.entrypoint);
    command.extend(inherited(&options.cmd, &base.cmd));
    let Some(program) = command.first() else {
        return Ok(());
    };
    let Some((path, source)) = find(program, options, base, tree) else {
        return Ok(());
    };
    let mut head = Vec::new();
    let read = File::open(&source).and_then(|file| file.take(64).read_to_end(&mut head));
    read.map_err(|error| PackError::File {
        path: source,
        cause: error.to_string(),
    })?;
    let wanted = elf::machine_of_architecture(&options.platform.architecture);
    match (elf::machine(&head), wanted) {
        (Some(actual), Some(wanted)) if actual != wanted => Err(PackError::WrongMachine {
            path: format!("/{}", path.display()),
            actual: elf::machine_name(actual),
            platform: options.platform.clone(),
        }),
        _ => Ok(()),
    }
}

/// The packed file that a command names: its path in the image and on this machine.
fn find(
    program: &str,
    options: &PackOptions,
    base: &ContainerConfig,
    tree: &Tree,
) -> Option<(PathBuf, PathBuf)> {
    if program.contains('/') {
        let workdir = options.workdir.as_deref().unwrap_or(&base.working_dir);
        return resolve(tree, &Path::new(workdir).join(program));
    }
    let own = options
        .env
        .iter()
        .find(|(key, _)| key == "PATH")
        .map(|(_, value)| value.as_str());
    let inherited = base
        .env
        .iter()
        .flatten()
        .find_map(|entry| entry.strip_prefix("PATH="));
    let path = own.or(inherited).unwrap_or(DEFAULT_PATH);
    path.split(':')
        .find_map(|dir| resolve(tree, &Path::new(dir).join(program)))
}

fn resolve(tree: &Tree, path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut path = normal(path);
    for _ in 0..LINKS {
        match &tree.get(&path)?.kind {
            Kind::File { source, .. } => return Some((path, source.clone())),
            Kind::Symlink(target) => {
                let dir = path.parent().unwrap_or(Path::new("")).to_owned();
                path = normal(&Path::new("/").join(dir).join(target));
            }
            Kind::Directory => return None,
        }
    }
    None
}

/// The path without root and dots.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => out.push(name),
            std::path::Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}
