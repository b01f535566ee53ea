//! `type = "directory"`: a PEP 503 tree that any static web server, and pip with a `file:` URL, can serve.
//!
//! `ROOT/PROJECT/FILE`, beside each wheel its metadata (PEP 658), `ROOT/PROJECT/index.html`, `ROOT/index.html`. Every file
//! appears whole, the project's page last: it is what makes a file released. So a publisher that is killed leaves at most
//! files that no page names, and the next run goes on from there. Publishers take turns by a lock.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use aqueduct_core::package::{
    DistributionName, ListedFile, PageFile, parse_page, project_page, root_page,
};
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::{
    distribution::{Distribution, read_if_there, sha256_of},
    repository::{ErrorKind, PackageRepository, RepositoryError},
};

/// How long to wait for other publishers: each holds the lock for the copy of one file.
const PATIENCE: Duration = Duration::from_mins(2);

/// A directory as a repository.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let root = self.root.clone();
        let place = root.display().to_string();
        let fatal = |message: String| RepositoryError::new(ErrorKind::Fatal, message);
        tokio::task::spawn_blocking(move || work(&root))
            .await
            .map_err(|_| fatal(format!("{place}: the work was interrupted")))?
            .map_err(|error| fatal(format!("{place}: {error}")))
    }
}

#[async_trait]
impl PackageRepository for Directory {
    fn kind(&self) -> &'static str {
        "directory"
    }

    async fn list(&self, project: &str) -> Result<Vec<ListedFile>, RepositoryError> {
        let project = project.to_owned();
        self.run(move |root| listed(&root.join(project))).await
    }

    async fn hash(&self, project: &str, file: &ListedFile) -> Result<String, RepositoryError> {
        let (project, filename) = (project.to_owned(), file.filename.clone());
        self.run(move |root| sha256_of(&root.join(project).join(filename)))
            .await
    }

    async fn upload(&self, project: &str, file: &Distribution) -> Result<(), RepositoryError> {
        let (project, file) = (project.to_owned(), file.clone());
        self.run(move |root| release(root, &project, &file)).await
    }
}

/// What the project's page names and what is really there.
fn listed(dir: &Path) -> io::Result<Vec<ListedFile>> {
    let Some(page) = read_if_there(&dir.join("index.html"))? else {
        return Ok(Vec::new());
    };
    let mut files = parse_page("text/html", &page).map_err(io::Error::other)?;
    files.retain(|file| dir.join(&file.filename).is_file());
    Ok(files)
}

fn release(root: &Path, project: &str, file: &Distribution) -> io::Result<()> {
    fs::create_dir_all(root)?;
    let _turn = take_turn(root, PATIENCE)?;
    let dir = root.join(project);
    let mut files = listed(&dir)?;
    if let Some(old) = files.iter().find(|old| old.filename == file.filename) {
        let same = old.sha256.as_deref() == Some(&file.sha256);
        let cause = "other bytes are already listed under this name";
        return if same {
            Ok(())
        } else {
            Err(io::Error::other(cause))
        };
    }
    fs::create_dir_all(&dir)?;
    sweep(root)?;
    sweep(&dir)?;
    place(&dir.join(&file.filename), |out| {
        io::copy(&mut File::open(&file.path)?, out).map(drop)
    })?;
    let metadata_sha256 = write_metadata(&dir, file)?;
    files.push(ListedFile {
        filename: file.filename.clone(),
        href: String::new(),
        sha256: Some(file.sha256.clone()),
        yanked: false,
        requires_python: file.metadata.get("Requires-Python").map(str::to_owned),
        metadata_sha256,
    });
    write_root(root, project)?;
    let page = project_page(project, &entries(&dir, files)?);
    place(&dir.join("index.html"), |out| {
        out.write_all(page.as_bytes())
    })
}

/// Waits for the lock that lets one publisher at a time change the pages.
fn take_turn(root: &Path, patience: Duration) -> io::Result<File> {
    let lock = File::create(root.join(".lock"))?;
    let deadline = Instant::now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let cause = format!(
                    "another publisher has held .lock for {} s; publish again when it is done",
                    patience.as_secs()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, cause));
            }
        }
    }
}

/// Installers read the metadata of wheels without downloading them.
fn write_metadata(dir: &Path, file: &Distribution) -> io::Result<Option<String>> {
    if !matches!(file.name, DistributionName::Wheel(_)) {
        return Ok(None);
    }
    let text = file.metadata_text.as_bytes();
    place(&dir.join(format!("{}.metadata", file.filename)), |out| {
        out.write_all(text)
    })?;
    Ok(Some(hex::encode(Sha256::digest(text))))
}

fn entries(dir: &Path, files: Vec<ListedFile>) -> io::Result<Vec<PageFile>> {
    let entry = |file: ListedFile| {
        let sha256 = match file.sha256 {
            Some(sha256) => sha256,
            None => sha256_of(&dir.join(&file.filename))?,
        };
        Ok(PageFile {
            filename: file.filename,
            sha256,
            requires_python: file.requires_python,
            metadata_sha256: file.metadata_sha256,
        })
    };
    files.into_iter().map(entry).collect()
}

/// Names this project too. Written before the project's own page, so that a run that was killed between the two is
/// mended by the next.
fn write_root(root: &Path, project: &str) -> io::Result<()> {
    let mut projects = vec![project.to_owned()];
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != project && entry.path().join("index.html").is_file() {
            projects.push(name);
        }
    }
    let page = root_page(&projects);
    place(&root.join("index.html"), |out| {
        out.write_all(page.as_bytes())
    })
}

/// Prefix of files that are still being written.
const UNFINISHED: &str = ".aqueduct-";

/// Removes what a killed publisher was writing; whoever holds the lock is the only one who writes.
fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file beside its place and moves it there.
fn place(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(dir)?;
    write(temp.as_file_mut())?;
    temp.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))?;
    temp.as_file().sync_all()?;
    temp.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_that_hangs_is_not_waited_for_without_end() {
        let root = tempfile::tempdir().unwrap();
        let first = take_turn(root.path(), Duration::ZERO).unwrap();
        let error = take_turn(root.path(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("another publisher"), "{error}");
        drop(first);
        take_turn(root.path(), Duration::ZERO).unwrap();
    }
}
