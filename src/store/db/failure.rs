//! What a database's errors mean.

use aqueduct_ports::store::StoreError;
use sqlx::{Error, error::DatabaseError};

/// An error of a statement in the store's words.
pub(crate) fn failure(error: Error) -> StoreError {
    match error {
        Error::Database(error) => of_database(error.as_ref()),
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::Encode(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::TypeNotFound { .. } => StoreError::Corrupt(error.to_string()),
        Error::PoolTimedOut => {
            StoreError::Unavailable("no connection could be had in time".to_owned())
        }
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn of_database(error: &dyn DatabaseError) -> StoreError {
    if error.is_unique_violation() {
        return StoreError::Taken("a row of that name".to_owned());
    }
    if error.is_foreign_key_violation() {
        return StoreError::Missing("what the row belongs to".to_owned());
    }
    let code = error.code().unwrap_or_default().into_owned();
    let said = error.message();
    let is_postgres = error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some();
    if is_postgres {
        postgres(&code, said)
    } else {
        sqlite(code.parse().unwrap_or(0), said)
    }
}

/// By result code: <https://www.sqlite.org/rescode.html>. The lower byte is the primary code.
fn sqlite(code: u32, said: &str) -> StoreError {
    match code & 0xff {
        5 | 6 => StoreError::Unavailable(format!("another process has it locked ({said})")),
        8 => StoreError::Unavailable(format!("it is read-only ({said}): check its permissions")),
        13 => StoreError::Unavailable("the disk is full: free some space".to_owned()),
        10 => StoreError::Unavailable(format!("the disk failed ({said}, code {code})")),
        7 | 9 | 14 => StoreError::Unavailable(format!("{said} (code {code})")),
        _ => StoreError::Corrupt(format!("{said} (code {code})")),
    }
}

/// Two transactions were in each other's way, and one was rolled back: nothing was written.
pub(super) fn in_the_way() -> StoreError {
    StoreError::Unavailable("another transaction was in the way".to_owned())
}

/// By SQLSTATE: appendix A of PostgreSQL's manual.
fn postgres(code: &str, said: &str) -> StoreError {
    match (code, code.get(..2).unwrap_or_default()) {
        ("53100", _) => StoreError::Unavailable("the database's disk is full".to_owned()),
        (_, "40") => in_the_way(),
        // Connection, resources, operator intervention, system, wrong or missing login.
        (_, "08" | "53" | "55" | "57" | "58" | "28" | "3D") => {
            StoreError::Unavailable(format!("{said} (SQLSTATE {code})"))
        }
        _ => StoreError::Corrupt(format!("{said} (SQLSTATE {code})")),
    }
}

/// Names what is in use, where a statement could only say that something is.
pub(crate) fn name_taken(error: StoreError, what: impl FnOnce() -> String) -> StoreError {
    match error {
        StoreError::Taken(_) => StoreError::Taken(what()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_whether_trying_again_helps() {
        let unavailable = |error| matches!(error, StoreError::Unavailable(_));
        let corrupt = |error| matches!(error, StoreError::Corrupt(_));
        for code in [5, 13, 10, 522, 14, 1032] {
            assert!(unavailable(sqlite(code, "x")), "{code}");
        }
        for code in [11, 26, 1, 267] {
            assert!(corrupt(sqlite(code, "x")), "{code}");
        }
        for code in ["53100", "57P01", "08006", "28P01", "53300"] {
            assert!(unavailable(postgres(code, "x")), "{code}");
        }
        for code in ["40001", "40P01"] {
            assert_eq!(postgres(code, "x"), in_the_way(), "{code}");
        }
        for code in ["42601", "XX001", ""] {
            assert!(corrupt(postgres(code, "x")), "{code}");
        }
    }
}
