//! Globs of `publish: python:` over the artifacts of several jobs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use globset::GlobBuilder;
use walkdir::WalkDir;

/// The files that `globs` match below `dirs`, sorted by path; a glob that matches nothing is an error.
pub fn find_files(dirs: &[PathBuf], globs: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut found = BTreeSet::new();
    for glob in globs {
        let pattern = glob.trim().trim_start_matches("./");
        let matcher = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| format!("`{glob}` is not a glob: {}", error.kind()))?
            .compile_matcher();
        let before = found.len();
        for dir in dirs {
            found.extend(files(dir)?.into_iter().filter(|path| {
                path.strip_prefix(dir)
                    .is_ok_and(|relative| matcher.is_match(relative))
            }));
        }
        if found.len() == before {
            return Err(format!(
                "`{glob}` matches no file in the artifacts of the needed jobs"
            ));
        }
    }
    Ok(found.into_iter().collect())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = WalkDir::new(dir).follow_links(false);
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        if entry.file_type().is_file() {
            out.push(entry.into_path());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_look_into_every_job() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = ["a", "b"].map(|name| dir.path().join(name));
        for (job, file) in jobs.iter().zip(["x.whl", "y.whl"]) {
            std::fs::create_dir_all(job.join("dist/sub")).unwrap();
            std::fs::write(job.join("dist").join(file), "").unwrap();
            std::fs::write(job.join("dist/sub/z.whl"), "").unwrap();
        }
        let find = |glob: &str| find_files(&jobs, &[glob.to_owned()]);
        assert_eq!(
            find("dist/*.whl").unwrap(),
            [jobs[0].join("dist/x.whl"), jobs[1].join("dist/y.whl")]
        );
        assert_eq!(find("./dist/**").unwrap().len(), 4);
        assert!(
            find("dist/*.tar.gz")
                .unwrap_err()
                .contains("matches no file")
        );
        assert!(find("dist/[").unwrap_err().contains("not a glob"));
    }
}
