//! The object of `plan --json` (design section 11): stable names, nothing that a later version may drop.

use serde::{Serialize, Serializer};

use super::{AllowFailure, Plan, PlanJob, PlanVariable, SkippedJob, VariableOrigin, When};
use crate::platform::Arch;

/// A plan as `plan --json` prints it.
#[derive(Debug, Serialize)]
pub struct PlanView<'a> {
    valid: bool,
    pipeline: HeadView<'a>,
    stages: &'a [String],
    jobs: Vec<JobView<'a>>,
    skipped: &'a [SkippedJob],
    hash: &'a str,
}

#[derive(Debug, Serialize)]
struct HeadView<'a> {
    source: &'a str,
    #[serde(rename = "ref")]
    ref_name: &'a str,
    sha: &'a str,
    run: bool,
    name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct JobView<'a> {
    name: &'a str,
    base: &'a str,
    stage: &'a str,
    kind: &'static str,
    when: When,
    allow_failure: serde_json::Value,
    /// Seconds.
    start_in: Option<u64>,
    needs: Option<Vec<NeedView<'a>>>,
    tags: &'a [String],
    arch: Option<Arch>,
    image: Option<&'a str>,
    environment: Option<&'a str>,
    #[serde(serialize_with = "defined")]
    variables: &'a [PlanVariable],
    reason: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unsupported: &'a [String],
}

#[derive(Debug, Serialize)]
struct NeedView<'a> {
    job: &'a str,
    artifacts: bool,
    optional: bool,
}

impl Plan {
    /// The plan as `plan --json` prints it.
    pub fn view(&self) -> PlanView<'_> {
        let head = &self.pipeline;
        PlanView {
            valid: true,
            pipeline: HeadView {
                source: &head.source,
                ref_name: &head.ref_name,
                sha: &head.sha,
                run: head.run,
                name: head.name.as_deref(),
            },
            stages: &self.stages,
            jobs: self.jobs.iter().map(JobView::new).collect(),
            skipped: &self.skipped,
            hash: &self.hash,
        }
    }
}

impl<'a> JobView<'a> {
    fn new(job: &'a PlanJob) -> Self {
        let needs = job.needs.as_ref().map(|needs| {
            let view = |need: &'a super::Need| NeedView {
                job: &need.job,
                artifacts: need.artifacts,
                optional: need.optional,
            };
            needs.iter().map(view).collect()
        });
        Self {
            name: &job.name,
            base: &job.base,
            stage: &job.stage,
            kind: job.kind.name(),
            when: job.when,
            allow_failure: match &job.allow_failure {
                AllowFailure::No => false.into(),
                AllowFailure::Yes => true.into(),
                AllowFailure::ExitCodes(codes) => serde_json::json!({ "exit_codes": codes }),
            },
            start_in: job.start_in.map(|delay| delay.0 / 1000),
            needs,
            tags: &job.tags,
            arch: job.arch,
            image: job.image.as_ref().map(|image| image.name.as_str()),
            environment: job
                .environment
                .as_ref()
                .map(|environment| environment.name.as_str()),
            variables: &job.variables,
            reason: &job.reason,
            unsupported: &job.unsupported,
        }
    }
}

/// What the file itself defines: predefined variables are the same for every job, and outside ones are known to whoever
/// gave them.
fn defined<S: Serializer>(variables: &[PlanVariable], serializer: S) -> Result<S::Ok, S::Error> {
    let of_file = |variable: &&PlanVariable| {
        matches!(
            variable.origin,
            VariableOrigin::Global | VariableOrigin::Job
        )
    };
    let defined = variables.iter().filter(of_file);
    serializer.collect_map(defined.map(|variable| (&*variable.key, &*variable.value)))
}
