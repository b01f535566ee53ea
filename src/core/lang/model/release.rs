//! `release`, `index` and `publish`.

use crate::{
    diag::Span,
    plan::{IndexSpec, PublishSpec},
};

/// `index`: a job that assembles an OCI image index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What it does.
    pub spec: IndexSpec,
    /// The whole value.
    pub span: Span,
    /// Places of `spec.from`, entry by entry.
    pub from_spans: Vec<Span>,
}

/// `publish`: a job that publishes Python distributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// What it does.
    pub spec: PublishSpec,
    /// The whole value.
    pub span: Span,
}

/// `release`: a release of the forge, made after the job's script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The tag, made if it is not there.
    pub tag_name: String,
    /// Text, or the path of a file that holds it.
    pub description: String,
    /// Title; `None` is the tag.
    pub name: Option<String>,
    /// Message of a tag that is made.
    pub tag_message: Option<String>,
    /// What a tag that is made points at.
    pub ref_name: Option<String>,
    /// Milestones by title.
    pub milestones: Vec<String>,
    /// ISO 8601.
    pub released_at: Option<String>,
    /// Links to files.
    pub links: Vec<ReleaseLink>,
}

/// One of `release:assets:links`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseLink {
    /// Its text.
    pub name: String,
    /// Its target.
    pub url: String,
    /// A permanent path below the release.
    pub filepath: Option<String>,
    /// other, runbook, image or package.
    pub link_type: Option<String>,
}
