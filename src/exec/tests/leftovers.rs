//! A runner killed at any moment leaves nothing, once the next one has swept.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aqueduct_exec::sweep;
use aqueduct_testkit::images;

use crate::support::processes;

const PROBE: &str = env!("CARGO_BIN_EXE_aqueduct-exec-probe");
const MOMENTS: u64 = 30;

/// All that a runner makes outside of its working copies.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    mounts: BTreeSet<String>,
    cgroups: BTreeSet<String>,
    state: BTreeSet<String>,
}

impl Snapshot {
    /// Of what the runner `pid` made under `dir`; other tests run on this machine, too.
    fn take(dir: &Path, pid: u32) -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let cgroups = walkdir::WalkDir::new("/sys/fs/cgroup").max_depth(2);
        let (dir_name, run_name) = (dir.display().to_string(), format!("-{pid}-"));
        Self {
            mounts: mounts
                .lines()
                .filter(|line| line.contains(&dir_name))
                .map(str::to_owned)
                .collect(),
            cgroups: names(cgroups)
                .filter(|name| name.contains(&run_name))
                .collect(),
            state: names(walkdir::WalkDir::new(dir.join("state")).min_depth(1)).collect(),
        }
    }
}

fn names(walk: walkdir::WalkDir) -> impl Iterator<Item = String> {
    walk.into_iter()
        .flatten()
        .map(|entry| entry.path().display().to_string())
}

fn probe(kind: &str, dir: &Path) -> Child {
    let mut command = Command::new(PROBE);
    command.arg(kind).arg(dir).stdin(Stdio::null());
    if kind == "oci" {
        command.arg(images::busybox_index().unwrap().reference(images::TAG));
    }
    // A session of its own, as a kill from a terminal would leave the others alone.
    command.process_group(0).spawn().unwrap()
}

/// Moments spread over start, running, timeout, after_script and removal, the same in every run.
fn moment(number: u64) -> Duration {
    Duration::from_millis(number * 7919 % 300 + 2)
}

fn killed_at_any_moment(kind: &str) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    // The first run fills the image store and makes the state directory.
    let mut warm = probe(kind, dir.path());
    thread::sleep(Duration::from_millis(1500));
    warm.kill().unwrap();
    warm.wait().unwrap();
    sweep(&state).unwrap();
    let before = Snapshot::take(dir.path(), warm.id());
    for number in 0..MOMENTS {
        let mut runner = probe(kind, dir.path());
        thread::sleep(moment(number));
        runner.kill().unwrap();
        runner.wait().unwrap();
        sweep(&state).unwrap();
        let when = format!("{kind} killed after {:?}", moment(number));
        assert_eq!(Snapshot::take(dir.path(), runner.id()), before, "{when}");
        gone(runner.id(), &when);
    }
}

/// Killed processes need a moment to be gone from the table.
fn gone(runner: u32, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while processes(&format!("sleep {runner}00")) > 0 {
        assert!(Instant::now() < deadline, "{what}: processes are left");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn neither_executor_leaves_anything_and_the_living_are_spared() {
    // One after the other, since both look at the whole machine.
    killed_at_any_moment("host");
    killed_at_any_moment("oci");
    a_living_run_is_spared("host");
    a_living_run_is_spared("oci");
}

fn a_living_run_is_spared(kind: &str) {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut living = probe(kind, dir.path());
    thread::sleep(Duration::from_millis(700));
    let mut killed = probe(kind, dir.path());
    thread::sleep(Duration::from_millis(300));
    killed.kill().unwrap();
    killed.wait().unwrap();
    for _ in 0..20 {
        sweep(&state).unwrap();
        thread::sleep(Duration::from_millis(10));
    }
    let runs: Vec<_> = fs::read_dir(&state)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .collect();
    assert_eq!(runs.len(), 1, "one is swept, the other is not: {runs:?}");
    assert!(
        living.try_wait().unwrap().is_none(),
        "the living one failed"
    );
    living.kill().unwrap();
    living.wait().unwrap();
    sweep(&state).unwrap();
    gone(killed.id(), "the killed one");
    gone(living.id(), "the living one");
}
