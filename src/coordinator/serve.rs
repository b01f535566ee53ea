//! Listening until somebody says stop.

use std::{future::Future, io, time::Duration};

use tokio::{net::TcpListener, sync::Notify, time::timeout};

use crate::{App, router};

/// How long requests that are being served may still take once the coordinator is to stop. Runners repeat what is cut off.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves: held requests are answered at once, no new ones are taken, and what is being served is
/// finished within ten seconds.
///
/// # Errors
/// If the socket fails.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = std::sync::Arc::new(Notify::new());
    let told = std::sync::Arc::clone(&stopping);
    let draining = app.clone();
    // A router by itself is copied for each connection, all its routes with it.
    let service = router(app).into_make_service();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        draining.drain();
        told.notify_one();
    });
    let serving = serving.into_future();
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => return served,
        () = stopping.notified() => {}
    }
    // A client that keeps its connection busy must not keep the coordinator.
    timeout(DRAIN, serving).await.unwrap_or(Ok(()))
}
