//! The files that globs name: in the artifacts of several jobs, or on a command line.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use globset::GlobBuilder;
use walkdir::WalkDir;

/// The files that `globs` match, sorted by path. Each glob is looked for in each of `dirs`; an absolute one, or one with
/// `..`, leads out of them, which the caller must have ruled out where it matters. A glob that matches nothing is an error.
pub fn find_files(dirs: &[PathBuf], globs: &[String]) -> Result<Vec<PathBuf>, String> {
    let mut found = BTreeSet::new();
    for glob in globs {
        let mut matched = false;
        for dir in dirs {
            let files = matches(dir, glob)?;
            matched |= !files.is_empty();
            found.extend(files);
        }
        if !matched {
            let is_dir = dirs.iter().any(|dir| dir.join(glob.trim()).is_dir());
            return Err(if is_dir {
                let dir = glob.trim().trim_end_matches('/');
                format!("`{glob}` is a directory: name its files, such as `{dir}/*`")
            } else {
                format!("`{glob}` matches no file")
            });
        }
    }
    Ok(found.into_iter().collect())
}

/// The files that one glob matches in one directory.
fn matches(dir: &Path, glob: &str) -> Result<Vec<PathBuf>, String> {
    let (literal, pattern) = split(glob.trim());
    let base = dir.join(literal);
    if pattern.is_empty() {
        return Ok(if base.is_file() {
            vec![base]
        } else {
            Vec::new()
        });
    }
    let matcher = GlobBuilder::new(&pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| format!("`{glob}` is not a glob: {}", error.kind()))?
        .compile_matcher();
    if !base.is_dir() {
        return Ok(Vec::new());
    }
    let mut out = Vec::new();
    for entry in WalkDir::new(&base) {
        let entry = entry.map_err(|error| error.to_string())?;
        let relative = entry.path().strip_prefix(&base).unwrap_or(entry.path());
        if entry.file_type().is_file() && matcher.is_match(relative) {
            out.push(entry.into_path());
        }
    }
    Ok(out)
}

/// Splits a glob into the path before its first special character and the pattern from there on, so that only
/// what can match is walked.
fn split(glob: &str) -> (PathBuf, String) {
    let special = |part: &Component<'_>| {
        part.as_os_str()
            .to_string_lossy()
            .contains(['*', '?', '[', '{', '\\'])
    };
    let parts: Vec<Component<'_>> = Path::new(glob)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let at = parts.iter().position(special).unwrap_or(parts.len());
    let (literal, pattern) = parts.split_at(at);
    let pattern: PathBuf = pattern.iter().collect();
    (
        literal.iter().collect(),
        pattern.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn globs_look_into_every_job() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = ["a", "b"].map(|name| dir.path().join(name));
        for (job, file) in jobs.iter().zip(["x.whl", "y.whl"]) {
            fs::create_dir_all(job.join("dist/sub")).unwrap();
            fs::write(job.join("dist").join(file), "").unwrap();
            fs::write(job.join("dist/sub/z.whl"), "").unwrap();
        }
        let find = |glob: &str| find_files(&jobs, &[glob.to_owned()]);
        let both = [jobs[0].join("dist/x.whl"), jobs[1].join("dist/y.whl")];
        assert_eq!(find("dist/*.whl").unwrap(), both);
        assert_eq!(find("./dist/**").unwrap().len(), 4);
        assert_eq!(find("**/z.whl").unwrap().len(), 2);
        assert_eq!(find("dist/x.whl").unwrap(), both[..1]);
        assert_eq!(find(both[1].to_str().unwrap()).unwrap(), both[1..]);
        assert!(
            find("dist/*.tar.gz")
                .unwrap_err()
                .contains("matches no file")
        );
        assert!(
            find("dist")
                .unwrap_err()
                .contains("is a directory: name its files, such as `dist/*`")
        );
        assert!(find("dist/[").unwrap_err().contains("not a glob"));
        let twice = ["dist/*.whl".to_owned(), "dist/x*".to_owned()];
        assert_eq!(find_files(&jobs, &twice).unwrap(), both);
    }
}
