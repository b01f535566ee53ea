//! A disk without room or without permission to write: said before any job starts, with the way out.

use std::process::Command;

use crate::support::{Done, Project};

/// Runs the program with its cache on a disk of its own, mounted for it alone with these options.
fn run_on(project: &Project, mount: &str) -> Done {
    let disk = project.root().with_file_name("disk");
    std::fs::create_dir_all(&disk).expect("a mount point");
    let run = project.command(&["run"]);
    let script = "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && shift 2 && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh", mount])
        .arg(&disk)
        .arg(run.get_program())
        .args(run.get_args())
        .envs(
            run.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("XDG_CACHE_HOME", &disk)
        .current_dir(project.root())
        .output()
        .expect("unshare of util-linux is needed by this test");
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_full_or_read_only_disk_is_told_before_any_job_starts() {
    let large = "x".repeat(1 << 20);
    let project = Project::new(&[
        (".gitlab-ci.yml", "job: {script: echo started}\n"),
        ("large.txt", &large),
    ]);
    let table = [
        ("size=256k", "No space left on device"),
        ("ro", "Read-only file system"),
    ];
    for (mount, cause) in table {
        let done = run_on(&project, mount);
        assert_eq!(done.code, 3, "{mount}: {}", done.stderr);
        assert_eq!(done.stdout, "", "{mount}");
        assert!(done.stderr.contains(cause), "{mount}: {}", done.stderr);
        assert!(
            done.stderr
                .contains("help: XDG_CACHE_HOME names the disk that runs use"),
            "{mount}: {}",
            done.stderr
        );
    }
}
