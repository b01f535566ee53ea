//! What must hold when all is over.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::Method;

use crate::{
    ledger::{self, Began, Kill},
    pipeline::{self, JOBS},
    processes::Processes,
    story::Seen,
};

/// Everything.
pub(crate) async fn all(processes: &mut Processes, jobs: &BTreeMap<u64, Seen>, root: &Path) {
    let outside = root.join("outside");
    statuses(processes, jobs).await;
    let attempts = ledger::read(&outside);
    for job in jobs.values().filter(|job| job.name != "publish") {
        // The sleeper may be cancelled before it begins.
        let Some(began) = attempts.get(&job.id) else {
            assert_eq!(job.name, "sleeper", "it never began: {job:?}");
            continue;
        };
        log(processes, job, began).await;
        runs(job, began, &processes.kills);
    }
    let wheels = fs::read_dir(root.join("east/weir")).unwrap();
    let wheels = wheels.filter(|file| {
        file.as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "whl")
    });
    assert_eq!(wheels.count(), 1, "what was released is whole, and once");
    one_folder_each(root);
    processes.drain();
    nothing_left(root);
}

/// Every job ended as it had to, and every pipeline is what its jobs make it.
async fn statuses(processes: &Processes, jobs: &BTreeMap<u64, Seen>) {
    for job in jobs.values() {
        assert_eq!(job.status, pipeline::status(&job.name), "{job:?}");
    }
    let list = processes
        .call(Method::GET, "/pipelines?limit=100", None)
        .await
        .unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.len() * JOBS, jobs.len(), "one push, one pipeline");
    for pipeline in list {
        assert_eq!(pipeline["status"], "success", "{pipeline}");
        assert!(!pipeline["finished_at"].is_null(), "{pipeline}");
    }
}

/// The log holds, between its marks, exactly what the attempt that counts wrote.
async fn log(processes: &Processes, job: &Seen, attempts: &[Began]) {
    let log = processes.log(job.id).await;
    let find = |log: &[u8], mark: &str| {
        let mark = mark.as_bytes();
        log.windows(mark.len()).position(|window| window == mark)
    };
    let last = attempts.last().unwrap();
    // A sleeper may have been stopped before it wrote anything.
    let written = fs::read(&last.written).unwrap_or_default();
    let begin = format!("\nbegin {}\n", last.written.display());
    let Some(from) = find(&log, &begin) else {
        // It was stopped, perhaps before it began again.
        assert_eq!(job.name, "sleeper", "{}", String::from_utf8_lossy(&log));
        return;
    };
    let rest = &log[from + begin.len()..];
    if job.name == "sleeper" {
        let pairs = rest.iter().zip(&written);
        let same = pairs.take_while(|(log, file)| log == file).count();
        assert!(same > 0 || written.is_empty(), "{job:?}");
        return;
    }
    let end = format!("\nend {}\n", last.written.display());
    let to =
        find(rest, &end).unwrap_or_else(|| panic!("{job:?} of {} bytes has no end", log.len()));
    let same = rest[..to] == written[..];
    assert!(
        same,
        "{job:?}: the log has {to} bytes, and {} were written",
        written.len()
    );
}

/// What a killed runner had started goes on, and may begin its script, until the next one on that machine sweeps it.
const ORPHANED_MS: u64 = 2000;

/// It ran again only where its runner was killed while it ran, or because it had failed.
fn runs(job: &Seen, attempts: &[Began], kills: &[Kill]) {
    for pair in attempts.windows(2) {
        let [one, next] = pair else { continue };
        let while_it_ran = one.at_ms - ORPHANED_MS..=next.at_ms;
        let killed = kills
            .iter()
            .any(|kill| kill.who == one.runner && while_it_ran.contains(&kill.at_ms));
        let failed = job.name == "flaky" && one.ended;
        assert!(killed || failed, "{job:?} ran twice: {attempts:?}");
    }
    let ended = attempts.last().unwrap().ended;
    assert!(ended || job.name == "sleeper", "{job:?}: {attempts:?}");
}

/// The living have a folder each; those of the dead are swept.
fn one_folder_each(root: &Path) {
    let began = Instant::now();
    for name in ["r1", "r2", "r3", "r4"] {
        let runs = root.join(name).join("builds/runs");
        loop {
            let folders = fs::read_dir(&runs).unwrap();
            let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
            let left: Vec<String> = names.filter(|name| name.starts_with("run-")).collect();
            if left.len() == 1 {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{name} has {left:?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// No process of a job lives, and no working copy is left.
fn nothing_left(root: &Path) {
    let mark = format!("OUT={}", root.join("outside").display());
    for process in fs::read_dir("/proc").unwrap() {
        let path = process.unwrap().path();
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        let mut names = environment.split(|byte| *byte == 0);
        let of_a_job = names.any(|entry| entry == mark.as_bytes());
        let command = fs::read(path.join("cmdline")).unwrap_or_default();
        assert!(
            !of_a_job,
            "left: {} {}",
            path.display(),
            String::from_utf8_lossy(&command)
        );
    }
    for name in ["r1", "r2", "r3", "r4"] {
        let left = fs::read_dir(root.join(name).join("builds/runs")).unwrap();
        let left: Vec<_> = left
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
