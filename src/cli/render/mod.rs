//! What a person sees.

mod diagnostics;
mod label;
pub(crate) mod run;
mod table;

pub(crate) use diagnostics::render as diagnostics;
pub(crate) use table::{Cell, paint_status, table};

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use crate::error::CliError;

/// Whether standard error takes colour.
pub(crate) fn stderr_color() -> bool {
    color(std::io::stderr().is_terminal())
}

/// Whether standard output takes colour.
pub(crate) fn stdout_color() -> bool {
    color(std::io::stdout().is_terminal())
}

fn color(is_terminal: bool) -> bool {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => true,
        anstream::ColorChoice::Never => false,
        anstream::ColorChoice::Auto => {
            is_terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
        }
    }
}

/// Tells why a command can't go on.
pub(crate) fn error(error: &CliError) {
    if error.message.is_empty() {
        return;
    }
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into())).bold();
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{red}error{red:#}: {}", harmless(&error.to_string()));
    if let Some(help) = &error.help {
        let _ = writeln!(out, "{cyan}help{cyan:#}: {}", harmless(help));
    }
}

/// Text that may quote a server or a file, without what would steer the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(
        |one: char| one.is_control() && !matches!(one, '\n' | '\t'),
        " ",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn foreign_text_steers_no_terminal() {
        assert_eq!(
            super::harmless("a\tä\n\u{1b}[2J\r\u{9b}31m"),
            "a\tä\n [2J  31m"
        );
    }
}
