//! The entry points of the language: what `lint`, `plan` and `run` call.
//!
//! Pure and re-entrant: whoever calls fetches the sources that are asked for, adds them and calls again.

use std::{cell::RefCell, collections::BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    build,
    compose::{self, Broken, Composition, SourceRequest, Sources},
    context::Context,
    keywords, logic,
    model::Pipeline,
};
use crate::{
    diag::{Diagnostic, Diagnostics, LintReport, SourceMap, Span},
    plan::Plan,
};

/// What to compile.
#[derive(Clone, Debug)]
pub struct CompileRequest {
    /// Path of the entry file from the repository's root, or as it is to be called in messages.
    pub entry: String,
    /// What the pipeline is made for.
    pub context: Context,
    /// Inputs of the pipeline, as texts: the entry file's `spec:inputs` tells their types.
    pub inputs: IndexMap<String, String>,
}

/// The outcome of a call.
#[derive(Clone, Debug)]
pub enum Compiled<T> {
    /// It is done.
    Done(T),
    /// These sources are lacking, each asked for once: add them, or say that they don't exist, and call again.
    Need(Vec<SourceRequest>),
}

/// What checking a pipeline file finds.
#[derive(Clone, Debug)]
pub struct Linted {
    /// Errors and warnings, in the order of files and lines.
    pub diagnostics: Diagnostics,
    /// The files that were read.
    pub sources: SourceMap,
}

impl Linted {
    /// As `lint --json` prints it.
    pub fn report(&self) -> LintReport {
        LintReport::new(&self.diagnostics, &self.sources)
    }
}

/// A compiled pipeline, or why there is none.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The plan; `None` where there are errors.
    pub plan: Option<Plan>,
    /// Errors and warnings, in the order of files and lines.
    pub diagnostics: Diagnostics,
    /// The files that were read.
    pub sources: SourceMap,
}

impl Compilation {
    /// Its diagnostics as `lint --json` prints them.
    pub fn report(&self) -> LintReport {
        LintReport::new(&self.diagnostics, &self.sources)
    }
}

/// Checks a pipeline file with everything it includes. The context decides only which files are included.
pub fn lint(request: &CompileRequest, sources: &Sources) -> Compiled<Linted> {
    let checked = match checked(request, sources) {
        Ok(checked) => checked,
        Err(lacking) => return Compiled::Need(lacking),
    };
    let mut diagnostics = checked.diagnostics;
    if let Some(model) = &checked.model {
        logic::check(model, &mut diagnostics);
    }
    diagnostics.sort();
    Compiled::Done(Linted {
        diagnostics,
        sources: checked.sources,
    })
}

/// Makes the plan of a pipeline for its context. Equal requests and sources give equal plans.
pub fn compile(request: &CompileRequest, sources: &Sources) -> Compiled<Compilation> {
    let checked = match checked(request, sources) {
        Ok(checked) => checked,
        Err(lacking) => return Compiled::Need(lacking),
    };
    let mut diagnostics = checked.diagnostics;
    let inputs = request
        .inputs
        .iter()
        .map(|(name, text)| (name.clone(), Value::from(text.as_str())))
        .collect();
    let lacking = RefCell::default();
    let plan = checked.model.as_ref().and_then(|model| {
        let request = build::Request {
            context: &request.context,
            sources: &checked.sources,
            inputs: &inputs,
            lacking: &lacking,
        };
        build::plan(model, &request, &mut diagnostics)
    });
    let lacking: BTreeSet<SourceRequest> = lacking.into_inner();
    let lacking: Vec<SourceRequest> = lacking
        .into_iter()
        .filter(|request| !sources.knows(request))
        .collect();
    if !lacking.is_empty() {
        return Compiled::Need(lacking);
    }
    diagnostics.sort();
    // Even where each error left something to plan with: what was not meant must not run.
    let plan = plan.filter(|_| !diagnostics.has_errors());
    Compiled::Done(Compilation {
        plan,
        diagnostics,
        sources: checked.sources,
    })
}

/// A pipeline whose files are read and whose keywords are checked.
struct Checked {
    /// `None` where errors so far make a look at the whole pointless: what seems to be missing may only be unread.
    model: Option<Pipeline>,
    diagnostics: Diagnostics,
    sources: SourceMap,
}

fn checked(request: &CompileRequest, sources: &Sources) -> Result<Checked, Vec<SourceRequest>> {
    let composition = Composition {
        entry: &request.entry,
        inputs: &request.inputs,
        context: &request.context,
    };
    let composed = compose::compose(composition, sources)?;
    let mut diagnostics = composed.diagnostics;
    let mut model = None;
    if composed.complete {
        let mut found = Diagnostics::new();
        let parsed = keywords::parse(&composed.root, &mut found);
        if composed.broken.is_only_jobs() {
            // The other jobs can still be held against each other.
            logic::check(&parsed, &mut found);
        }
        let found = without_cascades(found, &composed.broken, &diagnostics);
        diagnostics.extend(found);
        model = Some(parsed).filter(|_| composed.broken.is_empty());
    }
    Ok(Checked {
        model,
        diagnostics,
        sources: composed.sources,
    })
}

/// What a job without its base seems to lack may stand in the base; what another job misses in it, too; and what stands
/// where a reference led nowhere is not what was meant.
fn without_cascades(found: Diagnostics, broken: &Broken, told: &Diagnostics) -> Vec<Diagnostic> {
    let places: BTreeSet<Option<Span>> = told.errors().map(|error| error.primary).collect();
    let cascades = |found: &Diagnostic| {
        let own = found.message.strip_prefix("jobs:");
        let mut quoted = found.message.split('`').skip(1);
        places.contains(&found.primary)
            || own.is_some_and(|path| names_one_of(path, broken))
            || quoted.any(|word| names_one_of(word, broken))
    };
    let mut found = found.into_vec();
    found.retain(|found| !cascades(found));
    found
}

/// Whether a text begins with the name of one of these jobs, or of an instance of one.
fn names_one_of(text: &str, jobs: &Broken) -> bool {
    let mut ends = text.match_indices([' ', ':']);
    jobs.contains(text) || ends.any(|(end, _)| jobs.contains(&text[..end]))
}
