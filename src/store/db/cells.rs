//! Reading a row, cell by cell in the order of its columns.

use aqueduct_core::{
    id::{
        AccessTokenId, EffectId, EventId, GlobalJobId, ManagerId, PipelineId, ProjectId, RunnerId,
    },
    run::Status,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::store::StoreError;
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

/// A row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Reads a row's cells from left to right. A cell that isn't what was written there is [`StoreError::Corrupt`].
pub(crate) struct Cells<'r> {
    row: &'r Row,
    next: usize,
}

/// What a cell can become.
pub(crate) trait Cell: Sized {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError>;
}

impl Row {
    pub(crate) const fn cells(&self) -> Cells<'_> {
        Cells { row: self, next: 0 }
    }

    /// The first cell.
    pub(crate) fn only<T: Cell>(&self) -> Result<T, StoreError> {
        self.cells().next()
    }
}

macro_rules! raw {
    ($name:ident, $type:ty) => {
        fn $name(&mut self) -> Result<Option<$type>, StoreError> {
            let at = self.next;
            self.next += 1;
            let read = match self.row {
                Row::Sqlite(row) => row.try_get(at),
                Row::Postgres(row) => row.try_get(at),
            };
            read.map_err(|error| StoreError::Corrupt(error.to_string()))
        }
    };
}

impl Cells<'_> {
    pub(crate) fn next<T: Cell>(&mut self) -> Result<T, StoreError> {
        T::read(self)
    }

    raw!(int, i64);
    raw!(flag, bool);
    raw!(text, String);
    raw!(bytes, Vec<u8>);

    fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("column {} holds no {what}", self.next))
    }

    fn some<T>(&self, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt("value"))
    }

    fn unsigned(&mut self) -> Result<Option<u64>, StoreError> {
        let value = self.int()?;
        value
            .map(|value| u64::try_from(value).map_err(|_| self.corrupt("number from zero up")))
            .transpose()
    }
}

impl Cell for i64 {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.int()?;
        cells.some(value)
    }
}
impl Cell for u64 {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.unsigned()?;
        cells.some(value)
    }
}
impl Cell for Option<u64> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        cells.unsigned()
    }
}
impl Cell for u32 {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value: u64 = cells.next()?;
        Self::try_from(value).map_err(|_| cells.corrupt("32-bit number"))
    }
}
impl Cell for bool {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.flag()?;
        cells.some(value)
    }
}
impl Cell for String {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.text()?;
        cells.some(value)
    }
}
impl Cell for Option<String> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        cells.text()
    }
}
impl Cell for Vec<u8> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.bytes()?;
        cells.some(value)
    }
}
impl Cell for Option<TokenHash> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let bytes = cells.bytes()?;
        bytes
            .map(|bytes| bytes.try_into().map(TokenHash))
            .transpose()
            .map_err(|_| cells.corrupt("SHA-256"))
    }
}
impl Cell for TokenHash {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let value = cells.next()?;
        cells.some(value)
    }
}
impl Cell for Status {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        let name: String = cells.next()?;
        let known = Self::ALL.into_iter().find(|status| status.name() == name);
        known.ok_or_else(|| cells.corrupt("status"))
    }
}
impl Cell for Timestamp {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        cells.next().map(Self)
    }
}
impl Cell for Option<Timestamp> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        Ok(cells.int()?.map(Timestamp))
    }
}
impl Cell for Millis {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        cells.next().map(Self)
    }
}
impl Cell for Option<Millis> {
    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        Ok(cells.unsigned()?.map(Millis))
    }
}

macro_rules! ids {
    ($($id:ident),*) => { $(
        impl Cell for $id {
            fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
                cells.next().map(Self)
            }
        }
        impl Cell for Option<$id> {
            fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
                Ok(cells.unsigned()?.map($id))
            }
        }
    )* };
}
ids!(
    AccessTokenId,
    EffectId,
    EventId,
    GlobalJobId,
    ManagerId,
    PipelineId,
    ProjectId,
    RunnerId
);
