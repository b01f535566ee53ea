//! `aqueduct plan`.

use std::{fmt::Write as _, path::Path};

use aqueduct_core::{
    diag::LintReport,
    plan::{Plan, PlanJob, When},
};

use crate::{args::PlanArgs, compile, error::CliError, exit::Exit, output};

/// Shows what the pipeline would do; exits 2 if there is none to be made.
pub(crate) fn plan(args: &PlanArgs) -> Result<Exit, CliError> {
    super::reported(args.json, make(args))
}

fn make(args: &PlanArgs) -> Result<Exit, CliError> {
    let compiled = compile::pipeline(Path::new("."), &args.context)?;
    if !args.json {
        compile::show(&compiled.diagnostics, &compiled.sources);
    }
    let Some(plan) = compiled.plan else {
        if args.json {
            output::json_line(&LintReport::new(&compiled.diagnostics, &compiled.sources))?;
        }
        return Ok(Exit::Invalid);
    };
    if args.json {
        output::json_line(&plan.view())?;
    } else {
        output::text(&table(&plan))?;
    }
    // The process ends here, and taking a thousand jobs apart first is noticeable beside making them.
    std::mem::forget(plan);
    Ok(Exit::Success)
}

fn table(plan: &Plan) -> String {
    let mut out = String::new();
    let width = plan
        .jobs
        .iter()
        .map(|job| job.name.chars().count())
        .max()
        .unwrap_or(0);
    // Writing to a String can't fail.
    let head = &plan.pipeline;
    let name = head
        .name
        .as_ref()
        .map(|name| format!(" \"{name}\""))
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "pipeline{name} for {} of {}",
        head.source, head.ref_name
    );
    if !head.run {
        let _ = writeln!(out, "is not created");
    }
    for stage in &plan.stages {
        let _ = writeln!(out, "\n{stage}");
        for job in plan.jobs.iter().filter(|job| job.stage == *stage) {
            let _ = writeln!(out, "  {:width$}  {}", job.name, notes(job));
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
    }
    if !plan.skipped.is_empty() {
        let _ = writeln!(out, "\nleft out");
        for job in &plan.skipped {
            let _ = writeln!(out, "  {}: {}", job.name, job.reason);
        }
    }
    let _ = writeln!(out, "\n{}", plan.hash);
    out
}

fn notes(job: &PlanJob) -> String {
    let mut notes = Vec::new();
    if job.kind.name() != "script" {
        notes.push(job.kind.name().to_owned());
    }
    notes.extend(job.arch.map(|arch| arch.to_string()));
    notes.extend(job.image.as_ref().map(|image| image.name.clone()));
    match job.when {
        When::OnSuccess => {}
        When::OnFailure => notes.push("on failure".into()),
        When::Always => notes.push("always".into()),
        When::Manual => notes.push("manual".into()),
        When::Delayed => notes.push(match job.start_in {
            Some(delay) => format!("after {delay}"),
            None => "delayed".into(),
        }),
    }
    if let Some(needs) = &job.needs {
        let names: Vec<&str> = needs.iter().map(|need| need.job.as_str()).collect();
        notes.push(if names.is_empty() {
            "needs nothing".into()
        } else {
            format!("needs {}", names.join(", "))
        });
    }
    notes.extend(
        job.unsupported
            .iter()
            .map(|place| format!("can't run yet: {place}")),
    );
    notes.join(" · ")
}
