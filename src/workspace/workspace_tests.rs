//! Snapshots and working copies of real repositories.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use aqueduct_core::id::{AttemptKey, JobId, PipelineId};
use aqueduct_ports::workspace::{Checkout, WorkingCopies, WorkspaceError};
use tempfile::TempDir;

use crate::{Isolation, Workspace, WorkspaceConfig};

const KEY: AttemptKey = AttemptKey {
    pipeline: PipelineId(1),
    job: JobId(2),
    attempt: 1,
};

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A directory `project` with a file, a script, a link and a `.gitignore`, committed.
fn project() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    fs::create_dir(&project).unwrap();
    git(&project, &["init", "-q", "-b", "main"]);
    fs::write(project.join("file"), "one").unwrap();
    fs::write(project.join("run"), "#!/bin/sh").unwrap();
    fs::set_permissions(project.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("file", project.join("link")).unwrap();
    fs::write(project.join(".gitignore"), "ignored\n").unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "first"]);
    (dir, project)
}

fn open(
    dir: &TempDir,
    commit: Option<&str>,
    isolation: Isolation,
) -> Result<Workspace, WorkspaceError> {
    Workspace::open(&WorkspaceConfig {
        project_dir: dir.path().join("project"),
        cache_dir: dir.path().join("cache"),
        commit: commit.map(str::to_owned),
        isolation,
    })
}

#[test]
fn our_own_files_stay_out_and_a_project_among_them_stays_whole() {
    let (dir, project) = project();
    let snapshot = |cache_dir: PathBuf| {
        let opened = Workspace::open(&WorkspaceConfig {
            project_dir: project.clone(),
            cache_dir,
            commit: None,
            isolation: Isolation::Copy,
        });
        let workspace = opened.unwrap();
        let names = names(workspace.snapshot_dir());
        workspace.finish(&[]).unwrap();
        names
    };
    let whole = [".gitignore", "file", "link", "run"];
    fs::create_dir(project.join("cache")).unwrap();
    fs::write(project.join("cache/ours"), "").unwrap();
    assert_eq!(
        snapshot(project.join("cache")),
        whole,
        "the cache in the project"
    );
    fs::remove_dir_all(project.join("cache")).unwrap();
    assert_eq!(
        snapshot(dir.path().to_path_buf()),
        whole,
        "the project in the cache"
    );
}

/// Names at the top of a directory, `.git` left out.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".git")
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_holds_uncommitted_work_and_nothing_ignored() {
    for isolation in [Isolation::Auto, Isolation::Copy] {
        let (dir, project) = project();
        fs::write(project.join("file"), "two").unwrap();
        fs::create_dir(project.join("sub")).unwrap();
        fs::write(project.join("sub/new"), "3").unwrap();
        fs::write(project.join("ignored"), "4").unwrap();
        let workspace = open(&dir, None, isolation).unwrap();
        let copy = workspace.prepare(KEY, Checkout::Snapshot).await.unwrap();
        assert_eq!(
            names(&copy.dir),
            [".gitignore", "file", "link", "run", "sub"]
        );
        assert_eq!(fs::read_to_string(copy.dir.join("link")).unwrap(), "two");
        assert_eq!(
            fs::read_link(copy.dir.join("link")).unwrap(),
            Path::new("file")
        );
        let mode = fs::metadata(copy.dir.join("run"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
        assert_eq!(
            git(&copy.dir, &["status", "--porcelain"]),
            "M file\n?? sub/"
        );
        assert_eq!(
            git(&copy.dir, &["rev-parse", "HEAD"]),
            git(&project, &["rev-parse", "HEAD"])
        );
        // What the job does stays with it.
        fs::write(copy.dir.join("file"), "job").unwrap();
        git(&copy.dir, &["commit", "-qam", "by the job"]);
        assert_eq!(fs::read_to_string(project.join("file")).unwrap(), "two");
        assert_eq!(git(&project, &["rev-list", "--count", "--all"]), "1");
        workspace.remove(KEY).await.unwrap();
        workspace.finish(&[]).unwrap();
    }
}

#[tokio::test]
async fn a_commit_can_be_run_instead() {
    let (dir, project) = project();
    fs::write(project.join("file"), "two").unwrap();
    let workspace = open(&dir, Some("HEAD"), Isolation::Auto).unwrap();
    let copy = workspace.prepare(KEY, Checkout::Snapshot).await.unwrap();
    assert_eq!(fs::read_to_string(copy.dir.join("file")).unwrap(), "one");
    assert_eq!(git(&copy.dir, &["status", "--porcelain"]), "");
    workspace.finish(&[]).unwrap();
    let error = open(&dir, Some("nope"), Isolation::Auto).unwrap_err();
    assert!(error.to_string().starts_with("no commit 'nope'"), "{error}");
}

#[tokio::test]
async fn submodules_come_as_files() {
    let (dir, project) = project();
    let (other, library) = self::project();
    git(
        &project,
        &[
            "submodule",
            "--quiet",
            "add",
            library.to_str().unwrap(),
            "lib",
        ],
    );
    let workspace = open(&dir, None, Isolation::Auto).unwrap();
    let copy = workspace.prepare(KEY, Checkout::Snapshot).await.unwrap();
    assert_eq!(
        names(&copy.dir.join("lib")),
        [".gitignore", "file", "link", "run"]
    );
    assert!(workspace.notes().is_empty());
    workspace.finish(&[]).unwrap();
    git(&project, &["commit", "--quiet", "--message", "library"]);
    let absent = "jobs get these submodules as empty folders: lib; ";
    let workspace = open(&dir, Some("HEAD"), Isolation::Auto).unwrap();
    assert!(
        workspace.notes()[0].starts_with(absent),
        "{:?}",
        workspace.notes()
    );
    workspace.finish(&[]).unwrap();
    git(&project, &["submodule", "--quiet", "deinit", "lib"]);
    let workspace = open(&dir, None, Isolation::Auto).unwrap();
    assert!(
        workspace.notes()[0].starts_with(absent),
        "{:?}",
        workspace.notes()
    );
    assert!(workspace.snapshot_dir().join("lib").is_dir());
    workspace.finish(&[]).unwrap();
    drop(other);
}

#[tokio::test]
async fn without_a_repository_every_file_comes_and_a_note() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    fs::create_dir_all(project.join(".hidden")).unwrap();
    fs::write(project.join(".hidden/x"), "1").unwrap();
    fs::write(project.join(".gitignore"), "*.o\n").unwrap();
    fs::write(project.join("a.o"), "2").unwrap();
    let workspace = open(&dir, None, Isolation::Auto).unwrap();
    assert!(workspace.notes()[0].contains("is not a git repository"));
    assert_eq!(names(workspace.snapshot_dir()), [".gitignore", ".hidden"]);
    workspace.finish(&[]).unwrap();
}

#[tokio::test]
async fn a_repository_without_a_commit_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("project");
    fs::create_dir(&project).unwrap();
    git(&project, &["init", "-q"]);
    fs::write(project.join("a"), "1").unwrap();
    let workspace = open(&dir, None, Isolation::Auto).unwrap();
    assert_eq!(names(workspace.snapshot_dir()), ["a"]);
    workspace.finish(&[]).unwrap();
}

