//! Processes by identity (number and start time) and by the marker their environment carries.

use std::{
    fs,
    ops::RangeInclusive,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// Name of the environment variable that every process of an attempt inherits. Its value is a list of
/// `RUN/ATTEMPT` joined by colons: a job that runs Aqueduct itself hands its own on.
pub(crate) const MARKER: &str = "AQUEDUCT_ATTEMPT";

/// Jobs younger than this can be told from older processes by number alone; process numbers don't wrap around
/// that fast.
const YOUNG: Duration = Duration::from_secs(20);
/// Numbers that are tried one by one before `/proc` is listed.
const FEW: usize = 64;

/// A process that can't be mistaken for a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Process number.
    pub(crate) pid: i32,
    /// Start in clock ticks since boot (`/proc/PID/stat`, field 22).
    pub(crate) start: u64,
}

impl Identity {
    /// Of a living process or a zombie.
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may contain anything, so count from the last one.
        let (_, rest) = stat.rsplit_once(')')?;
        let ticks = rest.split_ascii_whitespace().nth(19)?.parse().ok()?;
        Some(Self {
            pid: pid.as_raw(),
            start: ticks,
        })
    }

    /// Whether this very process is still there.
    pub(crate) fn lives(self) -> bool {
        Self::of(Pid::from_raw(self.pid)) == Some(self)
    }
}

/// Which processes to look at when searching for a marker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    leader: Pid,
    started: Instant,
}

impl Since {
    /// Those started by `leader`, which started just now.
    pub(crate) fn now(leader: Pid) -> Self {
        Self {
            leader,
            started: Instant::now(),
        }
    }

    /// The numbers that its descendants can have: those given out after its own, unless it is too old to say or the numbers
    /// wrapped around since.
    fn numbers(&self, newest: i32) -> Option<RangeInclusive<i32>> {
        let first = self.leader.as_raw();
        (self.started.elapsed() < YOUNG && newest >= first).then_some(first..=newest)
    }
}

/// The living processes whose environment carries `marker`, but never this process itself.
pub(crate) fn marked(marker: &str, since: Option<Since>) -> Vec<Pid> {
    let own = std::process::id() as i32;
    candidates(since)
        .into_iter()
        .filter(|pid| *pid != own && carries(*pid, marker))
        .map(Pid::from_raw)
        .collect()
}

/// Where to look. After a short job only a handful of numbers are new, and trying them is much cheaper than having the
/// kernel list every process of the machine.
fn candidates(since: Option<Since>) -> Vec<i32> {
    let young = since.and_then(|since| since.numbers(newest_pid()));
    match young {
        Some(numbers) if numbers.clone().count() <= FEW => numbers.collect(),
        Some(numbers) => numbers_in_proc()
            .filter(|pid| numbers.contains(pid))
            .collect(),
        None => numbers_in_proc().collect(),
    }
}

/// Sends `signal` to the session `leader` made and to all that carry `marker`.
pub(crate) fn signal_all(leader: Pid, marker: &str, since: Option<Since>, signal: Signal) {
    let _ = killpg(leader, signal);
    for pid in marked(marker, since) {
        let _ = kill(pid, signal);
    }
}

/// Kills until nothing carries `marker` any more: what is killed may have forked meanwhile. Gives up after two
/// seconds, which only a process stuck in the kernel outlives. Returns how many it killed.
pub(crate) fn kill_marked(marker: &str, since: Option<Since>) -> usize {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut killed = 0;
    loop {
        let victims = marked(marker, since);
        if victims.is_empty() || Instant::now() > deadline {
            return killed;
        }
        for pid in &victims {
            killed += usize::from(kill(*pid, Signal::SIGKILL).is_ok());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The marker's value for an attempt of this process, whose own marker is `inherited`.
pub(crate) fn marker_value(inherited: Option<&str>, marker: &str) -> String {
    inherited.map_or_else(|| marker.to_owned(), |outer| format!("{outer}:{marker}"))
}

fn carries(pid: i32, marker: &str) -> bool {
    let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    environ
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="))
        .any(|value| {
            value
                .split(|byte| *byte == b':')
                .any(|one| matches(one, marker))
        })
}

/// A marker that ends in a slash means every attempt of that run.
fn matches(one: &[u8], marker: &str) -> bool {
    if marker.ends_with('/') {
        one.starts_with(marker.as_bytes())
    } else {
        one == marker.as_bytes()
    }
}

fn numbers_in_proc() -> impl Iterator<Item = i32> {
    fs::read_dir(Path::new("/proc"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The number given out last (`/proc/loadavg`, field 5); zero makes every process count.
fn newest_pid() -> i32 {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(4)?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn markers_match_whole_attempts_or_whole_runs() {
        let table = [
            ("run-1-0/p1-j1-a1", "run-1-0/p1-j1-a1", true),
            ("run-1-0/p1-j1-a10", "run-1-0/p1-j1-a1", false),
            ("run-1-0/p1-j1-a1", "run-1-0/", true),
            ("run-1-01/p1-j1-a1", "run-1-0/", false),
        ];
        for (one, marker, expected) in table {
            assert_eq!(matches(one.as_bytes(), marker), expected, "{one} {marker}");
        }
        assert_eq!(marker_value(Some("a/b"), "c/d"), "a/b:c/d");
    }

    #[test]
    fn a_process_is_found_by_its_marker_and_killed() {
        let marker = format!("run-test-{}/p1-j1-a1", std::process::id());
        let mut child = Command::new("sleep")
            .arg("60")
            .env(MARKER, marker_value(Some("outer/one"), &marker))
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(child.id() as i32);
        let identity = Identity::of(pid).unwrap();
        while marked(&marker, Some(Since::now(pid))).is_empty() {
            thread::yield_now();
        }
        assert!(identity.lives());
        kill_marked(&marker, None);
        assert!(!child.wait().unwrap().success());
        assert!(!identity.lives());
    }
}
