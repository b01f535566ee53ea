//! A job's log as HTML.
//!
//! A log is bytes that anybody may have written: colours and other escape sequences, section markers as GitLab Runner writes them,
//! carriage returns of progress bars, broken UTF-8, lines of any length. It is read row by row from a [`Cursor`], which holds
//! what earlier rows leave behind (colour, open sections, number). An [`Index`] keeps a cursor every so often, so that any
//! part of a log of any length is shown without reading what is before it.

mod escape;
mod index;
mod marker;
pub mod palette;
mod render;
mod row;
mod scan;
mod style;
#[cfg(test)]
mod tests;

pub use index::Index;
pub use render::{Op, Part, html, render, rows};
pub use row::{Row, Span};
pub use scan::{Cursor, Limits, OpenSection, ROW_LIMIT};
pub use style::Style;
