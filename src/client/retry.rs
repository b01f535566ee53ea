//! What is tried again within one call: the server's own trouble, and lost connections (runner-protocol 1).

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::{StatusCode, header};

/// Tries in all; whoever calls goes on trying where the call matters.
const TRIES: usize = 5;
/// First pause.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause of our own.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause that a server may ask for.
const LONGEST_WISH: Duration = Duration::from_mins(2);

/// The pauses between tries: exponential with jitter.
pub(crate) struct Pauses(backon::ExponentialBackoff);

impl Pauses {
    pub(crate) fn new() -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(MIN_PAUSE)
            .with_max_delay(MAX_PAUSE)
            .with_max_times(TRIES - 1)
            .with_jitter();
        Self(builder.build())
    }

    /// Sleeps before the next try; false when there is none left. The server's wish wins.
    pub(crate) async fn wait(&mut self, wish: Option<Duration>) -> bool {
        let Some(own) = self.0.next() else {
            return false;
        };
        tokio::time::sleep(wish.unwrap_or(own).min(LONGEST_WISH)).await;
        true
    }
}

/// Whether a status is the server's trouble and not an answer.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502..=504 | 512..)
}

/// `Retry-After` in seconds.
pub(crate) fn wish(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_trouble_is_transient() {
        for status in [408, 429, 500, 502, 503, 504, 520] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(is_transient(status), "{status}");
        }
        for status in [200, 307, 400, 401, 403, 404, 409, 412, 416, 422, 501, 505] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(!is_transient(status), "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn five_tries_and_the_servers_wish_wins() {
        let mut pauses = Pauses::new();
        let begun = tokio::time::Instant::now();
        assert!(pauses.wait(Some(Duration::from_secs(7))).await);
        assert_eq!(begun.elapsed(), Duration::from_secs(7));
        for _ in 0..3 {
            assert!(pauses.wait(None).await);
        }
        assert!(!pauses.wait(None).await);
    }
}
