//! Registries that show what was just pushed only a moment later.

use std::time::Duration;

use aqueduct_registry::RegistryError;
use tokio::time::sleep;

/// Pauses before asking again: a little under four seconds in all.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Makes a call about what was pushed by digest a moment ago, again while the registry says that it isn't there. Only
/// for digests: nobody writes those by hand, so what is missing is late rather than misspelt.
pub(super) async fn once_there<T, F>(mut call: impl FnMut() -> F) -> Result<T, RegistryError>
where
    F: Future<Output = Result<T, RegistryError>>,
{
    for pause in PAUSES {
        match call().await {
            Err(RegistryError::NotFound { .. } | RegistryError::Incomplete { .. }) => {
                sleep(pause).await;
            }
            other => return other,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> RegistryError {
        RegistryError::NotFound {
            what: "r/app@sha256:x".into(),
            message: String::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_late_is_waited_for_and_what_never_comes_is_not() {
        let mut asked = 0;
        let late = once_there(|| {
            asked += 1;
            let answer = if asked < 4 { Err(missing()) } else { Ok(asked) };
            async move { answer }
        });
        assert_eq!(late.await.unwrap(), 4);
        let start = tokio::time::Instant::now();
        let never = once_there(|| async { Err::<(), _>(missing()) }).await;
        assert!(matches!(never, Err(RegistryError::NotFound { .. })));
        assert_eq!(start.elapsed(), PAUSES.iter().sum());
    }
}
