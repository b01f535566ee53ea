//! Three Python repositories that stand for three regions.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    command::{At, Result, run},
    layout::digest,
    project::Project,
    pypiserver::{Options, PypiServer},
    venv::debian_python,
};

/// Region and the port that `aqueduct.toml` of the example gives it.
const REGIONS: [(&str, u16); 3] = [
    ("us-east-1", 8081),
    ("us-east-2", 8082),
    ("us-west-2", 8083),
];

/// The variable that `aqueduct.toml` of the example takes the password from.
pub const PASSWORD_VARIABLE: &str = "PACKAGES_PASSWORD";

/// The password of all regions.
pub const PASSWORD: &str = "open-the-sluice";

/// Running repositories by region.
#[derive(Debug)]
pub struct Regions(Vec<(&'static str, PypiServer)>);

impl Regions {
    /// Starts one server a region, with its packages below `dir` if one is given.
    pub fn start(dir: Option<&Path>) -> Result<Self> {
        let start = |(name, _)| {
            let mut options = Options::default().login("ci", PASSWORD);
            if let Some(dir) = dir {
                options = options.storage(&dir.join(name));
            }
            Ok((name, options.start()?))
        };
        REGIONS
            .into_iter()
            .map(start)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Writes the servers' addresses into the example's `aqueduct.toml`.
    pub fn configure(&self, project: &Project) -> Result<()> {
        let mut text = project.read("aqueduct.toml")?;
        for ((_, port), (_, server)) in REGIONS.into_iter().zip(&self.0) {
            let documented = format!("http://127.0.0.1:{port}/");
            text = text.replace(&documented, &server.upload_url());
        }
        project.write("aqueduct.toml", &text)
    }

    /// Region and server, in order.
    pub fn servers(&self) -> impl Iterator<Item = (&'static str, &PypiServer)> {
        self.0.iter().map(|(name, server)| (*name, server))
    }

    /// Name and digest of every file, by region.
    pub fn contents(&self) -> Result<BTreeMap<&'static str, BTreeMap<String, String>>> {
        let files = |(name, server): (&'static str, &PypiServer)| {
            let dir = server.packages();
            let mut files = BTreeMap::new();
            for entry in fs::read_dir(dir).at(dir)? {
                let path = entry.at(dir)?.path();
                let file = path.file_name().unwrap_or_default();
                let bytes = fs::read(&path).at(&path)?;
                files.insert(file.to_string_lossy().into_owned(), digest(&bytes));
            }
            Ok((name, files))
        };
        self.servers().map(files).collect()
    }
}

/// Installs a package with pip into a new environment and runs a Python program with it there;
/// returns what that printed.
pub fn pip_install(arguments: &[&str], package: &str, program: &str) -> Result<String> {
    let dir: TempDir = tempfile::tempdir().at(&std::env::temp_dir())?;
    let mut create = Command::new(debian_python());
    create.args(["-m", "venv"]).arg(dir.path());
    run(&mut create, "python3-venv")?;
    let mut pip = Command::new(dir.path().join("bin/pip"));
    pip.args(["install", "--quiet", "--no-cache-dir", "--isolated"]);
    run(pip.args(arguments).arg(package), "python3-venv")?;
    let mut python = Command::new(dir.path().join("bin/python"));
    let output = run(python.args(["-c", program]), "python3-venv")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
