//! The generated text in the shells that run it.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use aqueduct_core::platform::Arch;
use proptest::prelude::*;

use super::*;

/// A shell and the arguments before the script's path.
#[derive(Debug)]
struct Shell {
    name: &'static str,
    program: PathBuf,
    args: &'static [&'static str],
    pipefail: bool,
}

fn shells() -> &'static [Shell] {
    static SHELLS: OnceLock<Vec<Shell>> = OnceLock::new();
    SHELLS.get_or_init(|| {
        let arch = Arch::parse(std::env::consts::ARCH).unwrap();
        let busybox = aqueduct_testkit::debian::unpacked("busybox-static", arch).unwrap();
        let shell = |name, program: PathBuf, args, pipefail| Shell {
            name,
            program,
            args,
            pipefail,
        };
        vec![
            shell("bash", "bash".into(), &[], true),
            shell("dash", "dash".into(), &[], false),
            shell("busybox", busybox.join("bin/busybox"), &["sh"], true),
        ]
    })
}

impl Shell {
    fn run(&self, script: &str, env: &[(&str, &str)]) -> Output {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        std::fs::write(&path, script).unwrap();
        Command::new(&self.program)
            .args(self.args)
            .arg(&path)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(env.iter().copied())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; install it", self.name))
    }
}

fn script(commands: &[&str]) -> String {
    PhaseText {
        commands: commands.to_vec(),
        ..PhaseText::default()
    }
    .render()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn exit_codes_are_those_of_a_gitlab_runner() {
    // Commands, the exit code with and without pipefail.
    let table: [(&[&str], i32, i32); 18] = [
        (&["true"], 0, 0),
        (&["false"], 1, 1),
        (&["exit 7", "true"], 7, 7),
        (&["false", "echo not reached"], 1, 1),
        (&["false || true"], 0, 0),
        (&["false && true", "true"], 0, 0),
        (&["if false; then echo; fi"], 0, 0),
        (&["! true", "true"], 0, 0),
        (&["false | true", "true"], 1, 0),
        (&["no-such-command-here"], 127, 127),
        (&["/etc/passwd"], 126, 126),
        (&["sh -c 'exit 3'"], 3, 3),
        (&["sh -c 'kill -9 $$'"], 137, 137),
        (&["set +e\nfalse\ntrue"], 0, 0),
        (&["(exit 5)"], 5, 5),
        (&["f() { return 4; }\nf"], 4, 4),
        (&["trap 'exit 9' EXIT", "true"], 9, 9),
        (&[], 0, 0),
    ];
    for shell in shells() {
        for (commands, with, without) in &table {
            let output = shell.run(&script(commands), &[]);
            let expected = if shell.pipefail { with } else { without };
            assert_eq!(
                output.status.code(),
                Some(*expected),
                "{} {commands:?}: {output:?}",
                shell.name
            );
        }
    }
}

#[test]
fn commands_are_shown_then_run_in_one_shell() {
    let text_of = script(&[
        "X='a b'",
        "echo \"$X\"",
        "  cat <<E\nhere $X\nE\n",
        "",
        "echo 'it'\\''s'",
    ]);
    for shell in shells() {
        let output = shell.run(&text_of, &[]);
        assert_eq!(
            text(&output.stdout),
            "\x1b[32;1m$ X='a b'\x1b[0;m\n\
             \x1b[32;1m$ echo \"$X\"\x1b[0;m\n\
             a b\n\
             \x1b[32;1m$ cat <<E # collapsed multi-line command\x1b[0;m\n\
             here a b\n\
             \n\
             \x1b[32;1m$ echo 'it'\\''s'\x1b[0;m\n\
             it's\n",
            "{}: {output:?}",
            shell.name
        );
    }
}

#[test]
fn a_syntax_error_fails_the_job() {
    for shell in shells() {
        let output = shell.run(&script(&["echo before", "if true; then"]), &[]);
        assert!(!output.status.success(), "{}", shell.name);
        assert!(!output.stderr.is_empty(), "{}", shell.name);
    }
}

#[test]
fn a_command_that_reads_input_gets_none_of_the_script() {
    for shell in shells() {
        let output = shell.run(&script(&["cat", "echo reached"]), &[]);
        assert!(
            text(&output.stdout).ends_with("reached\n"),
            "{}: {output:?}",
            shell.name
        );
    }
}

#[test]
fn the_script_starts_in_the_project() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("it's a 'project'");
    std::fs::create_dir(&project).unwrap();
    let rendered = PhaseText {
        project_dir: project.to_str().unwrap(),
        commands: vec!["pwd"],
        ..PhaseText::default()
    }
    .render();
    for shell in shells() {
        let output = shell.run(&rendered, &[]);
        assert!(
            text(&output.stdout).ends_with(&format!("{}\n", project.display())),
            "{}: {output:?}",
            shell.name
        );
    }
}

#[test]
fn debug_traces_what_the_shell_expanded() {
    let rendered = PhaseText {
        commands: vec!["echo $X"],
        debug: true,
        ..PhaseText::default()
    }
    .render();
    for shell in shells() {
        let output = shell.run(&rendered, &[("X", "value")]);
        assert!(
            text(&output.stderr).contains("+ echo value"),
            "{}: {output:?}",
            shell.name
        );
    }
}

#[test]
fn names_are_shell_names() {
    let table = [
        ("A", true),
        ("_a1", true),
        ("1a", false),
        ("a-b", false),
        ("", false),
        ("ä", false),
    ];
    for (name, expected) in table {
        assert_eq!(is_name(name), expected, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever a value holds, the shell sees exactly that.
    #[test]
    fn values_survive_quoting(value in any::<Vec<char>>()) {
        let value: String = value.into_iter().filter(|c| *c != '\0').collect();
        let rendered = PhaseText {
            unexported: vec![("VALUE", &value)],
            commands: vec!["printf '<%s>' \"$VALUE\" >\"$OUT\""],
            ..PhaseText::default()
        }
        .render();
        for shell in shells() {
            let dir = tempfile::tempdir().unwrap();
            let out = dir.path().join("out");
            shell.run(&rendered, &[("OUT", out.to_str().unwrap())]);
            let seen = std::fs::read(&out).unwrap();
            prop_assert_eq!(text(&seen), format!("<{value}>"), "{}", shell.name);
        }
    }
}
