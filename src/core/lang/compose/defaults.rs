//! `default`, its older form at the top of the file, and `inherit:default`.
//!
//! A job's own key replaces the default as a whole; a null counts as not said.

use std::sync::Arc;

use crate::{
    lang::keys,
    yaml::{Entry, Mapping, Node},
};

/// Fills in what jobs leave open.
pub(super) fn apply(root: &mut Mapping) {
    let defaults = gather(root);
    if defaults.is_empty() {
        return;
    }
    let names: Vec<Arc<str>> = root
        .iter()
        .filter(|(name, entry)| keys::is_visible_job(name, &entry.value))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for name in names {
        if let Some(job) = root
            .entry_mut(&name)
            .and_then(|entry| entry.value.as_mapping_mut())
        {
            fill(job, &defaults);
        }
    }
}

/// What `default` and the top of the file say together, in the order of [`keys::DEFAULTS`]. Where both speak,
/// which is an error that the keywords' checks tell, the one in `default` counts.
fn gather(root: &Mapping) -> Vec<(Arc<str>, Entry)> {
    let own = root.get("default").and_then(Node::as_mapping);
    let said = |place: Option<&Mapping>, key: &str| {
        let (name, entry) = place?.full_entry(key)?;
        (!entry.value.is_null()).then(|| (Arc::clone(name), entry.clone()))
    };
    keys::DEFAULTS
        .iter()
        .filter_map(|key| {
            said(own, key).or_else(|| {
                said(Some(root), key).filter(|(_, entry)| {
                    keys::TOP_DEFAULTS.contains(key) && keys::is_global(key, &entry.value)
                })
            })
        })
        .collect()
}

fn fill(job: &mut Mapping, defaults: &[(Arc<str>, Entry)]) {
    let wanted: Vec<&(Arc<str>, Entry)> = {
        let inherit = job
            .get("inherit")
            .and_then(|inherit| inherit.get("default"));
        defaults
            .iter()
            .filter(|(key, _)| applies(job, key) && inherits(inherit, key))
            .filter(|(key, _)| job.get(key).is_none_or(Node::is_null))
            .collect()
    };
    for (key, entry) in wanted {
        job.insert(Arc::clone(key), entry.clone());
    }
}

/// Jobs without a script take only the defaults that mean something to them.
fn applies(job: &Mapping, key: &str) -> bool {
    let has = |keyword: &str| job.get(keyword).is_some_and(|value| !value.is_null());
    if has("script") || has("run") {
        true
    } else if has("trigger") {
        key == "interruptible"
    } else if has("index")
        || job
            .get("publish")
            .is_some_and(|to| to.as_mapping().is_some())
    {
        matches!(key, "retry" | "timeout" | "interruptible")
    } else {
        true
    }
}

fn inherits(inherit: Option<&Node>, key: &str) -> bool {
    match inherit {
        None => true,
        Some(inherit) => match (inherit.as_bool(), inherit.as_sequence()) {
            (Some(all), _) => all,
            (None, Some(keys)) => keys.iter().any(|item| item.as_str() == Some(key)),
            (None, None) => true,
        },
    }
}
