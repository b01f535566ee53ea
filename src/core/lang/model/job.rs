//! A job as the file has it.

use indexmap::IndexMap;

use super::{
    ArchDecl, Environment, Filter, IdToken, Index, Need, Parallel, Publish, Release, Rule,
    RuleWhen, Secret, Spanned, Trigger, Unsupported, Variables,
};
use crate::{
    diag::Span,
    plan::{AllowFailure, Artifacts, Cache, Image, Retry, ScriptSpec},
    time::Millis,
};

/// A visible job. `None` is an absent keyword, `default` and `extends` already applied. Large values of keywords that few
/// jobs have are boxed: a pipeline may have thousands of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name, where the key stands.
    pub name: Spanned<String>,
    /// What it does.
    pub kind: JobKind,
    /// `stage`; absent means `test`.
    pub stage: Option<Spanned<String>>,
    /// `when`.
    pub when: Option<Spanned<RuleWhen>>,
    /// Delay; present exactly with `when: delayed`.
    pub start_in: Option<Millis>,
    /// `allow_failure`.
    pub allow_failure: Option<AllowFailure>,
    /// `rules`; never together with `only` or `except`.
    pub rules: Option<Vec<Rule>>,
    /// `only`.
    pub only: Option<Box<Filter>>,
    /// `except`.
    pub except: Option<Box<Filter>>,
    /// `needs`; an empty list waits for nothing.
    pub needs: Option<Vec<Need>>,
    /// `dependencies`; an empty list fetches nothing.
    pub dependencies: Option<Vec<Spanned<String>>>,
    /// `tags`, flattened, variables unexpanded.
    pub tags: Vec<Spanned<String>>,
    /// `arch`.
    pub arch: Option<ArchDecl>,
    /// `parallel`.
    pub parallel: Option<Spanned<Parallel>>,
    /// `variables`.
    pub variables: Variables,
    /// `inherit:variables`: which global variables it sees.
    pub inherit_variables: Inherit,
    /// `image`.
    pub image: Option<Image>,
    /// `services`.
    pub services: Vec<Service>,
    /// `artifacts`.
    pub artifacts: Option<Box<Artifacts>>,
    /// `cache`, at most four.
    pub cache: Vec<Cache>,
    /// `retry`.
    pub retry: Option<Retry>,
    /// `timeout`.
    pub timeout: Option<Millis>,
    /// `interruptible`.
    pub interruptible: Option<bool>,
    /// `environment`.
    pub environment: Option<Box<Environment>>,
    /// `resource_group`, variables unexpanded.
    pub resource_group: Option<Spanned<String>>,
    /// `coverage`, without its slashes, flags in front as `(?i)`.
    pub coverage: Option<Spanned<String>>,
    /// `release`.
    pub release: Option<Box<Release>>,
    /// `secrets` by variable name.
    pub secrets: IndexMap<String, Secret>,
    /// `id_tokens` by variable name.
    pub id_tokens: IndexMap<String, IdToken>,
    /// Keywords that change what executes and that this version only checks.
    pub unsupported: Vec<Unsupported>,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Runs shell scripts. A job with `run` is one without commands; `run` is then in `unsupported`.
    Script(ScriptSpec),
    /// Starts another pipeline.
    Trigger(Trigger),
    /// Assembles an OCI image index.
    Index(Box<Index>),
    /// Publishes Python distributions.
    Publish(Publish),
}

/// `inherit:variables`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inherit {
    /// All of them.
    #[default]
    All,
    /// None.
    None,
    /// These.
    Only(Vec<String>),
}

/// One of `services`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The whole entry.
    pub span: Span,
    /// Its image.
    pub image: Image,
    /// Names from `alias`; those made from the image's name are not among them.
    pub aliases: Vec<String>,
    /// Replaces the image's command.
    pub command: Option<Vec<String>>,
    /// Variables of the service alone.
    pub variables: Variables,
}
