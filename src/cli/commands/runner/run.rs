//! `aqueduct runner run`.

use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Server, identity::random, runtime};
use crate::{
    args::RunnerRunArgs,
    dirs,
    error::CliError,
    exit::Exit,
    output, service, settings,
    wire::{self, RemoteOptions, RemoteRunner},
};

/// Works jobs off until a signal says otherwise.
pub(super) fn run(args: &RunnerRunArgs) -> Result<Exit, CliError> {
    let program = std::env::current_exe().ok();
    wire::enter_private_mounts();
    let server = Server::of(&args.server)?;
    let _lock = server.state.lock()?;
    let settings = settings::load(server.state.path(), None)?;
    let state_dir = server.state.path().to_path_buf();
    let usual_builds = || state_dir.join("builds");
    let options = RemoteOptions {
        program,
        api: server.api.clone(),
        token: server.token.clone(),
        system_id: server.state.system_id()?,
        instance: random(16)?,
        name: args.name.clone().unwrap_or_else(machine_name),
        executor: args.executor.unwrap_or_default(),
        slots: args.concurrent as usize,
        tags: tags(&args.tag_list),
        memory_limit: settings.run.memory_limit,
        builds_dir: absolute(&args.builds_dir.clone().unwrap_or_else(usual_builds))?,
        cache_dir: absolute(&args.cache_dir.clone().unwrap_or_else(dirs::cache))?,
        state_dir,
    };
    runtime()?.block_on(drive(&options, &server.url))
}

fn tags(given: &[String]) -> Vec<String> {
    let tags = given.iter().map(|tag| tag.trim().to_owned());
    tags.filter(|tag| !tag.is_empty()).collect()
}

fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| CliError::io("find", path, &error))
}

fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "runner".to_owned(),
        name => name.to_owned(),
    }
}

async fn drive(options: &RemoteOptions, url: &str) -> Result<Exit, CliError> {
    let mut signals = Signals::new()?;
    let mut runner = RemoteRunner::start(options)?;
    output::note(&format!(
        "runner {} ({}) takes jobs from {url}: {} at a time, with {}",
        options.name,
        options.system_id,
        options.slots,
        runner.executors.join(" and "),
    ));
    service::ready();
    let mut interrupts = 0_u32;
    let ended = loop {
        let signal = tokio::select! {
            ended = runner.ended() => break ended,
            signal = signals.next() => signal,
        };
        match signal {
            Wanted::Drain => {
                output::note("taking no more jobs; the running ones go on to their end");
                service::stopping();
                runner.drain();
            }
            Wanted::Stop if interrupts == 0 => {
                interrupts += 1;
                output::note(
                    "stopping: running jobs get 10 seconds to end, then they are handed back",
                );
                service::stopping();
                runner.interrupt();
            }
            Wanted::Stop => runner.kill(),
        }
    };
    match ended {
        Ok(()) => runner.close().map(|()| Exit::Success),
        // What still runs may still write: the next start sweeps.
        Err(error) => Err(error),
    }
}

/// What a signal asks for.
enum Wanted {
    /// SIGQUIT.
    Drain,
    /// SIGTERM, SIGINT.
    Stop,
}

struct Signals {
    quit: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, CliError> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                CliError::infrastructure(format!("can't listen for signals: {error}"))
            })
        };
        Ok(Self {
            quit: listen(SignalKind::quit())?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.quit.recv() => Wanted::Drain,
            _ = self.interrupt.recv() => Wanted::Stop,
            _ = self.terminate.recv() => Wanted::Stop,
        }
    }
}
