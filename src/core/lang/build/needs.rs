//! What each job waits for and whose artifacts it gets, by full names of jobs that are in the pipeline.

use std::sync::Arc;

use super::{draft::Draft, job};
use crate::{
    diag::{Diagnostic, Diagnostics, SourceMap},
    hash::{HashMap, State},
    lang::{
        codes::NEED_LEFT_OUT,
        graph::find_cycle,
        instances::{Catalog, KeyPath, Selection, agree, path, select},
        logic::{cycle_error, no_same_arch, not_selected},
        model::{JobNeed, NeedTarget},
    },
    plan::{Need, PlanJob},
};

/// Makes the jobs, by stage, then in file order. `drafts` has one entry an instance.
pub(super) fn resolve(
    mut drafts: Vec<Option<Draft<'_>>>,
    catalog: &Catalog<'_>,
    sources: &SourceMap,
    sink: &mut Diagnostics,
) -> Vec<PlanJob> {
    let resolver = Resolver {
        drafts: &drafts,
        catalog,
    };
    let waits: Vec<Option<Vec<Wait>>> = (0..drafts.len())
        .map(|at| resolver.waits(at, sink))
        .collect();
    resolver.check_cycles(&waits, sink);
    let mut givers = Givers::new(&drafts, catalog);
    let mut order: Vec<(u32, usize)> = drafts
        .iter()
        .enumerate()
        .filter_map(|(at, draft)| Some((draft.as_ref()?.stage_index, at)))
        .collect();
    order.sort_unstable();
    let mut jobs = Vec::with_capacity(order.len());
    for (_, at) in order {
        let Some(draft) = drafts[at].take() else {
            continue;
        };
        let waits = waits[at].as_deref();
        let artifacts_from = givers.names(&draft, waits);
        let needs = waits.map(|waits| waits.iter().map(|wait| wait.to_plan(catalog)).collect());
        jobs.push(job::make(
            draft,
            &catalog.all[at],
            needs,
            artifacts_from,
            sources,
        ));
    }
    jobs
}

/// A job that is waited for, by its place in the catalog.
#[derive(Clone, Copy)]
struct Wait {
    at: usize,
    artifacts: bool,
    optional: bool,
}

impl Wait {
    fn to_plan(self, catalog: &Catalog<'_>) -> Need {
        Need {
            job: catalog.all[self.at].name.clone(),
            artifacts: self.artifacts,
            optional: self.optional,
        }
    }
}

struct Resolver<'r, 'a> {
    drafts: &'r [Option<Draft<'a>>],
    catalog: &'r Catalog<'a>,
}

impl Resolver<'_, '_> {
    /// `None` where the job waits for stages: without `needs`, and with none that names a job of this pipeline.
    fn waits(&self, at: usize, sink: &mut Diagnostics) -> Option<Vec<Wait>> {
        let draft = self.drafts[at].as_ref()?;
        let (needs, key) = draft.needs();
        let needs = needs?;
        let path = path(draft.job, key);
        let mut waits = Vec::new();
        let mut elsewhere = 0;
        for need in needs {
            match &need.target {
                NeedTarget::Job(target) => self.one(at, target, path, &mut waits, sink),
                NeedTarget::Pipeline { .. } | NeedTarget::Project { .. } => elsewhere += 1,
            }
        }
        (elsewhere == 0 || elsewhere < needs.len()).then_some(waits)
    }

    fn one(
        &self,
        at: usize,
        need: &JobNeed,
        path: KeyPath<'_>,
        waits: &mut Vec<Wait>,
        sink: &mut Diagnostics,
    ) {
        let from = &self.catalog.all[at];
        let mut found = match select(need, from, self.catalog) {
            Selection::Found(found) => found,
            failed => return sink.push(not_selected(need, from, failed, path)),
        };
        if need.same_arch {
            match self.same_arch(at, need, &found) {
                Ok(same) => found = same,
                Err(why) => {
                    return sink.push(no_same_arch(path, need, &why));
                }
            }
        }
        for target in found {
            if self.drafts[target].is_some() {
                waits.push(Wait {
                    at: target,
                    artifacts: need.artifacts,
                    optional: need.optional,
                });
            } else if !need.optional {
                sink.push(self.left_out(need, target, path));
            }
        }
    }

