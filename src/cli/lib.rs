//! The command line: reads options and settings, wires the adapters, renders what happens.
//!
//! Business rules live elsewhere; this crate is the only one that names concrete adapters (in `wire`).
#![forbid(unsafe_code)]

mod args;
mod commands;
mod compile;
mod context;
mod dirs;
mod doctor;
mod error;
mod exit;
mod logging;
mod output;
mod platform;
mod remote;
mod render;
mod repo;
mod service;
mod settings;
mod traces;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Cli, ColorChoice, Command},
    error::CliError,
    exit::Exit,
};

/// Reads the command line, does what it says and answers with the exit code of design section 11.
///
/// Must be called before the process has a second thread: it may turn out to be the starter of a container.
pub fn main() -> ExitCode {
    if let Some(code) = wire::container_starter() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own: help and version go to standard output with 0, usage errors to standard error with 2.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Invalid.into()
            } else {
                Exit::Success.into()
            };
        }
    };
    choose_colors(cli.color);
    logging::start(&cli);
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => {
            render::error(&error);
            error.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, CliError> {
    if let Some(dir) = &cli.directory {
        std::env::set_current_dir(dir).map_err(|error| CliError::io("enter", dir, &error))?;
    }
    match cli.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Lint(args) => commands::lint::lint(&args),
        Command::Plan(args) => commands::plan::plan(&args),
        Command::Index(args) => commands::index::run(&args),
        Command::Image(args) => commands::image::run(&args),
        Command::Publish(args) => commands::publish::run(&args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Runner(args) => commands::runner::runner(&args),
        Command::Context(group) => commands::context::run(&group.command),
        Command::Project(group) => commands::project::run(&group.command),
        Command::Pipeline(group) => commands::pipeline::run(&group.command),
        Command::Job(group) => commands::job::run(&group.command),
        Command::Branch(group) => commands::project::branch(&group.command),
        Command::Env(group) => commands::project::env(&group.command),
        Command::RunnerToken(group) => commands::runner_token::run(&group.command),
        Command::RegistrationToken(group) => commands::runner_token::registration(&group.command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => commands::shell::completions(&args),
        Command::Man => commands::shell::man(),
    }
}

fn choose_colors(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto.write_global(),
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
}
