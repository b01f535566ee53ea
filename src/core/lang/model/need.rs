//! `needs`.

use super::{MatrixEntry, Spanned};
use crate::diag::Span;

/// One entry of `needs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The whole entry.
    pub span: Span,
    /// What is needed.
    pub target: NeedTarget,
}

/// What an entry of `needs` refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeedTarget {
    /// A job of this pipeline.
    Job(JobNeed),
    /// A pipeline upstream: of a job there the artifacts, without one its status.
    Pipeline {
        /// `$UPSTREAM_PIPELINE_ID`, or for a trigger job a project.
        pipeline: String,
        /// The job whose artifacts are fetched.
        job: Option<String>,
    },
    /// The latest artifacts of a job of another project.
    Project {
        /// Its path.
        project: String,
        /// The job.
        job: String,
        /// Branch or tag.
        ref_name: String,
        /// Whether the artifacts are fetched.
        artifacts: bool,
    },
}

/// A job of this pipeline that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobNeed {
    /// The name in the file: all its instances, unless narrowed.
    pub job: Spanned<String>,
    /// Whether its artifacts are fetched.
    pub artifacts: bool,
    /// Whether it may be missing from the pipeline.
    pub optional: bool,
    /// `arch: same`: only instances of this instance's architecture.
    pub same_arch: bool,
    /// `parallel: matrix`: only instances with one of these combinations; values may hold `$[[ matrix.X ]]`.
    pub matrix: Option<Vec<MatrixEntry>>,
}
