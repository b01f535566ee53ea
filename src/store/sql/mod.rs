//! The statements, one text for both databases. Parameters are `$1`, `$2`, …; columns stand in the order in which they are read.

pub(crate) mod access;
pub(crate) mod artifact;
pub(crate) mod environment;
pub(crate) mod head;
pub(crate) mod inbox;
#[cfg(test)]
mod index_tests;
pub(crate) mod job;
pub(crate) mod meta;
pub(crate) mod outbox;
pub(crate) mod pipeline;
pub(crate) mod project;
pub(crate) mod runner;
pub(crate) mod trace;

use std::fmt::Write as _;

use crate::db::Arg;

/// `statement ($1, $2), ($3, $4), …` for so many rows.
pub(crate) fn with_rows(statement: &str, columns: usize, rows: usize) -> String {
    let row = |row: usize| {
        let numbers = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<_> = (0..rows).map(row).collect();
    format!("{statement}{}", rows.join(", "))
}

/// A page of a list from the greatest id down: the conditions that have a value, and those values.
pub(crate) fn page<'a, const N: usize>(
    list: &str,
    conditions: [(&'static str, Option<Arg<'a>>); N],
    limit: u32,
) -> (String, Vec<Arg<'a>>) {
    let mut statement = list.to_owned();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        let Some(value) = value else { continue };
        let joint = if values.is_empty() { "WHERE" } else { "AND" };
        values.push(value);
        // Writing to a text can't fail.
        let _ = write!(statement, " {joint} {condition} ${}", values.len());
    }
    values.push(Arg::from(limit));
    let _ = write!(statement, " ORDER BY id DESC LIMIT ${}", values.len());
    (statement, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_through() {
        assert_eq!(with_rows("V ", 2, 2), "V ($1, $2), ($3, $4)");
    }

    #[test]
    fn only_conditions_with_a_value_are_asked() {
        let conditions = [
            ("a =", None),
            ("b =", Some(Arg::from(2_u32))),
            ("id <", Some(Arg::from(9_u64))),
        ];
        let (statement, values) = page("SELECT", conditions, 5);
        assert_eq!(
            statement,
            "SELECT WHERE b = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        assert_eq!(values.len(), 3);
        assert_eq!(
            page("SELECT", [("a =", None)], 5).0,
            "SELECT ORDER BY id DESC LIMIT $1"
        );
    }
}
