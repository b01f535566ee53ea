//! Who speaks for a job.

use aqueduct_core::{
    api::runner::{Info, Secret, http, info},
    id::GlobalJobId,
    run::Status,
    time::Millis,
};
use aqueduct_engine::fleet::{Holder, Standing};
use aqueduct_ports::store::TokenUse;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::super::{error::ApiError, token::header_or};
use crate::App;

/// The attempt that a request reports of: the job's report token, and no other. The read token, which scripts see, changes
/// nothing (design 3.9).
pub(super) async fn reporter(
    app: &App,
    id: u64,
    headers: &HeaderMap,
    body: &Secret,
) -> Result<Holder, ApiError> {
    let token = header_or(headers, http::JOB_TOKEN, body);
    let job = GlobalJobId(id);
    let holder = app.fleet().holder_of(job, &token).await?;
    match holder.filter(|holder| holder.purpose == TokenUse::Report) {
        Some(holder) => Ok(holder),
        None => Err(unknown(app, job).await?),
    }
}

/// 404 without such a job, else 403 with its state (runner-protocol 4.1).
async fn unknown(app: &App, job: GlobalJobId) -> Result<ApiError, ApiError> {
    Ok(match app.store().job(job).await? {
        None => ApiError::missing(),
        Some(row) => ApiError::forbidden().with(http::JOB_STATUS, row.status.name()),
    })
}

/// It is over, or another attempt took its place: 403 with the job's state, which makes a runner drop it.
pub(super) fn over(status: Status) -> ApiError {
    ApiError::forbidden().with(http::JOB_STATUS, status.name())
}

/// Without a sign of life for this long the attempt of who sent this is lost.
pub(super) fn lease_time(app: &App, headers: &HeaderMap) -> Millis {
    let agent = headers.get(header::USER_AGENT);
    let ours = agent
        .and_then(|agent| agent.to_str().ok())
        .is_some_and(|agent| agent.starts_with("aqueduct"));
    if ours {
        app.config.lease_time
    } else {
        app.config.foreign_lease_time
    }
}

/// Headers of an answer: how things stand, and how often to send.
///
/// `canceling` is told to those alone who said that they know it. For all others a cancelled job is over (runner-protocol 7), and
/// what they still send is refused.
pub(super) async fn standing_headers(
    app: &App,
    holder: &Holder,
    standing: Standing,
) -> Result<HeaderMap, ApiError> {
    if matches!(standing, Standing::Canceling { .. }) && !knows_grace(app, holder).await? {
        return Err(over(app.fleet().give_up(holder).await?));
    }
    let status = match standing {
        Standing::Running => "running",
        Standing::Canceling { grace: Millis(0) } => http::CANCELED,
        Standing::Canceling { .. } => http::CANCELING,
        Standing::Over(status) => return Err(over(status)),
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static(http::JOB_STATUS),
        HeaderValue::from_static(status),
    );
    headers.insert(
        HeaderName::from_static(http::TRACE_UPDATE_INTERVAL),
        HeaderValue::from(app.config.trace_interval),
    );
    Ok(headers)
}

async fn knows_grace(app: &App, holder: &Holder) -> Result<bool, ApiError> {
    let manager = match holder.manager {
        Some(manager) => app.store().manager(manager).await?,
        None => None,
    };
    let info = manager.and_then(|manager| manager.info);
    let info: Option<Info> = info.and_then(|info| serde_json::from_str(&info).ok());
    Ok(info.is_some_and(|info| info.features.has(info::CANCEL_GRACEFULLY)))
}

/// The status number as text: all that a body of these answers holds.
pub(super) fn text(status: StatusCode) -> String {
    status.as_u16().to_string()
}
