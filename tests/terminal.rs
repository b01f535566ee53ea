//! What a person sees on a terminal, captured from tmux at two widths, without colour, and on a pipe.

mod support;

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use support::Project;

const PIPELINE: &str = "\
stages: [build, test]
compile:
  stage: build
  script: echo compiled
a-job-with-a-rather-long-name:
  stage: test
  script:
    - |
      echo 'a line that is so long that it does not fit into eighty columns, nor into a hundred and twenty of them'
      while [ ! -e \"$GATE\" ]; do sleep 0.05; done
broken:
  stage: test
  script:
    - |
      echo 'the reason stands here'
      while [ ! -e \"$GATE.2\" ]; do sleep 0.05; done
      exit 4
";

/// A terminal of its own server, gone when dropped.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn start(project: &Project, columns: &str, environment: &str) -> Self {
        let terminal = Self {
            socket: format!("aqueduct-test-{}-{columns}", std::process::id()),
        };
        let program = format!(
            "{environment} {} run --var GATE={}; printf 'exit %s\\n' $?; sleep 60",
            env!("CARGO_BIN_EXE_aqueduct"),
            project.root().join("gate").display(),
        );
        let size = ["-x", columns, "-y", "40"];
        let set = project.command(&[]);
        let shell = set
            .get_envs()
            .fold(String::new(), |out, (key, value)| match value {
                Some(value) if key != "NO_COLOR" => {
                    format!(
                        "{out}export {}='{}'; ",
                        key.to_string_lossy(),
                        value.to_string_lossy()
                    )
                }
                _ => out,
            });
        let line = format!(
            "unset CI NO_COLOR; {shell}cd '{}'; {program}",
            project.root().display()
        );
        let started = terminal.tmux(
            &[
                ["-f", "/dev/null", "new-session", "-d"].as_slice(),
                &size,
                &["sh", "-c", &line],
            ]
            .concat(),
        );
        assert!(
            started.status.success(),
            "tmux is needed (apt-get install tmux): {}",
            String::from_utf8_lossy(&started.stderr)
        );
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Output {
        Command::new("tmux")
            .args(["-L", &self.socket])
            .args(args)
            .output()
            .unwrap_or_else(|error| panic!("tmux is needed (apt-get install tmux): {error}"))
    }

    fn screen(&self, escapes: bool) -> String {
        let flags: &[&str] = if escapes {
            &["capture-pane", "-p", "-e"]
        } else {
            &["capture-pane", "-p"]
        };
        String::from_utf8_lossy(&self.tmux(flags).stdout)
            .trim_end()
            .to_owned()
    }

    /// Waits until the screen fulfils `condition`.
    fn until(&self, escapes: bool, condition: impl Fn(&str) -> bool) -> String {
        let since = Instant::now();
        loop {
            let screen = self.screen(escapes);
            if condition(&screen) {
                return screen;
            }
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "the screen stays at:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// The screen while two jobs run, and at the end.
fn session(columns: &str, environment: &str, escapes: bool) -> (String, String) {
    let project = Project::new(&[(".gitlab-ci.yml", PIPELINE)]);
    let terminal = Terminal::start(&project, columns, environment);
    let live = terminal.until(escapes, both_run);
    project.write("gate", "");
    // One after the other, so that the order of their last lines is certain.
    terminal.until(escapes, |screen| screen.contains("success  a-job"));
    project.write("gate.2", "");
    let end = terminal.until(escapes, |screen| screen.contains("exit 1"));
    (live, end)
}

fn both_run(screen: &str) -> bool {
    screen.contains("so long that")
        && screen.contains("reason stands")
        && !screen.contains("preparing")
}

fn filtered(name: &str, screen: &str) {
    insta::with_settings!({filters => vec![
        (r"\d+(\.\d+)?m?s\b", "TIME"),
        (r" +TIME", " TIME"),
        (r"(?m)^(\x1b\[\S*?m)?[|/\\-](\x1b\[\S*?m)? ", "* "),
        (r"(logs|artifacts): .*(\n\S.*)?", "$1: PATH"),
    ]}, {
        insta::assert_snapshot!(name, screen);
    });
}

#[test]
fn a_live_view_at_80_columns() {
    let (live, end) = session("80", "", false);
    assert!(live.lines().all(|line| line.chars().count() <= 80));
    filtered("live_80", &live);
    filtered("end_80", &end);
}

#[test]
fn a_live_view_at_120_columns() {
    let (live, end) = session("120", "", false);
    filtered("live_120", &live);
    filtered("end_120", &end);
}

#[test]
fn an_interrupt_leaves_no_line_of_the_live_view_behind() {
    let project = Project::new(&[(".gitlab-ci.yml", PIPELINE)]);
    let terminal = Terminal::start(&project, "70", "trap : INT;");
    terminal.until(false, both_run);
    terminal.tmux(&["send-keys", "C-c"]);
    let end = terminal.until(false, |screen| screen.contains("exit 130"));
    for gone in ["so long that", "reason stands", "^C"] {
        assert!(!end.contains(gone), "{end}");
    }
}

#[test]
fn no_color_means_no_escape_sequences() {
    let (live, end) = session("100", "NO_COLOR=1", true);
    assert!(
        !live.contains("\u{1b}[3") && !end.contains("\u{1b}[3"),
        "{live}\n{end}"
    );
    filtered("live_no_color", &live);
}

#[test]
fn a_pipe_gets_prefixed_lines_and_no_escape_sequences() {
    let project = Project::new(&[(
        ".gitlab-ci.yml",
        "job:\n  script: printf '\\033[31mred\\033[0m\\n'\n",
    )]);
    let done = project.aqueduct(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'));
    filtered("piped", &done.stdout);
}
