//! Rows in columns, as wide as what stands in them.

use anstyle::Style;

use super::{
    label::{columns, label, padded},
    run::status_style,
};

/// Between two columns.
const GAP: &str = "  ";

/// What stands in a row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A state, in its colour.
    pub(crate) fn status(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            style: status_style(name),
        }
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.to_string(),
            style: Style::new(),
        }
    }
}

/// A state in its colour, filled up to the width of most.
pub(crate) fn paint_status(name: &str, color: bool) -> String {
    let style = if color {
        status_style(name)
    } else {
        Style::new()
    };
    format!("{style}{name:8}{style:#}")
}

/// The rows under their heads; without rows, the heads alone.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[Cell; N]], color: bool) -> String {
    let heads = heads.map(Cell::from);
    let mut widths = [0; N];
    for row in std::iter::once(&heads).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(&cell.text).max(*width);
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&heads).chain(rows) {
        line(&mut out, row, &widths, color);
    }
    out
}

fn line(out: &mut String, row: &[Cell], widths: &[usize], color: bool) {
    use std::fmt::Write as _;
    // Nothing is filled up behind the last one that holds something.
    let filled = row.iter().rposition(|cell| !cell.text.is_empty());
    let last = filled.unwrap_or_default();
    for (at, (cell, width)) in row.iter().zip(widths).take(last + 1).enumerate() {
        let text = if at == last {
            label(&cell.text)
        } else {
            padded(&cell.text, *width)
        };
        let gap = if at == 0 { "" } else { GAP };
        let style = if color { cell.style } else { Style::new() };
        // Writing to a String can't fail.
        let _ = write!(out, "{gap}{style}{text}{style:#}");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_stands_in_them() {
        let rows = [
            ["1".into(), "日本".into(), Cell::status("failed")],
            ["20".into(), "a\u{1b}[2J".into(), Cell::default()],
            ["3".into(), Cell::default(), "x".into()],
        ];
        assert_eq!(
            table(["ID", "NAME", "STATUS"], &rows, false),
            "ID  NAME   STATUS\n1   日本   failed\n20  a\u{fffd}[2J\n3          x\n"
        );
        let painted = table(["ID", "NAME", "STATUS"], &rows, true);
        assert!(
            painted.contains("\u{1b}[31mfailed\u{1b}[0m\n"),
            "{painted:?}"
        );
    }

    #[test]
    fn no_rows_leave_the_heads() {
        assert_eq!(table(["ID", "NAME"], &[], true), "ID  NAME\n");
    }
}
