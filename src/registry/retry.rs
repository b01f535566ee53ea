//! One policy for every call: what is tried again, how often, after which pause.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::{StatusCode, header};

/// Never wait longer than this for a server that asks for a pause; the call fails instead.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The pauses between tries: exponential with jitter.
pub(crate) struct Pauses(backon::ExponentialBackoff);

impl Pauses {
    pub(crate) fn new(retries: usize) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(300))
            .with_max_delay(Duration::from_secs(20))
            .with_max_times(retries)
            .with_jitter();
        Self(builder.build())
    }

    /// Sleeps before the next try; `false` when there is none left. A pause the server asks for wins.
    pub(crate) async fn wait(&mut self, asked: Option<Duration>) -> bool {
        let Some(own) = self.0.next() else {
            return false;
        };
        let pause = asked.unwrap_or(own);
        if pause > LONGEST_PAUSE {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// Whether a status is the server's trouble and not an answer.
pub(crate) fn transient(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

/// `Retry-After` in seconds; the form with a date is rare and ignored.
pub(crate) fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_end_and_a_servers_wish_wins() {
        let mut pauses = Pauses::new(2);
        let start = tokio::time::Instant::now();
        assert!(pauses.wait(Some(Duration::from_secs(7))).await);
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        assert!(pauses.wait(None).await);
        assert!(!pauses.wait(None).await);
        assert!(!Pauses::new(5).wait(Some(Duration::from_hours(1))).await);
    }

    #[test]
    fn only_the_servers_own_trouble_is_transient() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(transient(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 409, 413, 501] {
            assert!(
                !transient(StatusCode::from_u16(status).unwrap()),
                "{status}"
            );
        }
    }
}
