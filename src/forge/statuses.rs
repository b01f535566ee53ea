//! `POST …/statuses/SHA` of the forges. Gitea's is GitHub's with its own login; GitLab's differs in most words.

use aqueduct_core::time::Millis;
use aqueduct_ports::forge::{CommitState, CommitStatus, Forge, StatusError};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::Login;

/// Longest description that all of them take, in characters.
const DESCRIPTION: usize = 140;
/// Longest answer that is repeated to people, in characters.
const ANSWER: usize = 300;

/// Tells one state.
pub(crate) async fn tell(
    client: &Client,
    login: &Login,
    path: &str,
    status: &CommitStatus,
) -> Result<(), StatusError> {
    let request = match login.forge {
        Forge::GitLab => gitlab(client, login, path, status),
        Forge::GitHub | Forge::Gitea => github(client, login, path, status),
    };
    let answer = request.send().await.map_err(|error| StatusError::Later {
        why: format!("{} does not answer: {}", login.url, error.without_url()),
        after: None,
    })?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(refusal(login, answer).await)
}

fn github(client: &Client, login: &Login, path: &str, status: &CommitStatus) -> RequestBuilder {
    let state = match status.state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failure",
        CommitState::Error | CommitState::Canceled => "error",
    };
    let scheme = match login.forge {
        Forge::Gitea => "token",
        _ => "Bearer",
    };
    let url = format!("{}/repos/{path}/statuses/{}", login.api(), status.sha);
    client
        .post(url)
        .header(
            header::AUTHORIZATION,
            format!("{scheme} {}", login.token.expose()),
        )
        .header(header::ACCEPT, "application/json")
        .json(&json!({
            "state": state,
            "context": status.context,
            "description": description(status),
            "target_url": status.target_url,
        }))
}

fn gitlab(client: &Client, login: &Login, path: &str, status: &CommitStatus) -> RequestBuilder {
    let state = match status.state {
        CommitState::Pending => "pending",
        CommitState::Running => "running",
        CommitState::Success => "success",
        CommitState::Failure | CommitState::Error => "failed",
        CommitState::Canceled => "canceled",
    };
    let project = path.replace('%', "%25").replace('/', "%2F");
    let url = format!("{}/projects/{project}/statuses/{}", login.api(), status.sha);
    client
        .post(url)
        .header("private-token", login.token.expose())
        .json(&json!({
            "state": state,
            "name": status.context,
            "ref": status.ref_name,
            "description": description(status),
            "target_url": status.target_url,
        }))
}

fn description(status: &CommitStatus) -> String {
    status.description.chars().take(DESCRIPTION).collect()
}

/// What an answer that is no success means.
async fn refusal(login: &Login, answer: Response) -> StatusError {
    let (status, after) = (answer.status(), wish(&answer));
    let is_busy = answer
        .headers()
        .get("x-ratelimit-remaining")
        .is_some_and(|left| left == "0");
    let text = answer.text().await.unwrap_or_default();
    let told = serde_json::from_str::<Value>(&text)
        .ok()
        .map_or(text, |json| json["message"].to_string());
    let told: String = told
        .chars()
        .filter(|char| !char.is_control())
        .take(ANSWER)
        .collect();
    let why = format!("{} answers {status}: {told}", login.url);
    // GitHub answers 403 where it means "later", and then says when (or that nothing is left).
    let later = status.is_server_error()
        || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status)
        || (status == StatusCode::FORBIDDEN && (after.is_some() || is_busy));
    if later {
        return StatusError::Later { why, after };
    }
    StatusError::Refused(why)
}

/// `Retry-After` in seconds.
fn wish(answer: &Response) -> Option<Millis> {
    let value = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Millis::from_secs)
}
