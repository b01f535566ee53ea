//! Caches: restored before the script, saved after it. Nothing here fails a job.

use aqueduct_core::plan::{Cache, CacheKey, CachePolicy};
use aqueduct_ports::workspace::{Selection, WorkingCopy};

use super::{Job, artifacts::tell, scope::Scope};

/// GitLab's key where none is given or none of its files exists.
const DEFAULT_KEY: &str = "default";

/// Unpacks each cache that the job pulls.
pub(super) async fn restore(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope) {
    let caches = wanted(job, scope, |pull, _| pull);
    if caches.is_empty() {
        return;
    }
    job.trace.section_start("restore_cache", "Restoring cache");
    for cache in caches {
        let mut keys = vec![key(job, copy, scope, &cache.key).await];
        keys.extend(cache.fallback_keys.iter().map(|key| scope.expand(key)));
        keys.extend(scope.get("CACHE_FALLBACK_KEY").map(str::to_owned));
        keys.retain(|key| !key.is_empty());
        job.trace
            .line(&format!("Checking cache for {}...", keys.join(", ")));
        match job.config.cache.restore(copy, &keys).await {
            Ok(Some(key)) => job
                .trace
                .line(&format!("Successfully extracted cache {key}")),
            Ok(None) => job.trace.line("No cache is stored under this key yet"),
            Err(error) => job
                .trace
                .warning(&format!("cache.error: {error}; the job goes on without it")),
        }
        if job.check().is_err() {
            break;
        }
    }
    job.trace.section_end("restore_cache");
}

/// Stores each cache that the job pushes.
pub(super) async fn save(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope, success: bool) {
    let mut caches = wanted(job, scope, |_, push| push);
    caches.retain(|cache| cache.when.applies(success));
    if caches.is_empty() {
        return;
    }
    let (section, header) = if success {
        ("archive_cache", "Saving cache for successful job")
    } else {
        ("archive_cache_on_failure", "Saving cache for failed job")
    };
    job.trace.section_start(section, header);
    for cache in caches {
        let key = key(job, copy, scope, &cache.key).await;
        let selection = Selection {
            paths: scope.expand_paths(&cache.paths),
            exclude: Vec::new(),
            untracked: cache.untracked,
        };
        job.trace.line(&format!("Creating cache {key}..."));
        match job.config.cache.save(copy, &key, &selection).await {
            Ok(selected) => {
                tell(job, &selected, scope);
                let done = if selected.entries == 0 {
                    "No files to cache"
                } else {
                    "Created cache"
                };
                job.trace.line(done);
            }
            Err(error) => job
                .trace
                .warning(&format!("cache.error: {error}; the cache isn't stored")),
        }
    }
    job.trace.section_end(section);
}

/// The caches whose policy is wanted; told (pull, push).
fn wanted<'a>(job: &Job<'a>, scope: &Scope, want: impl Fn(bool, bool) -> bool) -> Vec<&'a Cache> {
    let is_wanted = |cache: &&Cache| {
        let expanded = match &cache.policy {
            CachePolicy::Variable(text) => named(&scope.expand(text)),
            policy => Some(policy.clone()),
        };
        match expanded {
            Some(CachePolicy::PullPush) => want(true, true),
            Some(CachePolicy::Pull) => want(true, false),
            Some(CachePolicy::Push) => want(false, true),
            Some(CachePolicy::Variable(_)) | None => {
                job.trace.warning(
                    "cache.error: the cache's policy is none of pull-push, pull and push; the job goes on without it",
                );
                false
            }
        }
    };
    job.assignment.job.cache.iter().filter(is_wanted).collect()
}

fn named(policy: &str) -> Option<CachePolicy> {
    match policy.trim() {
        "pull-push" => Some(CachePolicy::PullPush),
        "pull" => Some(CachePolicy::Pull),
        "push" => Some(CachePolicy::Push),
        _ => None,
    }
}

async fn key(job: &Job<'_>, copy: &WorkingCopy, scope: &Scope, key: &CacheKey) -> String {
    let key = match key {
        CacheKey::Text(text) => scope.expand(text),
        CacheKey::Files {
            files,
            prefix,
            commits,
        } => {
            let files = scope.expand_paths(files);
            let hash = match job.config.cache.hash_files(copy, &files, *commits).await {
                Ok(hash) => hash,
                Err(error) => {
                    job.trace.warning(&format!("cache.error: {error}"));
                    None
                }
            };
            let hash = hash.as_deref().unwrap_or(DEFAULT_KEY);
            match prefix.as_deref().map(|text| scope.expand(text)) {
                Some(prefix) if !prefix.is_empty() => format!("{prefix}-{hash}"),
                _ => hash.to_owned(),
            }
        }
    };
    if key.trim().is_empty() {
        DEFAULT_KEY.to_owned()
    } else {
        key
    }
}
