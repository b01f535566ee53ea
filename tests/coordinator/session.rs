//! A person's session: everything by commands.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::rig::Rig;

const PIPELINE: &str = r#"
stages: [one, two]
quick:
  stage: one
  script:
    - for i in 1 2 3 4 5 6; do echo "line $i é"; sleep 0.5; done
slow:
  stage: one
  script:
    - test -e "$GO" || sleep 300
    - echo "slow is done"
deploy:
  stage: two
  needs: [quick]
  when: manual
  script: [echo deployed]
"#;

struct Session {
    rig: Rig,
}

impl Session {
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let output = self.rig.command(args).output().unwrap();
        told(output)
    }

    /// What a command that goes well prints.
    fn ok(&self, args: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(args);
        assert_eq!(code, Some(0), "{args:?}: {stdout}{stderr}");
        stdout
    }

    fn json(&self, args: &[&str]) -> Value {
        let args = [args, &["-o", "json"]].concat();
        serde_json::from_str(&self.ok(&args)).unwrap()
    }

    /// The number of the pipeline's job of that name, once there is a pipeline.
    fn job(&self, name: &str) -> String {
        let began = Instant::now();
        loop {
            if self.json(&["pipeline", "list", "--project", "group/name"])[0]["id"] == 1 {
                break;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "no pipeline");
            std::thread::sleep(Duration::from_millis(100));
        }
        let shown = self.json(&["pipeline", "show", "1"]);
        let jobs = shown["jobs"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["name"] == name).unwrap();
        job["id"].to_string()
    }
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn a_session_needs_nothing_but_commands() {
    let go = tempfile::tempdir().unwrap();
    let go = go.path().join("go");
    let pipeline = PIPELINE.replace("$GO", go.to_str().unwrap());
    let mut session = Session {
        rig: Rig::coordinator(&[(".gitlab-ci.yml", &pipeline)], "").await,
    };
    let (url, token) = session.rig.address();
    let file = session.rig.keep("admin", token);
    let file = file.to_str().unwrap();
    session.ok(&["context", "add", "here", "--url", url, "--token-file", file]);
    assert!(
        session
            .ok(&["context", "list"])
            .contains("*  here  http://")
    );
    let bare = session.rig.bare();
    let bare = bare.to_str().unwrap();
    let added = session.ok(&[
        "project",
        "add",
        "group/name",
        "--git-url",
        bare,
        "--interval",
        "1",
    ]);
    assert_eq!(added, "project group/name is 1\n");
    let made = session.ok(&["runner-token", "create", "--description", "one"]);
    session.rig.keep("token", made.trim());
    session.rig.start_runner();
    session.rig.push();

    // A log is followed to its end, although the coordinator dies in between.
    let quick = session.job("quick");
    let follow = ["job", "log", "-f", &quick];
    let following = session.rig.command(&follow).spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    session.rig.kill_coordinator();
    tokio::time::sleep(Duration::from_millis(500)).await;
    session.rig.start_coordinator();
    session.rig.answers().await;
    let (code, log, stderr) = told(following.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(log.contains("\nline 1 é\nline 2 é\n"), "{log}");
    assert!(log.contains("\nline 6 é\n"), "{log}");
    assert_eq!(
        session.ok(&["job", "log", &quick]),
        log,
        "not a byte differs"
    );

    let slow = session.job("slow");
    let deploy = session.job("deploy");
    session.ok(&["job", "cancel", &slow]);
    let (code, watched, _) = session.run(&["pipeline", "watch", "1"]);
    assert_eq!(code, Some(1), "{watched}");
    let shown = session.ok(&["pipeline", "show", "1"]);
    assert!(shown.contains("waits to be played"), "{shown}");
    assert!(shown.contains("canceled"), "{shown}");

    std::fs::write(&go, "").unwrap();
    session.ok(&["job", "retry", &slow]);
    session.ok(&["job", "play", &deploy]);
    let watched = session.ok(&["pipeline", "watch", "1"]);
    assert!(
        watched.contains("pipeline 1: success, main at "),
        "{watched}"
    );
    assert!(
        session
            .ok(&["job", "log", &slow])
            .contains("\nslow is done\n")
    );
    let shown = session.ok(&["job", "show", &deploy]);
    assert!(shown.contains("status    success"), "{shown}");
    assert!(
        session
            .ok(&["branch", "list", "group/name"])
            .contains("refs/heads/main  ")
    );
    assert!(
        session
            .ok(&["env", "list", "group/name"])
            .starts_with("NAME")
    );
    // The coordinator has a runner of its own besides.
    let runners = session.json(&["runner-token", "list"]);
    let mut runners = runners.as_array().unwrap().iter();
    assert!(runners.any(|runner| runner["description"] == "one"));
}

#[tokio::test]
async fn what_can_t_be_done_is_said_with_the_way_out() {
    let session = Session {
        rig: Rig::coordinator(&[(".gitlab-ci.yml", PIPELINE)], "").await,
    };
    let (url, token) = session.rig.address();
    let good = session.rig.keep("admin", token);
    let bad = session.rig.keep("bad", "aqa-nobody");
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let add = [
        "project",
        "add",
        "group/name",
        "--git-url",
        "https://git.invalid/x",
    ];
    session.ok(&[&add[..], &["--url", url, "--token-file", good]].concat());
    let nowhere = "http://127.0.0.1:9";
    let table: [(&[&str], i32, &str, &str); 6] = [
        (
            &["project", "list"],
            2,
            "no coordinator is named",
            "context add",
        ),
        (
            &["project", "list", "--url", url],
            2,
            "no token for",
            "--token-file",
        ),
        (
            &["project", "list", "--url", url, "--token-file", bad],
            2,
            "does not know this token",
            "--new-admin-token",
        ),
        (
            &["project", "list", "--url", nowhere, "--token-file", good],
            3,
            "no answer from the coordinator",
            "aqueduct serve",
        ),
        (
            &[
                "project",
                "show",
                "gruop/name",
                "--url",
                url,
                "--token-file",
                good,
            ],
            2,
            "no project 'gruop/name'",
            "did you mean `group/name`?",
        ),
        (
            &["job", "log", "77", "--url", url, "--token-file", good],
            2,
            "no job 77",
            "pipeline show",
        ),
    ];
    for (args, exit, cause, help) in table {
        let (code, stdout, stderr) = session.run(args);
        assert_eq!(code, Some(exit), "{args:?}: {stderr}");
        assert!(
            stderr.contains(cause) && stderr.contains(help),
            "{args:?}: {stderr}"
        );
        assert!(stdout.is_empty() && !stderr.contains(token), "{args:?}");
    }
}
