//! What is bound to a statement.

use std::borrow::Cow;

use aqueduct_core::{
    id::{
        AccessTokenId, EffectId, EventId, GlobalJobId, ManagerId, PipelineId, ProjectId, RunnerId,
    },
    run::Status,
    time::{Millis, Timestamp},
    token::TokenHash,
};
use aqueduct_ports::store::StoreError;
use sqlx::{Arguments, postgres::PgArguments, sqlite::SqliteArguments};

use super::failure;

/// A value of one of the few types that both databases have. Each is optional: PostgreSQL wants to know a NULL's type.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    Int(Option<i64>),
    Flag(bool),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<&'a [u8]>),
}

pub(crate) fn sqlite(args: &[Arg<'_>]) -> Result<SqliteArguments, StoreError> {
    let mut bound = SqliteArguments::default();
    for arg in args {
        let added = match arg {
            Arg::Int(value) => bound.add(*value),
            Arg::Flag(value) => bound.add(*value),
            Arg::Text(value) => bound.add(value.as_deref()),
            Arg::Bytes(value) => bound.add(*value),
        };
        added.map_err(|error| failure(sqlx::Error::Encode(error)))?;
    }
    Ok(bound)
}

pub(crate) fn postgres(args: &[Arg<'_>]) -> Result<PgArguments, StoreError> {
    let mut bound = PgArguments::default();
    for arg in args {
        let added = match arg {
            Arg::Int(value) => bound.add(*value),
            Arg::Flag(value) => bound.add(*value),
            Arg::Text(value) => bound.add(value.as_deref()),
            Arg::Bytes(value) => bound.add(*value),
        };
        added.map_err(|error| failure(sqlx::Error::Encode(error)))?;
    }
    Ok(bound)
}

/// The arguments of a statement, in the order of their numbers.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Arg::from($value)),*] };
}
pub(crate) use args;

/// PostgreSQL can't hold NUL in a text; so that both databases answer alike, neither does.
fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Ids and lengths are far from 2^63. One that a client makes up beyond that is no row's.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(without_nul(value)))
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::from(value.as_str())
    }
}
impl<'a> From<&'a Option<String>> for Arg<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::Text(value.as_deref().map(without_nul))
    }
}
impl From<String> for Arg<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(without_nul(&value).into_owned())))
    }
}
impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}
impl<'a> From<&'a TokenHash> for Arg<'a> {
    fn from(value: &'a TokenHash) -> Self {
        Self::Bytes(Some(&value.0))
    }
}
impl<'a> From<&'a Option<TokenHash>> for Arg<'a> {
    fn from(value: &'a Option<TokenHash>) -> Self {
        Self::Bytes(value.as_ref().map(|hash| hash.0.as_slice()))
    }
}
impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}
impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}
impl From<u64> for Arg<'_> {
    fn from(value: u64) -> Self {
        Self::Int(Some(int(value)))
    }
}
impl From<Option<u64>> for Arg<'_> {
    fn from(value: Option<u64>) -> Self {
        Self::Int(value.map(int))
    }
}
impl From<Timestamp> for Arg<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.0))
    }
}
impl From<Option<Timestamp>> for Arg<'_> {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(|time| time.0))
    }
}
impl From<Millis> for Arg<'_> {
    fn from(value: Millis) -> Self {
        Self::Int(Some(int(value.0)))
    }
}
impl From<Option<Millis>> for Arg<'_> {
    fn from(value: Option<Millis>) -> Self {
        Self::Int(value.map(|length| int(length.0)))
    }
}
impl From<Status> for Arg<'_> {
    fn from(value: Status) -> Self {
        Self::Text(Some(Cow::Borrowed(value.name())))
    }
}

macro_rules! from_ids {
    ($($id:ident),*) => { $(
        impl From<$id> for Arg<'_> {
            fn from(value: $id) -> Self {
                Self::Int(Some(int(value.0)))
            }
        }
        impl From<Option<$id>> for Arg<'_> {
            fn from(value: Option<$id>) -> Self {
                Self::Int(value.map(|id| int(id.0)))
            }
        }
    )* };
}
from_ids!(
    AccessTokenId,
    EffectId,
    EventId,
    GlobalJobId,
    ManagerId,
    PipelineId,
    ProjectId,
    RunnerId
);
