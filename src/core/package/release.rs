//! What the files of one release must have in common.

use std::collections::BTreeMap;

use super::{DistributionName, normalize_name};

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its name.
    pub filename: String,
    /// Its name, read.
    pub name: DistributionName,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Where it was found, for messages.
    pub origin: String,
}

/// Everything wrong with a set of files, a line each: one project, one version, at most one sdist, and no two different
/// files of one name.
pub fn check_release(files: &[ReleaseFile]) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(first) = files.first() else {
        return vec!["there is nothing to publish".into()];
    };
    for file in files {
        if normalize_name(file.name.name()) != normalize_name(first.name.name()) {
            problems.push(format!(
                "{} and {} are of different projects",
                first.filename, file.filename
            ));
        } else if file.name.version() != first.name.version() {
            problems.push(format!(
                "{} and {} are of different versions",
                first.filename, file.filename
            ));
        }
    }
    let mut by_name: BTreeMap<&str, &ReleaseFile> = BTreeMap::new();
    for file in files {
        match by_name.get(file.filename.as_str()) {
            Some(other) if other.sha256 != file.sha256 => problems.push(format!(
                "two different files are called {}: {} and {}",
                file.filename, other.origin, file.origin
            )),
            Some(_) => {}
            None => {
                by_name.insert(&file.filename, file);
            }
        }
    }
    let sdists: Vec<&str> = by_name
        .values()
        .filter(|file| matches!(file.name, DistributionName::Sdist(_)))
        .map(|file| file.filename.as_str())
        .collect();
    if sdists.len() > 1 {
        problems.push(format!(
            "a release has one source distribution, here are {}",
            sdists.join(", ")
        ));
    }
    problems
}

/// Why the public index refuses a file that private ones take (its upload API's checks of platform tags and versions).
pub fn public_objections(name: &DistributionName) -> Vec<String> {
    let mut objections = Vec::new();
    if name.version().is_local() {
        objections.push(format!("has the local version {}", name.version()));
    }
    if let DistributionName::Wheel(wheel) = name {
        let plain = |tag: &&str| matches!(*tag, "linux_x86_64" | "linux_aarch64" | "linux_i686");
        if let Some(tag) = wheel.platform.split('.').find(plain) {
            objections.push(format!(
                "has the platform tag {tag}; repair the wheel to a manylinux or musllinux tag"
            ));
        }
    }
    objections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(filename: &str, sha256: &str) -> ReleaseFile {
        ReleaseFile {
            filename: filename.into(),
            name: filename.parse().unwrap(),
            sha256: sha256.into(),
            origin: format!("dist/{filename}"),
        }
    }

    #[test]
    fn one_project_one_version_one_sdist() {
        let good = [
            file("a_b-1.0.tar.gz", "1"),
            file("A.b-1.0-py3-none-any.whl", "2"),
        ];
        assert_eq!(check_release(&good), Vec::<String>::new());
        let table = [
            (vec![], "nothing to publish"),
            (
                vec![file("a-1.tar.gz", "1"), file("b-1-py3-none-any.whl", "2")],
                "different projects",
            ),
            (
                vec![file("a-1.tar.gz", "1"), file("a-2-py3-none-any.whl", "2")],
                "different versions",
            ),
            (
                vec![file("a-1.tar.gz", "1"), file("a-1.tar.gz", "2")],
                "two different files are called",
            ),
            (
                vec![file("a.b-1.tar.gz", "1"), file("a_b-1.tar.gz", "2")],
                "one source distribution",
            ),
        ];
        for (files, expected) in table {
            let problems = check_release(&files).join("\n");
            assert!(problems.contains(expected), "{expected}: {problems}");
        }
        assert_eq!(
            check_release(&[file("a-1.tar.gz", "1"), file("a-1.tar.gz", "1")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_only_the_public_index_refuses() {
        let table = [
            (
                "a-1-cp312-cp312-manylinux2014_x86_64.linux_x86_64.whl",
                "platform tag linux_x86_64",
            ),
            ("a-1+cpu-py3-none-any.whl", "local version 1+cpu"),
        ];
        for (filename, expected) in table {
            let found = public_objections(&filename.parse().unwrap()).join("");
            assert!(found.contains(expected), "{found}");
        }
        for filename in [
            "a-1-py3-none-any.whl",
            "a-1.tar.gz",
            "a-1-py3-none-linux_armv7l.whl",
        ] {
            assert_eq!(
                public_objections(&filename.parse().unwrap()),
                Vec::<String>::new()
            );
        }
    }
}
