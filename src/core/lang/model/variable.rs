//! Variables as declared.

use super::Spanned;
use crate::{diag::Span, hash::IndexMap};

/// Declared variables in file order.
pub type Variables = IndexMap<String, VariableDecl>;

/// One declared variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableDecl {
    /// The value as written; numbers and booleans as text, `null` as the empty string.
    pub value: Spanned<String>,
    /// Where the name stands.
    pub name_span: Span,
    /// `expand: false`: references in the value stay as they are.
    pub raw: bool,
    /// Shown where a pipeline is started by hand; global variables only.
    pub description: Option<String>,
    /// The values that may be chosen by hand; global variables only, empty for any.
    pub options: Vec<String>,
}
