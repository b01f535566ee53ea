//! A process that writes is killed without warning.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use aqueduct_ports::conformance::store::kill;
use aqueduct_store::Database;
use tempfile::TempDir;

/// Where the process to be killed writes: a directory, or the URL of a database.
const TARGET: &str = "AQUEDUCT_TEST_KILL";
/// Answers begin with this, other lines are the test harness's.
const MARK: &str = "answered: ";

async fn open(target: &str) -> Database {
    let opened = if target.contains("://") {
        Database::postgres(target).await
    } else {
        Database::sqlite(Path::new(target)).await
    };
    opened.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it writes until the test below kills it"]
async fn writer() {
    let target = std::env::var(TARGET).unwrap();
    let database = open(&target).await;
    let answered = |text: String| {
        // Past the harness, which would keep it to itself.
        let mut out = std::io::stdout().lock();
        out.write_all(format!("{MARK}{text}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    kill::write(&database, answered).await;
}

/// Lets a writer be told of so many answers, kills it, and gives all it was told.
fn killed_after(answers: usize, target: &str) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "kill::writer", "--nocapture"])
        .env(TARGET, target)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    for line in lines {
        let line = line.unwrap();
        let Some((_, answer)) = line.split_once(MARK) else {
            continue;
        };
        told.push(answer.to_owned());
        if told.len() == answers {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "it was to be killed");
    told
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_on_sqlite() {
    for answers in [1, 17, 150, 600] {
        let dir = TempDir::new().unwrap();
        let target = dir.path().to_str().unwrap();
        let told = killed_after(answers, target);
        assert!(told.len() >= answers, "it stopped by itself");
        let database = open(target).await;
        kill::check(&database, &told).await;
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill_on_postgres() {
    let server = crate::postgres::server();
    for answers in [1, 17, 150, 600] {
        let target = server.database().unwrap();
        let told = killed_after(answers, &target);
        assert!(told.len() >= answers, "it stopped by itself");
        let database = open(&target).await;
        kill::check(&database, &told).await;
    }
}