    /// Those of `found` with the architecture of the instance `at`, on every axis that both have. A job that is left out
    /// counts by its keyword alone: its tags were never expanded.
    fn same_arch(&self, at: usize, need: &JobNeed, found: &[usize]) -> Result<Vec<usize>, String> {
        let arch_of = |at: usize| match &self.drafts[at] {
            Some(draft) => draft.arch,
            None => self.catalog.all[at].arch,
        };
        let from = &self.catalog.all[at];
        let Some(arch) = arch_of(at) else {
            return Err(format!("`{}` has none of its own", from.name));
        };
        let fits = |&target: &usize| {
            arch_of(target) == Some(arch) && agree(from, &self.catalog.all[target])
        };
        let same: Vec<usize> = found.iter().copied().filter(fits).collect();
        if same.is_empty() && !(need.optional && found.iter().all(|at| self.drafts[*at].is_none()))
        {
            return Err(format!("no instance of it is for {arch}"));
        }
        Ok(same)
    }

    fn left_out(&self, need: &JobNeed, target: usize, path: KeyPath<'_>) -> Diagnostic {
        let message = format!(
            "{path} names `{}`, which this pipeline leaves out",
            self.catalog.all[target].name
        );
        Diagnostic::error(NEED_LEFT_OUT, need.job.span, message)
            .with_label(self.catalog.all[target].job.name.span, "left out by its rules, only or except")
            .with_help("write `optional: true` if the job may be missing, or give both jobs the same rules")
    }

    fn check_cycles(&self, waits: &[Option<Vec<Wait>>], sink: &mut Diagnostics) {
        let edges: Vec<Vec<usize>> = waits
            .iter()
            .map(|waits| waits.iter().flatten().map(|wait| wait.at).collect())
            .collect();
        if let Some(cycle) = find_cycle(&edges) {
            let instances: Vec<_> = cycle.iter().map(|at| &self.catalog.all[*at]).collect();
            let jobs: Vec<_> = instances.iter().map(|instance| instance.job).collect();
            sink.push(cycle_error(
                &jobs,
                instances.iter().map(|instance| instance.name.as_str()),
            ));
        }
    }
}

/// Jobs that leave artifacts, by stage.
struct Givers<'c, 'm> {
    catalog: &'c Catalog<'m>,
    by_stage: Vec<(u32, usize)>,
    by_place: HashMap<usize, bool>,
    /// Names of all before a stage, which its jobs share: otherwise a large pipeline would hold jobs times jobs of them.
    before: HashMap<u32, Arc<[String]>>,
}

impl<'c, 'm> Givers<'c, 'm> {
    fn new(drafts: &[Option<Draft<'_>>], catalog: &'c Catalog<'m>) -> Self {
        let mut by_stage = Vec::new();
        let mut by_place = HashMap::with_capacity_and_hasher(drafts.len(), State::default());
        for (at, draft) in drafts.iter().enumerate() {
            let Some(draft) = draft else {
                continue;
            };
            let gives = draft.job.artifacts.is_some();
            by_place.insert(at, gives);
            if gives {
                by_stage.push((draft.stage_index, at));
            }
        }
        by_stage.sort_unstable();
        Self {
            catalog,
            by_stage,
            by_place,
            before: HashMap::default(),
        }
    }

    /// Of needs those with `artifacts`, else all of earlier stages; `dependencies` narrows either.
    fn names(&mut self, draft: &Draft<'_>, waits: Option<&[Wait]>) -> Arc<[String]> {
        let catalog = self.catalog;
        let name = |at: usize| catalog.all[at].name.clone();
        if let Some(chosen) = self.chosen(draft, waits) {
            return chosen.into_iter().map(name).collect();
        }
        let stage = draft.stage_index;
        let end = self.by_stage.partition_point(|(giver, _)| *giver < stage);
        let earlier = &self.by_stage[..end];
        let before = self.before.entry(stage);
        Arc::clone(before.or_insert_with(|| earlier.iter().map(|(_, at)| name(*at)).collect()))
    }

    /// Those that `needs` or `dependencies` choose; `None` without either.
    fn chosen(&self, draft: &Draft<'_>, waits: Option<&[Wait]>) -> Option<Vec<usize>> {
        let catalog = self.catalog;
        let gives = |at: &usize| self.by_place.get(at).copied().unwrap_or(false);
        let chosen = draft.job.dependencies.as_ref();
        if chosen.is_some_and(Vec::is_empty) {
            return Some(Vec::new());
        }
        let is_chosen = |at: &usize| {
            chosen.is_none_or(|names| {
                names
                    .iter()
                    .any(|name| catalog.named(&name.value).contains(at))
            })
        };
        match (waits, chosen) {
            (Some(waits), _) => Some(
                waits
                    .iter()
                    .filter(|wait| wait.artifacts)
                    .map(|wait| wait.at)
                    .filter(|at| gives(at) && is_chosen(at))
                    .collect(),
            ),
            (None, Some(names)) => Some(
                names
                    .iter()
                    .flat_map(|name| catalog.named(&name.value))
                    .filter(gives)
                    .collect(),
            ),
            (None, None) => None,
        }
    }
}
