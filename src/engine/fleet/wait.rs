//! What runners have offered, to say why a job waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aqueduct_core::{
    id::{GlobalJobId, ManagerId, PipelineId},
    plan::Plan,
    release::ReleaseReport,
    run::Status,
    sched::{self, Offer},
    time::Timestamp,
};
use aqueduct_ports::{executor::Placement, store::PipelineRow};

use super::{Claimer, Fleet, FleetError, live::Live};
use crate::{
    pipeline::Pipeline,
    snapshot::{self, Snapshot, Waiting},
};

/// What runners have offered since the coordinator started.
#[derive(Default)]
pub struct Offers(Mutex<BTreeMap<ManagerId, (Arc<Claimer>, Timestamp)>>);

impl Offers {
    /// Notes what somebody asks for; the same again costs no memory.
    pub(super) fn learn(&self, claimer: &Claimer, now: Timestamp) -> Arc<Claimer> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get_mut(&claimer.manager) {
            Some((offer, seen)) if **offer == *claimer => {
                *seen = now;
                Arc::clone(offer)
            }
            _ => {
                let offer = Arc::new(claimer.clone());
                known.insert(claimer.manager, (Arc::clone(&offer), now));
                offer
            }
        }
    }

    pub(super) fn all(&self) -> Vec<(Arc<Claimer>, Timestamp)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().cloned().collect()
    }
}

/// A pipeline at one moment, with what it is made of.
#[derive(Clone, Debug)]
pub struct PipelineView {
    /// Its row.
    pub row: PipelineRow,
    /// Path of its project.
    pub project: String,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Its jobs, in the plan's order.
    pub jobs: Vec<(GlobalJobId, snapshot::JobSnapshot)>,
    /// Who has, or last had each of them.
    pub managers: Vec<Option<ManagerId>>,
    /// Where the last attempt of each of them runs, or ran.
    pub places: Vec<Option<Placement>>,
    /// What became of the releases among them.
    pub releases: Vec<Option<Box<ReleaseReport>>>,
}

impl Fleet {
    /// A pipeline as it is now; [`FleetError::NoPipeline`] also if it could not be compiled.
    pub async fn view(&self, id: PipelineId) -> Result<PipelineView, FleetError> {
        let offers = self.offers.all();
        self.look(id, |live, now| PipelineView {
            row: live.row.clone(),
            project: live.project_path.clone(),
            plan: Arc::clone(live.pipeline.shared_plan()),
            jobs: jobs(live, &offers, now),
            managers: live.tenures.iter().map(|tenure| tenure.manager).collect(),
            places: each(live, |pipeline, at| pipeline.place(at).cloned()),
            releases: each(live, |pipeline, at| pipeline.output(at)?.release.clone()),
        })
        .await
    }

    /// The states of a pipeline's jobs now, each with what it waits for, and the job's id on the wire.
    pub async fn snapshot(
        &self,
        id: PipelineId,
    ) -> Result<Vec<(GlobalJobId, snapshot::JobSnapshot)>, FleetError> {
        let offers = self.offers.all();
        self.look(id, |live, now| jobs(live, &offers, now)).await
    }
}

fn each<T>(live: &Live, of: impl Fn(&Pipeline, usize) -> Option<T>) -> Vec<Option<T>> {
    let all = 0..live.tenures.len();
    all.map(|at| of(&live.pipeline, at)).collect()
}

fn jobs(
    live: &Live,
    offers: &[(Arc<Claimer>, Timestamp)],
    now: Timestamp,
) -> Vec<(GlobalJobId, snapshot::JobSnapshot)> {
    let Snapshot { jobs, .. } = snapshot::snapshot(&live.pipeline, now);
    let jobs = jobs.into_iter().enumerate();
    jobs.map(|(at, mut job)| {
        if job.status == Status::Pending {
            job.waiting = Some(waits_for(live, at, offers));
        }
        (live.job_id(at), job)
    })
    .collect()
}

fn waits_for(live: &Live, at: usize, offers: &[(Arc<Claimer>, Timestamp)]) -> Waiting {
    let job = &live.pipeline.plan().jobs[at];
    let may: Vec<Offer> = offers
        .iter()
        .filter(|(claimer, _)| claimer.may_have(live.row.project))
        .map(|(claimer, _)| claimer.offer.clone())
        .collect();
    sched::refusal(job, &may).map_or(Waiting::Slot, |verdict| Waiting::Runner(verdict.cause))
}
