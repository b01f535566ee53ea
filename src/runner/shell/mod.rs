//! Shell text of a phase: what GitLab Runner's generated scripts do, for bash and any POSIX shell alike.
//!
//! The commands are one `eval`ed word, as in GitLab Runner: the shell reads it as a whole, so that a
//! command that reads standard input doesn't swallow the rest of the script, and a syntax error in a late line doesn't keep
//! the earlier ones from running.

use std::fmt::Write as _;

mod quote;
#[cfg(test)]
mod tests;

pub(crate) use quote::{is_name, quote};

/// Start of GitLab's green bold.
const GREEN: &str = "\x1b[32;1m";
/// End of any colour.
const RESET: &str = "\x1b[0;m";

/// What the text of a phase is made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhaseText<'a> {
    /// Where it starts (`CI_PROJECT_DIR`).
    pub(crate) project_dir: &'a str,
    /// Commands in order; each may have several lines.
    pub(crate) commands: Vec<&'a str>,
    /// Variables too long for a process's environment: set, but not exported.
    pub(crate) unexported: Vec<(&'a str, &'a str)>,
    /// Prints each command as the shell expanded it (`CI_DEBUG_TRACE`).
    pub(crate) debug: bool,
}

impl PhaseText<'_> {
    /// The script.
    pub(crate) fn render(&self) -> String {
        let body = quote(&self.body());
        // bash is known by a variable that can't come from outside, since arrays aren't exported. Others try in a subshell,
        // which costs a fork: dash ends itself over an option that it doesn't know.
        format!(
            "if [ -n \"${{BASH_VERSINFO-}}\" ] || (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n\
             set -o errexit\n\
             set +o noclobber\n\
             eval {body} </dev/null\n\
             exit 0\n"
        )
    }

    fn body(&self) -> String {
        let mut body = String::from("\n");
        for (name, value) in &self.unexported {
            let _ = writeln!(body, "{name}={}", quote(value));
        }
        if !self.project_dir.is_empty() {
            let _ = writeln!(body, "cd {}", quote(self.project_dir));
        }
        if self.debug {
            body.push_str("set -o xtrace\n");
        }
        for command in &self.commands {
            body.push_str(&echo(command));
            // A command of its own line, whatever it ends with.
            body.push_str(command.trim());
            body.push('\n');
        }
        body
    }
}

/// Prints the command before it runs, only the first line of several.
fn echo(command: &str) -> String {
    let command = command.trim();
    let shown = match command.split_once('\n') {
        Some((first, _)) => format!("$ {} # collapsed multi-line command", first.trim_end()),
        None => format!("$ {command}"),
    };
    if command.is_empty() {
        return "printf '\\n'\n".to_owned();
    }
    // Not `echo`: dash's interprets backslashes.
    format!(
        "printf '%s\\n' {}\n",
        quote(&format!("{GREEN}{shown}{RESET}"))
    )
}
