//! `needs` and `dependencies`.

use super::{
    codes::{BLANK_VALUE, INVALID_TYPE, MISSING_KEYWORD},
    field::{Field, Map},
    parallel,
    sink::Sink,
};
use crate::lang::model::{JobNeed, Need, NeedTarget, Spanned, Unsupported};

/// Most entries of one `needs`.
const MAX_NEEDS: usize = 50;
/// Most of them from other projects and pipelines.
const MAX_FOREIGN: usize = 5;
/// Longest name of a job, in characters.
const MAX_NAME: usize = 255;

const JOB_KEYS: &[&str] = &["job", "artifacts", "optional", "parallel", "arch"];
const PIPELINE_KEYS: &[&str] = &["pipeline", "job", "artifacts", "optional"];
const PROJECT_KEYS: &[&str] = &["project", "job", "ref", "artifacts", "optional"];

/// `needs` of a job that runs something.
pub(super) fn job_needs(
    field: &Field<'_>,
    sink: &mut Sink<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Option<Vec<Need>> {
    let needs = entries(field, sink, true)?;
    for need in &needs {
        let keyword = match need.target {
            NeedTarget::Job(_) => continue,
            NeedTarget::Pipeline { .. } => "needs:pipeline",
            NeedTarget::Project { .. } => "needs:project",
        };
        unsupported.push(Spanned::new(keyword.to_owned(), need.span));
    }
    Some(needs)
}

/// `needs` of a trigger job, where a pipeline may stand without a job.
pub(super) fn trigger_needs(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Vec<Need>> {
    entries(field, sink, false)
}

fn entries(field: &Field<'_>, sink: &mut Sink<'_>, job_required: bool) -> Option<Vec<Need>> {
    if field.node.is_null() {
        let help = "write a list of jobs, or `[]` to wait for nothing";
        field.refuse(sink, BLANK_VALUE, "must not be blank", help);
        return None;
    }
    let items = if field.node.as_mapping().is_some() {
        vec![*field]
    } else {
        field.flat_items(sink)?
    };
    field.check_count(sink, items.len(), MAX_NEEDS);
    let needs: Vec<Need> = items
        .iter()
        .filter_map(|item| need(item, sink, job_required))
        .collect();
    let foreign = |need: &&Need| !matches!(need.target, NeedTarget::Job(_));
    let foreign = needs.iter().filter(foreign).count();
    field.check_count(sink, foreign, MAX_FOREIGN);
    Some(needs)
}

fn need(item: &Field<'_>, sink: &mut Sink<'_>, job_required: bool) -> Option<Need> {
    let span = item.span();
    if item.node.as_mapping().is_none() {
        if item.node.as_str().is_none() {
            let text = format!(
                "must hold names of jobs or mappings, not {}",
                item.node.kind()
            );
            let help = "write the name of a job, in quotes if it looks like a number";
            item.refuse(sink, INVALID_TYPE, &text, help);
            return None;
        }
        let target = NeedTarget::Job(plain(job_name(item, sink)?));
        return Some(Need { span, target });
    }
    let has = |key| item.node.get(key).is_some_and(|node| !node.is_null());
    let target = if has("pipeline") {
        pipeline(item, sink, job_required)
    } else if has("project") {
        project(item, sink)
    } else {
        job(item, sink).map(NeedTarget::Job)
    };
    Some(Need {
        span,
        target: target?,
    })
}

fn plain(job: Spanned<String>) -> JobNeed {
    JobNeed {
        job,
        artifacts: true,
        optional: false,
        same_arch: false,
        matrix: None,
    }
}

fn job(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<JobNeed> {
    let map = item.map(sink, JOB_KEYS)?;
    let artifacts = flag(&map, "artifacts", true, sink);
    let optional = flag(&map, "optional", false, sink);
    let matrix = map
        .get("parallel")
        .and_then(|field| parallel::selection(&field, sink));
    let same_arch = map
        .get("arch")
        .and_then(|field| field.choice(sink, &[("same", true)]));
    if map.get("job").is_none() {
        let text = "must have `job`, `pipeline` or `project`";
        let help = "add `job: …` with the name of a job";
        let span = map.present("job").map_or(map.span, |field| field.span());
        sink.error(MISSING_KEYWORD, map.path, span, text, help);
        return None;
    }
    Some(JobNeed {
        artifacts,
        optional,
        same_arch: same_arch.unwrap_or(false),
        matrix,
        ..plain(job_name(&map.get("job")?, sink)?)
    })
}

fn job_name(field: &Field<'_>, sink: &mut Sink<'_>) -> Option<Spanned<String>> {
    field.short(sink, MAX_NAME)?;
    field.spanned(sink)
}

fn pipeline(item: &Field<'_>, sink: &mut Sink<'_>, job_required: bool) -> Option<NeedTarget> {
    let map = item.map(sink, PIPELINE_KEYS)?;
    flag(&map, "artifacts", true, sink);
    flag(&map, "optional", false, sink);
    let pipeline = map.get("pipeline")?.owned(sink);
    let job = if job_required {
        map.require(sink, "job")
    } else {
        map.get("job")
    };
    let job = job.and_then(|field| field.owned(sink));
    Some(NeedTarget::Pipeline {
        pipeline: pipeline?,
        job,
    })
}

fn project(item: &Field<'_>, sink: &mut Sink<'_>) -> Option<NeedTarget> {
    let map = item.map(sink, PROJECT_KEYS)?;
    let artifacts = flag(&map, "artifacts", true, sink);
    flag(&map, "optional", false, sink);
    let project = map.get("project")?.owned(sink);
    let job = map.require(sink, "job").and_then(|field| field.owned(sink));
    let ref_name = map.require(sink, "ref").and_then(|field| field.owned(sink));
    Some(NeedTarget::Project {
        project: project?,
        job: job?,
        ref_name: ref_name?,
        artifacts,
    })
}

fn flag(map: &Map<'_>, key: &str, default: bool, sink: &mut Sink<'_>) -> bool {
    map.get(key)
        .and_then(|field| field.flag(sink))
        .unwrap_or(default)
}
