//! Ctrl-C: once with grace, twice without.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::support::Project;

fn start(script: &str) -> (Project, Child) {
    let project = Project::new(&[(".gitlab-ci.yml", script)]);
    let mut child = project
        .command(&["run", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let ready = lines.any(|line| line.is_ok_and(|line| line.contains("\"line\":\"ready\"")));
    assert!(ready, "the job never got ready");
    // The rest has to be read, or the program would wait for us.
    std::thread::spawn(move || lines.for_each(drop));
    (project, child)
}

fn interrupt(child: &Child) {
    let done = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(done.expect("kill").success());
}

fn ended(child: &mut Child, limit: Duration) -> Option<i32> {
    let since = Instant::now();
    while since.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("its status") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("it did not end within {limit:?}");
}

#[test]
fn the_first_interrupt_lets_jobs_end() {
    let (_project, mut child) = start(
        "job:\n  script:\n    - trap 'exit 0' TERM\n    - echo ready\n    - while true; do sleep 0.1; done\n",
    );
    interrupt(&child);
    assert_eq!(ended(&mut child, Duration::from_secs(8)), Some(130));
}

#[test]
fn the_second_interrupt_kills() {
    let (_project, mut child) = start(
        "job:\n  script:\n    - trap '' TERM\n    - echo ready\n    - while true; do sleep 0.1; done\n",
    );
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    assert_eq!(ended(&mut child, Duration::from_secs(5)), Some(130));
}
