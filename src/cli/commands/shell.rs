//! `completions` and `man`: generated from the command line's own definition.

use std::io;

use clap::CommandFactory as _;

use crate::{
    args::{Cli, CompletionsArgs},
    error::CliError,
    exit::Exit,
    output,
};

/// Prints a completion script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "aqueduct", &mut script);
    print(&script)
}

/// Prints the manual page, one after the other with those of the subcommands.
pub(crate) fn man() -> Result<Exit, CliError> {
    let mut page = Vec::new();
    let mut command = Cli::command().disable_help_subcommand(true);
    // Gives each subcommand the whole name it is called by.
    command.build();
    render_man(&command, &mut page).map_err(|error| {
        CliError::infrastructure(format!("can't make the manual page: {error}"))
    })?;
    print(&page)
}

fn render_man(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(page)?;
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
    {
        render_man(subcommand, page)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Result<Exit, CliError> {
    output::text(&String::from_utf8_lossy(bytes))?;
    Ok(Exit::Success)
}
