//! A runner as small as can be, for tests to kill: `PROBE host|oci DIR [IMAGE]` runs attempts under `DIR` for ever.
//! It is also the program that the container executor's tests re-execute, as `aqueduct` re-executes itself.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use aqueduct_core::{
    id::{AttemptKey, JobId, PipelineId},
    plan::Image,
    time::Millis,
};
use aqueduct_exec::{
    child,
    host::{HostConfig, HostExecutor},
    oci::{OciConfig, OciExecutor},
};
use aqueduct_ports::executor::{ExecError, Executor, JobSpec, Phase};

/// Attempts at the same time.
const SLOTS: u32 = 3;

fn main() -> ExitCode {
    if let Some(code) = child::run_if_requested(std::env::args_os()) {
        return code;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(kind), Some(dir)) = (args.first(), args.get(1)) else {
        return ExitCode::FAILURE;
    };
    let dir = Path::new(dir);
    let executor: Arc<dyn Executor> = if kind == "host" {
        Arc::new(HostExecutor::new(HostConfig::new(dir.join("state"))))
    } else {
        let config = OciConfig::new(dir.join("state"), dir.join("store"));
        Arc::new(OciExecutor::new(config))
    };
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return ExitCode::FAILURE;
    };
    let slots = (0..SLOTS).map(|slot| {
        let (executor, image) = (Arc::clone(&executor), args.get(2).cloned());
        let dir = dir.to_owned();
        async move { run_for_ever(&*executor, &dir, slot, image).await }
    });
    if let Err(error) = runtime.block_on(futures_util::future::try_join_all(slots)) {
        let verdict = error.into_verdict();
        // Whoever started it may not listen.
        let _ = writeln!(io::stderr(), "{verdict}\n{}", verdict.hint());
    }
    ExitCode::FAILURE
}

async fn run_for_ever(
    executor: &dyn Executor,
    dir: &Path,
    slot: u32,
    image: Option<String>,
) -> Result<(), ExecError> {
    let workdir = dir.join(format!("copy-{slot}"));
    let tmp_dir = dir.join(format!("copy-{slot}.tmp"));
    for dir in [&workdir, &tmp_dir] {
        fs::create_dir_all(dir).map_err(|error| ExecError::Machine(error.to_string()))?;
    }
    for attempt in 1.. {
        let inside = |path: &Path| match &image {
            Some(_) => Path::new("/builds").join(path.file_name().unwrap_or_default()),
            None => path.to_owned(),
        };
        let spec = JobSpec {
            key: AttemptKey {
                pipeline: PipelineId(1),
                job: JobId(slot.into()),
                attempt,
            },
            name: "probe".into(),
            image: image.clone().map(|name| Image {
                name,
                entrypoint: None,
                pull_policy: Vec::new(),
                platform: None,
                user: None,
            }),
            arch: None,
            project_dir: inside(&workdir),
            workdir: workdir.clone(),
            tmp_dir_inside: inside(&tmp_dir),
            tmp_dir: tmp_dir.clone(),
            env: Vec::new(),
            phases: vec![
                phase(&format!("sleep {}00{slot}", std::process::id())),
                phase("sleep 0.01"),
            ],
            timeout: Millis(100),
            grace: Millis(10),
            memory_limit: None,
        };
        let handle = executor.ensure(&spec).await?;
        let mut events = executor.attach(&handle).await?;
        while events.recv().await.is_some() {}
        executor.destroy(&handle).await?;
    }
    Ok(())
}

fn phase(command: &str) -> Phase {
    // In the background, out of the session, behind a shell that ignores being asked: as hard to find as it gets.
    let script =
        format!("trap '' TERM; setsid {command} & {command} & (sleep 0.02; exec {command})");
    Phase {
        name: "step_script".into(),
        script,
        timeout: Millis(50),
        after_timeout: true,
    }
}
