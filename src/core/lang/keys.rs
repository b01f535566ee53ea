//! The keys at the top of a pipeline file, and those of `default`.

use crate::yaml::Node;

/// Keys that say something about the whole pipeline; every other key is a job or a hidden one.
pub(super) const GLOBAL: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "variables",
    "workflow",
];

/// Keys of `default`, in the order in which a job lists what it inherited.
pub(super) const DEFAULTS: &[&str] = &[
    "image",
    "services",
    "before_script",
    "after_script",
    "hooks",
    "tags",
    "cache",
    "artifacts",
    "retry",
    "timeout",
    "interruptible",
    "id_tokens",
    "identity",
];

/// Those of them that may also stand at the top of the file, the older way.
pub(super) const TOP_DEFAULTS: &[&str] = &[
    "after_script",
    "before_script",
    "cache",
    "image",
    "services",
];

/// Whether a key is one of the pipeline's own. `image` with `index` below it can only be a job of that name.
pub(super) fn is_global(key: &str, value: &Node) -> bool {
    GLOBAL.binary_search(&key).is_ok() && !(key == "image" && value.get("index").is_some())
}

/// Whether a key is a job that can run, and not hidden or the pipeline's own.
pub(super) fn is_visible_job(key: &str, value: &Node) -> bool {
    !key.starts_with('.') && !is_global(key, value)
}
