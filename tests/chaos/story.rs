//! What happens: pushes, work, kills.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use aqueduct_testkit::project::Project;
use reqwest::Method;
use serde_json::Value;

use crate::{
    checks, ledger,
    pipeline::{self, JOBS},
    processes::Processes,
};

/// Jobs that may wait or run before the next branch is pushed.
const BUSY: usize = 40;

/// How much of it.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) pipelines: usize,
    pub(crate) kills: usize,
    pub(crate) patience_s: u64,
}

/// Random numbers that a seed repeats (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }
}

/// A job as it was last seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) attempt: u64,
    /// For who reads a failure.
    #[expect(dead_code, reason = "shown by Debug")]
    pub(crate) verdict: Value,
}

impl Seen {
    pub(crate) fn is_over(&self) -> bool {
        ["success", "failed", "canceled", "skipped"].contains(&self.status.as_str())
    }
}

impl Seen {
    /// A job survives four runners that die while they have it: two are on the house, two are its `retry`.
    fn is_nearly_lost(&self) -> bool {
        self.attempt >= if self.name == "flaky" { 3 } else { 4 }
    }
}

struct Story {
    size: Size,
    random: Random,
    processes: Processes,
    jobs: BTreeMap<u64, Seen>,
    pushed: usize,
    /// When dead processes are started again.
    due: Vec<(Instant, usize)>,
    next_kill: Instant,
}

