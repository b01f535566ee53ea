//! `trigger`.

/// `trigger`: another pipeline that a job starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Which pipeline.
    pub target: TriggerTarget,
    /// How the job follows it.
    pub strategy: Strategy,
    /// Whether the job's variables are handed on.
    pub forward_yaml_variables: bool,
    /// Whether the pipeline's variables are handed on.
    pub forward_pipeline_variables: bool,
}

/// Which pipeline a trigger starts; texts with variables unexpanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerTarget {
    /// One of another project.
    Project {
        /// Its path.
        project: String,
        /// Its branch; `None` is the default branch.
        branch: Option<String>,
    },
    /// One of this project, from one to three files.
    Child(Vec<ChildSource>),
    /// None: the job takes the status of the latest pipeline of another project (`needs:pipeline` alone).
    Upstream(String),
}

/// Where the file of a child pipeline comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildSource {
    /// This repository.
    Local(String),
    /// The templates that come with the program.
    Template(String),
    /// What a job of this pipeline has made.
    Artifact {
        /// The job.
        job: String,
        /// Path in its artifacts.
        path: String,
    },
    /// Files of another project.
    Project {
        /// Its path.
        project: String,
        /// The files.
        files: Vec<String>,
        /// Branch, tag or commit; `None` is the default branch.
        ref_name: Option<String>,
    },
    /// A component, `host/project/name@version`.
    Component(String),
    /// A URL.
    Remote(String),
}

/// How a trigger job follows the pipeline it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// It succeeds once the pipeline exists.
    #[default]
    Start,
    /// It waits and succeeds or fails with it.
    Depend,
    /// It shows the same status at all times.
    Mirror,
}
