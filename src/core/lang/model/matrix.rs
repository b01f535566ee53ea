//! What makes several instances of one job.

use indexmap::IndexMap;

use super::Spanned;
use crate::platform::Arch;

/// One mapping of a matrix: axis to its values, in the order written. Its combinations are the
/// cartesian product; those of several entries are united.
pub type MatrixEntry = IndexMap<String, Vec<String>>;

/// `parallel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parallel {
    /// `job 1/N` and so on; 1 to 200.
    Count(u32),
    /// One instance per combination, at most 200.
    Matrix(Vec<MatrixEntry>),
}

/// `arch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchDecl {
    /// Pins the job, makes no axis.
    One(Spanned<Arch>),
    /// The first axis `AQUEDUCT_ARCH`; not empty, without repetition.
    Axis(Vec<Spanned<Arch>>),
}
