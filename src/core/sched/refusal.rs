//! Why nobody takes a job, in words.

use super::{Offer, Request, Work, arch_fits, keywords_fit, place, tags_fit, work_fits};
use crate::{
    plan::PlanJob,
    verdict::{Verdict, VerdictKind},
};

/// The verdict of a job that none of `offers` takes; `None` if one does.
pub fn refusal(job: &PlanJob, offers: &[Offer]) -> Option<Verdict> {
    if offers.iter().any(|offer| place(job, offer).is_some()) {
        return None;
    }
    if offers.is_empty() {
        return Some(Verdict::new(
            VerdictKind::RunnerNone,
            "no runner is connected",
        ));
    }
    let request = Request::of(job);
    let verdict = Verdict::new(
        VerdictKind::RunnerNone,
        format!("no runner takes {}", wishes(&request, offers)),
    );
    let executors = || offers.iter().flat_map(|offer| &offer.executors);
    let needs_image = request.work == Work::WithoutImage
        && !executors().any(|executor| work_fits(request.work, executor));
    Some(if needs_image {
        verdict.with_hint("give the job an `image`, or allow the executor `host`")
    } else {
        verdict
    })
}

/// The wishes that no runner fulfils; all of them if each is fulfilled by some runner, but never together.
fn wishes(request: &Request<'_>, offers: &[Offer]) -> String {
    if request.work == Work::Trigger {
        return "jobs with `trigger`".to_owned();
    }
    let all = all_wishes(request, offers);
    let unmet: Vec<&str> = all
        .iter()
        .filter(|(_, met)| !met)
        .map(|(words, _)| words.as_str())
        .collect();
    if unmet.is_empty() {
        let words: Vec<&str> = all.iter().map(|(words, _)| words.as_str()).collect();
        return format!("{} together", words.join(" and "));
    }
    unmet.join(" and ")
}

/// Each wish in words, and whether any runner fulfils it.
fn all_wishes(request: &Request<'_>, offers: &[Offer]) -> Vec<(String, bool)> {
    let executors = || offers.iter().flat_map(|offer| &offer.executors);
    let work = match request.work {
        Work::WithImage => "jobs with an image",
        Work::WithoutImage => "jobs without an image",
        Work::Release | Work::Trigger => "`index` and `publish` jobs",
    };
    let mut all = vec![(
        work.to_owned(),
        executors().any(|executor| work_fits(request.work, executor)),
    )];
    if request.work == Work::Release {
        return all;
    }
    if let Some(arch) = request.arch {
        all.push((
            format!("arch {arch}"),
            executors().any(|executor| {
                work_fits(request.work, executor) && arch_fits(request.arch, executor)
            }),
        ));
    }
    let keywords: Vec<&str> = request.keywords().collect();
    if !keywords.is_empty() {
        let met = executors().any(|executor| keywords_fit(request, executor));
        all.push((format!("jobs with {}", keywords.join(" and ")), met));
    }
    let tags: Vec<&str> = request.plain_tags().collect();
    all.push((
        match tags.as_slice() {
            [] => "jobs without tags".to_owned(),
            [tag] => format!("tag {tag}"),
            tags => format!("tags {}", tags.join(", ")),
        },
        offers.iter().any(|offer| tags_fit(request, offer)),
    ));
    all
}
