//! What a service manager wants to know (`sd_notify(3)`); silent where there is none.

use sd_notify::NotifyState;

/// It can do its work from now on.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// It was asked to stop and is about to.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// A manager that can't be told gives up by its own deadline; the work need not.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::args::Cli;

    const UNITS: [&str; 2] = [
        include_str!("../../examples/systemd/aqueduct-coordinator.service"),
        include_str!("../../examples/systemd/aqueduct-runner.service"),
    ];

    #[test]
    fn the_units_start_what_there_is() {
        for unit in UNITS {
            let start = unit
                .lines()
                .find_map(|line| line.strip_prefix("ExecStart="));
            let words = start.unwrap().split(' ');
            assert!(Cli::try_parse_from(words).is_ok(), "{start:?}");
        }
    }

    #[test]
    fn the_units_name_variables_that_there_are() {
        let mut known = Vec::new();
        variables(&Cli::command(), &mut known);
        let named = UNITS
            .iter()
            .flat_map(|unit| unit.split([' ', ',', '=', '\n']));
        let named: Vec<&str> = named.filter(|word| word.starts_with("AQUEDUCT_")).collect();
        assert!(named.len() > 8, "{named:?}");
        for name in named {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
    }

    fn variables(command: &clap::Command, into: &mut Vec<String>) {
        let named = command.get_arguments().filter_map(clap::Arg::get_env);
        into.extend(named.map(|name| name.to_string_lossy().into_owned()));
        for command in command.get_subcommands() {
            variables(command, into);
        }
    }
}