#[tokio::test]
async fn closed_directories_are_removed_and_nothing_of_a_run_stays() {
    let (dir, _) = project();
    let workspace = open(&dir, None, Isolation::Copy).unwrap();
    let copy = workspace.prepare(KEY, Checkout::Empty).await.unwrap();
    let closed = copy.dir.join("a/b");
    fs::create_dir_all(&closed).unwrap();
    fs::write(closed.join("x"), "1").unwrap();
    for path in [&closed, &copy.dir.join("a")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }
    workspace.remove(KEY).await.unwrap();
    assert!(!copy.dir.exists());
    let kept = workspace.finish(&[]).unwrap();
    assert_eq!(kept, crate::Kept::default());
    assert_eq!(names(&dir.path().join("cache/runs")), [".lock"]);
}

/// Two attempts after one another; what the first one does decides whether the second one gets its place as it is.
#[tokio::test]
async fn only_an_untouched_working_copy_goes_to_the_next_attempt() {
    type Touch = fn(&Path);
    let next = AttemptKey {
        job: JobId(3),
        ..KEY
    };
    let table: [(&str, bool, Touch); 8] = [
        ("nothing", true, |_| {}),
        ("reads", true, |dir| {
            fs::read(dir.join("file")).unwrap();
        }),
        ("writes a file", false, |dir| {
            fs::write(dir.join("new"), "").unwrap();
        }),
        ("deletes one", false, |dir| {
            fs::remove_file(dir.join("file")).unwrap();
        }),
        ("changes the mode of the top", false, |dir| {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        }),
        ("adds an attribute to the top", false, |dir| {
            xattr::set(dir, "user.note", b"x").unwrap();
        }),
        ("leaves a file variable", false, |dir| {
            fs::write(dir.with_extension("tmp").join("KEY"), "secret").unwrap();
        }),
        ("writes beside the top", false, |dir| {
            fs::write(dir.with_file_name("beside"), "").unwrap();
        }),
    ];
    for (what, untouched, touch) in table {
        let (dir, _project) = project();
        let workspace = open(&dir, None, Isolation::Auto).unwrap();
        assert!(workspace.uses_overlay(), "this test mounts: run it as root");
        let first = workspace.prepare(KEY, Checkout::Snapshot).await.unwrap();
        touch(&first.dir);
        let before = fs::symlink_metadata(first.dir.with_file_name(".upper")).unwrap();
        workspace.remove(KEY).await.unwrap();
        assert_eq!(first.dir.join("file").exists(), untouched, "{what}");
        let second = workspace.prepare(next, Checkout::Snapshot).await.unwrap();
        let after = fs::symlink_metadata(second.dir.with_file_name(".upper")).unwrap();
        let same = before.ctime() == after.ctime() && before.ctime_nsec() == after.ctime_nsec();
        assert_eq!(same, untouched, "{what}");
        assert_eq!(second.dir, first.dir, "{what}: the path is the same");
        assert_eq!(fs::read(second.dir.join("file")).unwrap(), b"one", "{what}");
        assert_eq!(fs::read_dir(&second.tmp_dir).unwrap().count(), 0, "{what}");
        workspace.finish(&[]).unwrap();
    }
}

#[tokio::test]
async fn a_working_copy_that_somebody_is_in_goes_to_nobody_else() {
    let (dir, _project) = project();
    let workspace = open(&dir, None, Isolation::Auto).unwrap();
    let first = workspace.prepare(KEY, Checkout::Snapshot).await.unwrap();
    let open_file = fs::File::open(first.dir.join("file")).unwrap();
    workspace.remove(KEY).await.unwrap();
    assert!(!first.dir.exists());
    drop(open_file);
    workspace.finish(&[]).unwrap();
}
