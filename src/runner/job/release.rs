//! The procedure of `index` and `publish` jobs: no script, no working copy, credentials that no job sees.

use std::sync::{Mutex, PoisonError};

use aqueduct_core::{
    plan::{IndexSource, IndexSpec, PublishSpec},
    platform::Arch,
    release::ReleaseReport,
    time::Timestamp,
    verdict::{Verdict, VerdictKind},
};
use aqueduct_ports::{
    executor::Placement,
    release::{InputArtifacts, ReleaseBackend, ReleaseInputs, ReleaseLog},
    workspace::{Checkout, WorkingCopy},
};

use super::{Ended, Job, Step, Stop, artifacts::fetch, scope::Scope};
use crate::keeper::Signal;

/// Works an `index` job off.
pub(super) async fn index(job: &Job<'_>, spec: &IndexSpec) -> Step<Ended> {
    let (backend, scope, inputs) = prepare(job).await?;
    let spec = expand_index(spec, &scope);
    let record = Record::new(job);
    let ended = until_canceled(job, backend.index(&spec, &inputs, &record)).await?;
    Ok(record.complete(ended))
}

/// Works a `publish` job off.
pub(super) async fn publish(job: &Job<'_>, spec: &PublishSpec) -> Step<Ended> {
    let (backend, scope, inputs) = prepare(job).await?;
    let spec = expand_publish(spec, &scope);
    let record = Record::new(job);
    let ended = until_canceled(job, backend.publish(&spec, &inputs, &record)).await?;
    Ok(record.complete(ended))
}

/// Lines go into the trace, the report waits for the end.
struct Record<'j> {
    job: &'j Job<'j>,
    report: Mutex<Option<ReleaseReport>>,
}

impl<'j> Record<'j> {
    fn new(job: &'j Job<'j>) -> Self {
        Self {
            job,
            report: Mutex::default(),
        }
    }

    fn complete(self, ended: Ended) -> Ended {
        let report = self.report.into_inner();
        let report = report.unwrap_or_else(PoisonError::into_inner);
        Ended {
            release: report.map(Box::new),
            ..ended
        }
    }
}

impl ReleaseLog for Record<'_> {
    fn line(&self, text: &str) {
        self.job.trace.line(text);
    }

    fn released(&self, report: ReleaseReport) {
        let mut known = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(report);
    }
}

async fn prepare<'a>(job: &Job<'a>) -> Step<(&'a dyn ReleaseBackend, Scope, ReleaseInputs)> {
    job.check()?;
    let Some(backend) = job.config.release.as_deref() else {
        return Err(Verdict::new(
            VerdictKind::RunnerUnsupported,
            "this runner takes no index and publish jobs",
        )
        .into());
    };
    let copy = job
        .config
        .copies
        .prepare(job.assignment.lease.key, Checkout::Empty)
        .await
        .map_err(|error| Verdict::new(VerdictKind::Internal, error.to_string()))?;
    let scope = Scope::new(job, &copy);
    job.tell_started(placement()).await?;
    let jobs = unpack_inputs(job, &copy).await?;
    let inputs = ReleaseInputs {
        project: job.assignment.project.clone(),
        jobs,
        source_date_epoch: source_date(&scope),
    };
    Ok((backend, scope, inputs))
}

/// The artifacts of each needed job, in a directory of its own: two wheels of one name are a conflict to be told, not a file
/// that silently replaces another.
async fn unpack_inputs(job: &Job<'_>, copy: &WorkingCopy) -> Step<Vec<InputArtifacts>> {
    let mut inputs = Vec::new();
    for (number, dependency) in job.assignment.dependencies.iter().enumerate() {
        job.check()?;
        let dir = copy.dir.join(number.to_string());
        std::fs::create_dir(&dir).map_err(|error| {
            Verdict::new(
                VerdictKind::Internal,
                format!("can't create {}: {error}", dir.display()),
            )
        })?;
        fetch(job, dependency, dir.clone()).await?;
        inputs.push(InputArtifacts {
            job: dependency.name.clone(),
            base: dependency.base.clone(),
            dir,
        });
    }
    Ok(inputs)
}

/// Drops the work when the job is cancelled: what a backend has begun, it finds again the next time.
async fn until_canceled(
    job: &Job<'_>,
    work: impl Future<Output = Result<(), Verdict>>,
) -> Step<Ended> {
    let mut signals = job.keeper.signals();
    let stopped = async {
        // Fails only when the keeper is gone, which outlives the job.
        let seen = signals.wait_for(|signal| *signal != Signal::Run).await;
        seen.map_or(Signal::Lost, |signal| *signal)
    };
    let left = job
        .assignment
        .job
        .timeout
        .to_std()
        .saturating_sub(job.begun.elapsed());
    let verdict = tokio::select! {
        done = work => done.err(),
        signal = stopped => match signal {
            Signal::Lost => return Err(Stop::Lost),
            _ => Some(Verdict::new(VerdictKind::Canceled, "the job was canceled")),
        },
        () = tokio::time::sleep(left) => Some(Verdict::new(
            VerdictKind::ScriptTimeout,
            format!("the job ran longer than its timeout of {}", job.assignment.job.timeout),
        )),
    };
    if let Some(verdict) = &verdict {
        job.trace.error(&format!("Job failed: {}", verdict.cause));
    }
    Ok(Ended {
        verdict,
        ..Ended::default()
    })
}

fn placement() -> Placement {
    Placement {
        executor: "release".to_owned(),
        arch: Arch::parse(std::env::consts::ARCH).unwrap_or(Arch::Amd64),
        emulated: false,
        image_digest: None,
        platform: None,
    }
}

/// `SOURCE_DATE_EPOCH`, else the commit's time.
fn source_date(scope: &Scope) -> Option<i64> {
    scope
        .get("SOURCE_DATE_EPOCH")
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| {
            scope
                .get("CI_COMMIT_TIMESTAMP")
                .and_then(Timestamp::parse_rfc3339)
                .map(|time| time.0.div_euclid(1000))
        })
}

fn expand_all(texts: &[String], scope: &Scope) -> Vec<String> {
    texts.iter().map(|text| scope.expand(text)).collect()
}

fn expand_index(spec: &IndexSpec, scope: &Scope) -> IndexSpec {
    let source = |source: &IndexSource| match source {
        IndexSource::Reference(text) => IndexSource::Reference(scope.expand(text)),
        IndexSource::DigestFile { job, path } => IndexSource::DigestFile {
            job: job.clone(),
            path: scope.expand(path),
        },
        IndexSource::Layout { job, path } => IndexSource::Layout {
            job: job.clone(),
            path: scope.expand(path),
        },
    };
    IndexSpec {
        image: expand_all(&spec.image, scope),
        from: spec.from.iter().map(source).collect(),
        platforms: spec.platforms.clone(),
        annotations: spec
            .annotations
            .iter()
            .map(|(key, value)| (key.clone(), scope.expand(value)))
            .collect(),
        tags: expand_all(&spec.tags, scope),
        copy_to: expand_all(&spec.copy_to, scope),
    }
}

fn expand_publish(spec: &PublishSpec, scope: &Scope) -> PublishSpec {
    PublishSpec {
        python: scope.expand_paths(&spec.python),
        to: expand_all(&spec.to, scope),
        primary: spec.primary.as_deref().map(|text| scope.expand(text)),
        require: spec.require,
        on_conflict: spec.on_conflict,
    }
}
