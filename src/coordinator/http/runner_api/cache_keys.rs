//! Cache keys that are hashes over files, for runners that only know texts (runner-protocol 3.5).

use aqueduct_core::plan::{CacheKey, PlanJob};
use aqueduct_ports::store::PipelineRow;
use sha2::{Digest as _, Sha256};

use crate::App;

/// GitLab's hash where none of the files exists.
const NONE: &str = "default";
/// Longest file whose bytes count; of a longer one its length alone does.
const LIMIT: usize = 16 << 20;
/// Bytes of the hash that are shown: as many as a commit's id has.
const SHOWN: usize = 20;

/// Puts texts in their place, by the files as they are in the pipeline's commit.
pub(super) async fn resolve(app: &App, pipeline: &PipelineRow, job: &mut PlanJob) {
    for cache in &mut job.cache {
        let CacheKey::Files { files, prefix, .. } = &cache.key else {
            continue;
        };
        let hash = hash(app, pipeline, files).await;
        let hash = hash.as_deref().unwrap_or(NONE);
        cache.key = CacheKey::Text(match prefix.as_deref() {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}-{hash}"),
            _ => hash.to_owned(),
        });
    }
}

/// The hash over those of the files that exist. A commit that can't be read has none: a cache is a help, and its lack fails no job.
async fn hash(app: &App, pipeline: &PipelineRow, files: &[String]) -> Option<String> {
    let PipelineRow { project, sha, .. } = pipeline;
    let read = app.ports.mirrors.read(*project, sha, files, LIMIT).await;
    let contents = read
        .inspect_err(
            |error| tracing::warn!(pipeline = %pipeline.id, %error, "no hash for a cache's key"),
        )
        .ok()?;
    let mut hash = Sha256::new();
    let mut some = false;
    for (path, content) in files.iter().zip(contents) {
        let Some(content) = content else { continue };
        some = true;
        // Lengths keep one file's end from being another's beginning.
        for part in [path.as_bytes(), &content] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    some.then(|| {
        use std::fmt::Write as _;
        digest[..SHOWN]
            .iter()
            .fold(String::new(), |mut text, byte| {
                // Writing to a String can't fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
    })
}
