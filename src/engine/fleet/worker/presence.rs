//! The worker's row among the runners.

use aqueduct_core::{id::ManagerId, token::TokenHash};
use aqueduct_ports::store::{
    AccessLevel, NewRunner, RunnerKind, RunnerRow, RunnerSettings, Sighting, StoreError,
};

use super::FleetWork;

/// No token's hash: whose SHA-256 this is, nobody knows. It makes the row unique, and finds it again after a restart.
const NOBODY: TokenHash = TokenHash([0; 32]);
/// Its only manager.
const SYSTEM_ID: &str = "coordinator";

impl FleetWork {
    /// Its manager and its row, which is made where there is none.
    pub(super) async fn presence(
        &self,
        description: &str,
    ) -> Result<(ManagerId, RunnerRow), StoreError> {
        let (store, now) = (self.fleet.store(), self.fleet.shared.clock.now());
        let row = match store.runner_by_token(&NOBODY).await? {
            Some(row) => row,
            None => {
                store
                    .create_runner(&NewRunner {
                        token: NOBODY,
                        kind: RunnerKind::Instance,
                        settings: settings(description),
                        created: now,
                    })
                    .await?
            }
        };
        let sighting = Sighting {
            runner: row.id,
            system_id: SYSTEM_ID.to_owned(),
            instance: Some(self.instance.clone()),
            info: None,
            now,
        };
        let seen = store.seen_manager(&sighting).await?;
        Ok((seen.manager, row))
    }
}

fn settings(description: &str) -> RunnerSettings {
    RunnerSettings {
        description: description.to_owned(),
        tags: Vec::new(),
        run_untagged: true,
        locked: false,
        access_level: AccessLevel::NotProtected,
        maximum_timeout: None,
        paused: false,
    }
}