/// The whole of it.
pub(crate) async fn run(size: Size, database: Option<String>) {
    let seed = env::var("AQUEDUCT_CHAOS_SEED").ok();
    let seed = seed.map_or_else(ledger::now_ms, |seed| seed.parse().unwrap());
    eprintln!("AQUEDUCT_CHAOS_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path(), dir.path().join("outside"));
    fs::create_dir_all(outside.join("written")).unwrap();
    fs::write(root.join("operator.toml"), pipeline::OPERATOR).unwrap();
    let project = repository(root, outside.to_str().unwrap());
    let bare = root.join("bare.git");
    let processes = Processes::start(root, bare.to_str().unwrap(), database.as_deref()).await;
    let mut story = Story {
        size,
        random: Random(seed),
        processes,
        jobs: BTreeMap::new(),
        pushed: 0,
        due: Vec::new(),
        next_kill: Instant::now(),
    };
    let began = Instant::now();
    story.go_on(project.path()).await;
    let (took, kills) = (began.elapsed(), story.processes.kills.len());
    checks::all(&mut story.processes, &story.jobs, root).await;
    let count = |who: &str| {
        let kills = story.processes.kills.iter();
        kills.filter(|kill| kill.who == who).count()
    };
    eprintln!(
        "{} jobs, {kills} kills ({} of the coordinator), {} attempts, {:.0} s",
        story.jobs.len(),
        count("coordinator"),
        story.jobs.values().map(|job| job.attempt).sum::<u64>(),
        took.as_secs_f64(),
    );
}

fn repository(root: &Path, outside: &str) -> Project {
    let wheel = include_str!("../release/make_wheel.py");
    let file = pipeline::file(outside);
    let files = [
        (".gitlab-ci.yml", file.as_str()),
        ("work.sh", pipeline::WORK),
        ("make_wheel.py", wheel),
    ];
    repository_of(root, &files)
}

/// A working copy of these files, and `bare.git` to push it to.
pub(crate) fn repository_of(root: &Path, files: &[(&str, &str)]) -> Project {
    let aqueduct = Path::new(env!("CARGO_BIN_EXE_aqueduct"));
    let project = Project::new(aqueduct, Some(&root.join("work"))).unwrap();
    for (name, text) in files {
        project.write(name, text).unwrap();
    }
    project.commit().unwrap();
    git(
        root,
        &[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            "bare.git",
        ],
    );
    let bare = root.join("bare.git");
    git(
        project.path(),
        &["remote", "add", "origin", bare.to_str().unwrap()],
    );
    project
}

pub(crate) fn git(dir: &Path, args: &[&str]) {
    let status = Command::new("git").current_dir(dir).args(args).status();
    assert!(status.unwrap().success(), "git {args:?}");
}

impl Story {
    async fn go_on(&mut self, project: &Path) {
        let began = Instant::now();
        let mut looked = began;
        while !self.is_over() {
            let patient = began.elapsed().as_secs() < self.size.patience_s;
            assert!(patient, "it does not end: {:#?}", self.unfinished());
            let unfinished = self.pushed * JOBS - self.over();
            if self.pushed < self.size.pipelines && unfinished < BUSY {
                let branch = format!("HEAD:refs/heads/b{}", self.pushed);
                git(project, &["push", "--quiet", "origin", &branch]);
                self.pushed += 1;
            }
            self.disturb();
            if looked.elapsed() > Duration::from_millis(300) {
                self.look().await;
                looked = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn over(&self) -> usize {
        self.jobs.values().filter(|job| job.is_over()).count()
    }

    fn is_over(&self) -> bool {
        self.due.is_empty() && self.over() == self.size.pipelines * JOBS
    }

    fn unfinished(&self) -> Vec<&Seen> {
        self.jobs.values().filter(|job| !job.is_over()).collect()
    }

    /// Kills what is due to be killed, and starts what is due to be started. Kills keep pace with the work.
    fn disturb(&mut self) {
        let now = Instant::now();
        let alive = self.processes.alive();
        while let Some(at) = self.due.iter().position(|(due, _)| *due <= now) {
            let (_, process) = self.due.swap_remove(at);
            self.processes.begin(process);
            // Now and then it is killed while it starts.
            if self.random.below(5) == 0 {
                self.next_kill = now + self.random.millis(400);
            }
        }
        let done = self.processes.kills.len();
        let due = self.over() * self.size.kills >= done * self.size.pipelines * JOBS;
        if done == self.size.kills || !due || now < self.next_kill || alive.is_empty() {
            return;
        }
        // The coordinator every second time, and while a job has lost nearly as many runners as its budget pays for.
        let chosen = usize::try_from(self.random.below(alive.len() as u64)).unwrap();
        let spared = self.unfinished().iter().any(|job| job.is_nearly_lost());
        let coordinator = alive[0] == 0 && (spared || self.random.below(2) == 0);
        if spared && !coordinator {
            return;
        }
        let victim = if coordinator { 0 } else { alive[chosen] };
        self.processes.kill(victim);
        self.due.push((now + self.random.millis(800), victim));
        self.next_kill = now + self.random.millis(1500);
    }

    /// Looks at all jobs, and does what a person does. What has ended must stay as it is.
    async fn look(&mut self) {
        for number in 1..=self.pushed {
            let ended = (self.jobs.values())
                .filter(|job| job.is_over() && job.id.div_ceil(JOBS as u64) == number as u64);
            if ended.count() == JOBS && self.random.below(10) != 0 {
                continue;
            }
            let shown = self
                .processes
                .call(Method::GET, &format!("/pipelines/{number}/jobs"), None)
                .await;
            let Ok(shown) = shown else { continue };
            for job in shown.as_array().unwrap() {
                self.see(job).await;
            }
        }
    }

    async fn see(&mut self, job: &Value) {
        let text = |key: &str| job[key].as_str().unwrap().to_owned();
        let seen = Seen {
            id: job["id"].as_u64().unwrap(),
            name: text("name"),
            status: text("status"),
            attempt: job["attempt"].as_u64().unwrap(),
            verdict: job["verdict"].clone(),
        };
        if let Some(before) = self.jobs.get(&seen.id).filter(|before| before.is_over()) {
            let same = (&before.status, before.attempt) == (&seen.status, seen.attempt);
            assert!(same, "it ended twice: {before:?}, {seen:?}");
        }
        let asked = match (seen.name.as_str(), seen.status.as_str()) {
            ("deploy", "manual") => Some("play"),
            ("sleeper", "running") => Some("cancel"),
            _ => None,
        };
        if let Some(what) = asked {
            let path = format!("/jobs/{}/{what}", seen.id);
            // Whatever it answers: the next look shows whether it was heard.
            let _ = self.processes.call(Method::POST, &path, None).await;
        }
        self.jobs.insert(seen.id, seen);
    }
}
