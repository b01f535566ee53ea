//! A coordinator put together.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use aqueduct_coordinator::{App, AppPorts, Config, background, restore_sources};
use aqueduct_core::{time::Timestamp, token::TokenHash};
use aqueduct_engine::fleet::{Fleet, FleetConfig, FleetPorts};
use aqueduct_forge::{Forges, Webhooks};
use aqueduct_mirror::{GitMirrors, Logins, Options};
use aqueduct_ports::{
    clock::Clock as _,
    forge::Statuses,
    git::Mirrors,
    store::{AccessScope, NewAccessToken, Objects, Store},
};
use aqueduct_store::{Database, ObjectDirectory, OpenError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{block_on, clock::SystemClock, random::SystemRandom, release_worker::ReleaseWorker};
use crate::{
    dirs,
    error::CliError,
    output, service,
    settings::{CoordinatorOptions, Settings},
};

/// What a coordinator is started with.
#[derive(Clone, Debug)]
pub(crate) struct ServeOptions {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Its files.
    pub(crate) data: PathBuf,
    /// Where others reach it, without a slash at the end.
    pub(crate) url: String,
    /// PostgreSQL instead of SQLite.
    pub(crate) database: Option<String>,
    /// Make another token for administrators.
    pub(crate) new_admin_token: bool,
    /// What its operator says: limits, where `index` and `publish` jobs may release to, and which project where.
    pub(crate) settings: Settings,
}

/// Starts a coordinator and serves until SIGTERM or SIGINT.
pub(crate) fn serve(options: &ServeOptions) -> Result<(), CliError> {
    block_on(run(options))?
}

async fn run(options: &ServeOptions) -> Result<(), CliError> {
    let data = &options.data;
    dirs::check_writable(data).map_err(|error| CliError::io("write", data, &error))?;
    let forges = Forges::new(options.settings.logins()?).map_err(CliError::infrastructure)?;
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        CliError::infrastructure(format!("can't listen on {}: {error}", options.listen))
            .with_help("choose another address with --listen, or stop who has it")
    })?;
    let store = open(options).await?;
    let fleet = Arc::new(Fleet::new(
        FleetPorts {
            store: Arc::clone(&store),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        },
        fleet_config(options, &forges),
    ));
    let objects = objects(&data.join("objects"))?;
    let ports = AppPorts {
        fleet: Arc::clone(&fleet),
        objects: Arc::clone(&objects),
        mirrors: mirrors(&data.join("mirrors"), &forges)?,
        hooks: Arc::new(Webhooks),
        statuses: forges
            .tells()
            .then(|| Arc::new(forges) as Arc<dyn Statuses>),
        clock: Arc::new(SystemClock),
    };
    admin_token(options, &fleet).await?;
    let active = fleet.restart().await.map_err(CliError::infrastructure)?;
    let app = App::new(ports, config(&options.settings.coordinator));
    restore_sources(&app).await;
    let _background = background(&app);
    let releases = options.settings.release.clone();
    let worker = ReleaseWorker::start(&fleet, &objects, data, releases).await?;
    output::note(&format!(
        "aqueduct listens on {}, reached at {}; {active} pipelines go on",
        options.listen, options.url
    ));
    service::ready();
    let (stop, shutdown) = (stop_signal()?, worker.shutdown());
    let stop = async move {
        stop.await;
        service::stopping();
        shutdown.drain.cancel();
    };
    let served = aqueduct_coordinator::serve(app, listener, stop).await;
    worker.stop().await;
    served.map_err(CliError::infrastructure)?;
    output::note("aqueduct has stopped");
    Ok(())
}

fn fleet_config(options: &ServeOptions, forges: &Forges) -> FleetConfig {
    let mut config = FleetConfig::new(options.url.as_str());
    config.commit_statuses = forges.tells();
    if let Some(limit) = options.settings.coordinator.log_limit {
        config.trace_limit = limit;
    }
    config
}

fn config(options: &CoordinatorOptions) -> Config {
    let usual = Config::default();
    Config {
        artifact_limit: options.artifact_limit.unwrap_or(usual.artifact_limit),
        git_depth: options.git_depth.unwrap_or(usual.git_depth),
        ..usual
    }
}

async fn open(options: &ServeOptions) -> Result<Arc<dyn Store>, CliError> {
    let opened = match &options.database {
        Some(url) => Database::postgres(url).await,
        None => Database::sqlite(&options.data).await,
    };
    let refused = |error: OpenError| {
        CliError::infrastructure(error).with_help(
            "one coordinator has a data directory at a time; --data names another directory",
        )
    };
    Ok(Arc::new(opened.map_err(refused)?))
}

fn objects(root: &Path) -> Result<Arc<dyn Objects>, CliError> {
    let opened = ObjectDirectory::open(root);
    Ok(Arc::new(
        opened.map_err(|error| CliError::io("open", root, &error))?,
    ))
}

fn mirrors(root: &Path, forges: &Forges) -> Result<Arc<dyn Mirrors>, CliError> {
    let forges = forges.clone();
    let options = Options {
        logins: Logins::new(move |url| forges.credentials(url)),
        ..Options::default()
    };
    let opened = GitMirrors::new(root, options);
    Ok(Arc::new(opened.map_err(CliError::infrastructure)?))
}

/// The first start makes a token for administrators, and prints it: it is told once.
async fn admin_token(options: &ServeOptions, fleet: &Fleet) -> Result<(), CliError> {
    let store = fleet.store();
    let known = store
        .access_tokens()
        .await
        .map_err(CliError::infrastructure)?;
    let has_admin = known.iter().any(|token| token.scope == AccessScope::Admin);
    if has_admin && !options.new_admin_token {
        return Ok(());
    }
    let token = fleet.token("aqa-");
    let now: Timestamp = SystemClock.now();
    store
        .create_access_token(&NewAccessToken {
            hash: TokenHash::of(&token),
            name: "admin".into(),
            scope: AccessScope::Admin,
            expires: None,
            created: now,
        })
        .await
        .map_err(CliError::infrastructure)?;
    output::text(&format!("admin token, told only now: {token}\n"))
}

fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let hear = |kind| signal(kind).map_err(CliError::infrastructure);
    let (mut terminate, mut interrupt) = (
        hear(SignalKind::terminate())?,
        hear(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
