//! What a person sees.

mod diagnostics;
mod label;
pub(crate) mod run;

pub(crate) use diagnostics::render as diagnostics;

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use crate::error::CliError;

/// Whether standard error takes colour.
pub(crate) fn stderr_color() -> bool {
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => true,
        anstream::ColorChoice::Never => false,
        anstream::ColorChoice::Auto => {
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
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
    let _ = writeln!(out, "{red}error{red:#}: {error}");
    if let Some(help) = &error.help {
        let _ = writeln!(out, "{cyan}help{cyan:#}: {help}");
    }
}
