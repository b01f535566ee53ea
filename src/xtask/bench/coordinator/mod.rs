//! The coordinator under load, in parts that can be measured alone: `cargo xtask bench coordinator [PART…]`.

mod api;
mod history;
mod idle;
mod load;
mod queue;
mod runner;
mod server;
mod trace;
mod webhooks;
mod wire;

use std::{future::Future, path::Path};

use aqueduct_testkit::postgres::Postgres;

use self::server::Database;
use crate::{
    error::{Error, Result},
    setup::Need,
    stage::{Count, Stages},
};

/// A part of the benchmark: its name, what it needs, and how it is measured.
pub(super) struct Part {
    name: &'static str,
    needs: &'static [Need],
    measure: fn(&Path) -> Result<Count>,
}

const PARTS: [Part; 6] = [
    Part {
        name: "sqlite",
        needs: &[],
        measure: |aqueduct| block_on(queue::measure(aqueduct, Database::Sqlite)),
    },
    Part {
        name: "postgres",
        needs: &[Need::Packages],
        measure: |aqueduct| {
            let server = Box::new(Postgres::start_durable()?);
            block_on(queue::measure(aqueduct, Database::Postgres(server)))
        },
    },
    Part {
        name: "webhooks",
        needs: &[],
        measure: |aqueduct| block_on(webhooks::measure(aqueduct)),
    },
    Part {
        name: "trace",
        needs: &[],
        measure: |aqueduct| block_on(trace::measure(aqueduct)),
    },
    Part {
        name: "idle",
        needs: &[],
        measure: |aqueduct| block_on(idle::measure(aqueduct)),
    },
    Part {
        name: "history",
        needs: &[Need::Packages],
        measure: |aqueduct| block_on(history::measure(aqueduct)),
    },
];

/// The parts of these names, or all.
pub(super) fn parts(names: &[&str]) -> Result<Vec<&'static Part>> {
    let unknown = "parts of the benchmark: sqlite, postgres, webhooks, trace, idle, history";
    if names.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    let part = |name: &&str| PARTS.iter().find(|part| part.name == *name);
    let found = names.iter().map(part).collect::<Option<_>>();
    found.ok_or(Error::Usage(unknown))
}

/// What these parts need.
pub(super) fn needs(parts: &[&Part]) -> Vec<Need> {
    let mut needs: Vec<Need> = parts.iter().flat_map(|part| part.needs).copied().collect();
    needs.dedup();
    needs
}

/// Measures them one after the other.
pub(super) fn run(parts: &[&Part], aqueduct: &Path, stages: &mut Stages) {
    for part in parts {
        stages.run(part.name, || (part.measure)(aqueduct));
    }
}

/// On one thread: whoever makes the load takes at most one processor.
fn block_on(work: impl Future<Output = Result<Count>>) -> Result<Count> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Unexpected(error.to_string()))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name() {
        assert_eq!(parts(&[]).unwrap().len(), PARTS.len());
        let chosen = parts(&["idle", "postgres"]).unwrap();
        assert_eq!(needs(&chosen), [Need::Packages]);
        assert!(parts(&["idle", "nothing"]).is_err());
    }
}
