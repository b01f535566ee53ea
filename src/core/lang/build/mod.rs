//! From the typed model and a context to the plan (pipeline-yaml section 1, steps 6 to 9).
//!
//! Order: does the pipeline exist (`workflow`), which jobs are in it (`rules`, `only`), what exactly are they
//! (variables, architecture, environment), what do they wait for (`needs`).

mod draft;
mod environment;
mod facts;
#[cfg(test)]
mod facts_tests;
mod job;
mod needs;
mod platform;
#[cfg(test)]
mod tests;
mod workflow;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{
    codes::EMPTY_PIPELINE,
    compose::SourceRequest,
    conditions::Conditions,
    context::Context,
    instances::Catalog,
    logic::{self, Stages},
    model::Pipeline,
    predefined::{self, JobVariables},
    variables::{Entry, Layer, PipelineScope},
};
use crate::{
    diag::{Diagnostic, Diagnostics, Severity, SourceMap},
    hash::HashSet,
    plan::{PipelineHead, Plan, SkippedJob, VariableOrigin},
};
use draft::{Draft, Drafting};

/// What a plan is made from beside the model.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the pipeline is for.
    pub context: &'a Context,
    /// Every file that was read: their names and texts enter the hash, and keywords that can't be run yet are
    /// shown with their places.
    pub sources: &'a SourceMap,
    /// `spec:inputs` that were given.
    pub inputs: &'a BTreeMap<String, Value>,
    /// Takes down what conditions ask for and the context doesn't know.
    pub lacking: &'a RefCell<BTreeSet<SourceRequest>>,
}

/// Makes the plan, or tells why there can be none. A context that leaves no pipeline is no error: the plan then says
/// `run: false` and why each job is left out. Calls [`logic::check`] first.
pub fn plan(model: &Pipeline, request: &Request<'_>, sink: &mut Diagnostics) -> Option<Plan> {
    let mut found = Diagnostics::new();
    let plan = make(model, request, &mut found);
    let errors = found.has_errors();
    sink.extend(found.into_vec());
    plan.filter(|_| !errors)
}

fn make(model: &Pipeline, request: &Request<'_>, sink: &mut Diagnostics) -> Option<Plan> {
    let catalog = Catalog::new(model, sink);
    let stages = Stages::new(model);
    logic::check_with(model, &catalog, &stages, sink);
    if sink.has_errors() {
        return None;
    }
    let context = request.context;
    let conditions = Conditions::new(context, request.lacking);
    let global = logic::declared(&model.variables, VariableOrigin::Global);
    let mut scope = PipelineScope::new(predefined::pipeline(context), global, given(context));
    let workflow = workflow::decide(model, context, &conditions, &mut scope, sink)?;
    let mut head = PipelineHead {
        source: context.source.as_str().to_owned(),
        ref_name: context.ref_name.clone(),
        sha: context.sha.clone(),
        run: true,
        name: workflow.name,
        cancel_on_job_failure: workflow.cancel_on_job_failure,
        on_new_commit: workflow.on_new_commit,
    };
    let hash = facts::hash(model, request);
    if let Some(reason) = workflow.refused {
        head.run = false;
        return Some(without_jobs(head, &catalog, &reason, hash, sink));
    }
    let referring = scope.referring();
    let drafting = Drafting {
        model,
        stages: &stages,
        conditions: &conditions,
        scope: &scope,
        predefined: JobVariables::new(),
        referring: &referring,
    };
    let (drafts, mut skipped) = drafting.all(&catalog, sink);
    let only_edges = drafts.iter().flatten().all(Draft::is_at_the_edge);
    let jobs = needs::resolve(drafts, &catalog, request.sources, sink);
    if sink.has_errors() {
        return None;
    }
    if only_edges {
        head.run = false;
        let reason = "no job is left but those of .pre and .post";
        skipped.extend(jobs.into_iter().map(|job| SkippedJob {
            name: job.name,
            reason: reason.to_owned(),
        }));
        sink.push(empty("the rules leave no job for this pipeline"));
        return Some(Plan {
            pipeline: head,
            variables: Vec::new(),
            stages: Vec::new(),
            jobs: Vec::new(),
            skipped,
            hash,
        });
    }
    let used: HashSet<&str> = jobs.iter().map(|job| job.stage.as_str()).collect();
    let names = model.stages.iter().map(|stage| stage.value.clone());
    Some(Plan {
        pipeline: head,
        variables: scope.to_plan(),
        stages: names.filter(|name| used.contains(name.as_str())).collect(),
        jobs,
        skipped,
        hash,
    })
}

/// Variables from outside the file by precedence; of one origin the last wins.
fn given(context: &Context) -> Layer {
    let mut sorted: Vec<_> = context.variables.iter().collect();
    sorted.sort_by_key(|variable| variable.origin);
    sorted
        .into_iter()
        .map(|variable| {
            let entry = Entry {
                value: variable.value.as_str().into(),
                origin: variable.origin,
                raw: variable.raw,
                file: variable.file,
                secret: variable.secret,
            };
            (variable.key.as_str().into(), entry)
        })
        .collect()
}

fn without_jobs(
    pipeline: PipelineHead,
    catalog: &Catalog<'_>,
    reason: &str,
    hash: String,
    sink: &mut Diagnostics,
) -> Plan {
    sink.push(empty(&format!("there is no pipeline here: {reason}")));
    let skipped = catalog.all.iter().map(|instance| SkippedJob {
        name: instance.name.clone(),
        reason: reason.to_owned(),
    });
    Plan {
        pipeline,
        variables: Vec::new(),
        stages: Vec::new(),
        jobs: Vec::new(),
        skipped: skipped.collect(),
        hash,
    }
}

fn empty(message: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::without_place(EMPTY_PIPELINE, message)
    }
    .with_help(
        "`aqueduct plan` says why; choose another context with --branch, --tag, --source or --var",
    )
}
