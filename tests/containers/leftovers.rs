//! A run that is killed at any moment leaves nothing, once the next one has run; a living one is spared.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{pipelines::project, support::Project};

const MOMENTS: u64 = 30;

/// Two jobs with a cache, artifacts, an `after_script` and a process in the background, half a second in all.
fn pipeline(image: &str) -> String {
    format!(
        "default: {{{image}}}\n\
         one:\n  stage: build\n  cache: {{key: k, paths: [kept]}}\n  script: ['mkdir -p kept out', 'echo x > kept/x', 'echo y > out/y', \
         'sleep 60 & sleep 0.1; kill $!']\n  artifacts: {{paths: [out]}}\n  after_script: ['sleep 0.1']\n\
         two:\n  script: ['cat out/y']\n"
    )
}

/// What runs leave on the machine, but for the images and for what the last run keeps on purpose.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    mounts: BTreeSet<String>,
    files: BTreeSet<String>,
    cgroups: BTreeSet<String>,
}

impl Snapshot {
    /// Of this project, and of the cgroups of the run `pid`: other tests run on this machine, too.
    fn take(project: &Project, pid: u32) -> Self {
        let home = home(project);
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        let name = home.display().to_string();
        let mut files = BTreeSet::new();
        for dir in ["cache", "state"] {
            collect(&home.join(dir), &mut files);
        }
        let run = format!("-{pid}-");
        let mut cgroups = BTreeSet::new();
        for dir in [
            "/sys/fs/cgroup",
            "/sys/fs/cgroup/memory",
            "/sys/fs/cgroup/pids",
        ] {
            cgroups.extend(entries(Path::new(dir)).filter(|path| path.contains(&run)));
        }
        Self {
            mounts: mounts
                .lines()
                .filter(|line| line.contains(&name))
                .map(str::to_owned)
                .collect(),
            files,
            cgroups,
        }
    }
}

fn home(project: &Project) -> std::path::PathBuf {
    let root = project.root();
    root.parent().expect("the project's folder").to_owned()
}

fn entries(dir: &Path) -> impl Iterator<Item = String> {
    let read = fs::read_dir(dir).into_iter().flatten().flatten();
    read.map(|entry| entry.path().display().to_string())
}

fn collect(dir: &Path, into: &mut BTreeSet<String>) {
    for path in entries(dir) {
        let kept = path.ends_with("/aqueduct/images") || path.ends_with("/aqueduct/last");
        if !kept && Path::new(&path).is_dir() {
            collect(Path::new(&path), into);
        }
        into.insert(path);
    }
}

/// Processes that work in the project's folders, or were started with them.
fn processes(project: &Project) -> Vec<String> {
    let name = home(project).display().to_string();
    let mut found = Vec::new();
    for process in entries(Path::new("/proc")) {
        let read = |file: &str| fs::read(format!("{process}/{file}")).unwrap_or_default();
        let cwd = fs::read_link(format!("{process}/cwd")).unwrap_or_default();
        let text = [read("cmdline"), read("environ")].concat();
        if cwd.starts_with(&name) || String::from_utf8_lossy(&text).contains(&name) {
            found.push(process);
        }
    }
    found
}

fn start(project: &Project) -> Child {
    project
        .command(&["run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

fn runs(project: &Project, when: &str) {
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{when}: {}{}", done.stdout, done.stderr);
}

/// A killed process needs a moment to be gone from the table.
fn none_left(project: &Project, when: &str) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while !processes(project).is_empty() {
        assert!(
            Instant::now() < deadline,
            "{when}: {:?}",
            processes(project)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn nothing_is_left(kind: &str, image: &str) {
    let project = project(&pipeline(image));
    runs(&project, "the first run fills the image store");
    let begun = Instant::now();
    runs(&project, "the second one finds its cache");
    let length = u64::try_from(begun.elapsed().as_millis()).expect("a short time");
    let before = Snapshot::take(&project, 0);
    for number in 0..MOMENTS {
        // Spread over the whole run, the same order every time.
        let moment = Duration::from_millis(number * 7919 % MOMENTS * length / MOMENTS);
        let when = format!("{kind} killed after {moment:?}");
        let mut killed = start(&project);
        std::thread::sleep(moment);
        killed.kill().expect("kill");
        killed.wait().expect("its end");
        runs(&project, &when);
        none_left(&project, &when);
        assert_eq!(Snapshot::take(&project, killed.id()), before, "{when}");
    }
}

#[test]
fn a_run_on_the_machine_leaves_nothing() {
    nothing_is_left("host", "");
}

#[test]
fn a_run_in_containers_leaves_nothing() {
    nothing_is_left("oci", "image: IMAGE");
}

#[test]
fn a_living_run_is_spared() {
    for image in ["", "image: IMAGE"] {
        let text = format!(
            "{}long:\n  stage: .pre\n  rules: [{{if: $LONG}}]\n  script: ['for i in $(seq 30); do echo $i > live; test -f .aqueduct.yml; \
             sleep 0.1; done']\n",
            pipeline(image)
        );
        let project = project(&text);
        let mut living = project
            .command(&["run", "--var", "LONG=1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        for number in 0..3 {
            let mut killed = start(&project);
            std::thread::sleep(Duration::from_millis(150 * number + 50));
            killed.kill().expect("kill");
            killed.wait().expect("its end");
            runs(&project, "beside the living one");
        }
        assert!(living.wait().expect("its end").success(), "{image}");
        none_left(&project, image);
    }
}

#[test]
fn runs_of_one_project_go_side_by_side() {
    for image in ["", "image: IMAGE"] {
        let project = project(&pipeline(image));
        let all: Vec<Child> = (0..4).map(|_| start(&project)).collect();
        for mut run in all {
            assert!(run.wait().expect("its end").success(), "{image}");
        }
    }
}
