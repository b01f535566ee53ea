//! SQLite: the suite, and what only a file can have.

use std::ops::Deref;

use aqueduct_ports::{store::Store, store_conformance};
use aqueduct_store::Database;
use tempfile::TempDir;

/// A database in a directory of its own.
struct Opened {
    database: Database,
    _dir: TempDir,
}

impl Deref for Opened {
    type Target = dyn Store;
    fn deref(&self) -> &Self::Target {
        &self.database
    }
}

async fn open() -> Opened {
    let dir = TempDir::new().unwrap();
    let database = Database::sqlite(dir.path()).await.unwrap();
    Opened {
        database,
        _dir: dir,
    }
}

store_conformance!(open);
