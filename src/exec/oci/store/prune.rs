//! Images that nobody used for long are removed, sooner where the disk is nearly full.
//!
//! Nothing that a living process uses is touched: it holds a lock on its image's record, and the store's lock from its
//! look at the layers until then. Layers are moved aside under the store's lock, which takes no time, and deleted
//! after it; a process killed in between leaves them to [`super::layer::tidy`].

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use nix::sys::statvfs::statvfs;

use super::{
    layer::{Places, layer_names, open_lock},
    record::Records,
};

/// File in the store, locked: see [`super`].
pub(super) const LOCK: &str = "lock";
/// File in the store, changed by every prune.
const DONE: &str = "pruned";

const HOUR: Duration = Duration::from_hours(1);
/// Pause between two prunes.
const PAUSE: Duration = HOUR;
/// An image that was not used for this long is removed.
const UNUSED: Duration = Duration::from_hours(24 * 14);
/// On a nearly full disk this suffices; and layers that no image names, left by broken pulls, stay for as long.
const UNUSED_WHEN_FULL: Duration = Duration::from_hours(24);
/// Part of the disk, in percent, whose use makes it nearly full.
const FULL: u64 = 85;

/// Removes what may go, at most once in [`PAUSE`]. What fails is tried again by the next.
pub(super) fn prune(root: &Path, records: &Records, now: SystemTime) {
    if !due(root, now) {
        return;
    }
    let full = || nearly_full(root).unwrap_or(false);
    while let Ok(true) = drop_one(root, records, now, full()) {}
    if let Err(error) = drop_orphans(root, records, now) {
        tracing::debug!(%error, "the image store could not be pruned");
    }
}

fn due(root: &Path, now: SystemTime) -> bool {
    let done = root.join(DONE);
    let last = fs::metadata(&done).and_then(|meta| meta.modified());
    if !root.exists() || last.is_ok_and(|last| !older(last, now, PAUSE)) {
        return false;
    }
    File::create(done)
        .and_then(|file| file.set_modified(now))
        .is_ok()
}

fn older(than: SystemTime, now: SystemTime, age: Duration) -> bool {
    now.duration_since(than).is_ok_and(|passed| passed > age)
}

fn nearly_full(root: &Path) -> io::Result<bool> {
    let stat = statvfs(root)?;
    let (all, free) = (stat.blocks(), stat.blocks_available());
    Ok(all > 0 && (all - free.min(all)) * 100 / all >= FULL)
}

/// Removes the image that was not used for longest, if it was not used for long enough; whether there may be another.
fn drop_one(root: &Path, records: &Records, now: SystemTime, full: bool) -> io::Result<bool> {
    let age = if full { UNUSED_WHEN_FULL } else { UNUSED };
    let aside = {
        let Some(_lock) = alone(root)? else {
            return Ok(false);
        };
        let kept = records.all()?;
        let mut candidates = kept.iter().filter(|it| older(it.last_use, now, age));
        let dropped = loop {
            match candidates.next() {
                None => return Ok(false),
                Some(candidate) if candidate.forget()? => break candidate,
                Some(_) => {}
            }
        };
        records.drop_dangling()?;
        let used = layers(kept.iter().filter(|it| !std::ptr::eq(*it, dropped)));
        let names = dropped.layers.iter().filter(|name| !used.contains(*name));
        set_aside(root, names.map(String::as_str))?
    };
    delete(&aside)?;
    Ok(true)
}

/// Removes layers that no image names, unless they are new.
fn drop_orphans(root: &Path, records: &Records, now: SystemTime) -> io::Result<()> {
    let aside = {
        let Some(_lock) = alone(root)? else {
            return Ok(());
        };
        let kept = records.all()?;
        let used = layers(kept.iter());
        let names = layer_names(root);
        let old = |name: &&str| {
            // The time of its last rename; its own time is the image's.
            let meta = fs::metadata(Places::of(root, name).whole);
            let changed = meta.map_or(0, |meta| u64::try_from(meta.ctime()).unwrap_or(0));
            let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
            older(changed, now, UNUSED_WHEN_FULL)
        };
        let orphans = names.iter().filter(|name| !used.contains(*name));
        set_aside(root, orphans.map(String::as_str).filter(old))?
    };
    delete(&aside)
}

/// The store's lock, if nobody is looking for an image.
fn alone(root: &Path) -> io::Result<Option<File>> {
    let lock = open_lock(&root.join(LOCK))?;
    Ok(lock.try_lock().is_ok().then_some(lock))
}

fn layers<'a>(kept: impl Iterator<Item = &'a super::record::Kept>) -> BTreeSet<&'a String> {
    kept.flat_map(|image| &image.layers).collect()
}

/// A layer under the name of an unfinished one, and the lock that makes it ours.
type Aside = (Places, File);

fn set_aside<'a>(root: &Path, names: impl Iterator<Item = &'a str>) -> io::Result<Vec<Aside>> {
    let mut aside = Vec::new();
    for name in names {
        let places = Places::of(root, name);
        let lock = open_lock(&places.lock)?;
        if places.whole.exists() && lock.try_lock().is_ok() {
            places.clear()?;
            fs::rename(&places.whole, &places.partial)?;
            aside.push((places, lock));
        }
    }
    Ok(aside)
}

fn delete(aside: &[Aside]) -> io::Result<()> {
    aside.iter().try_for_each(|(places, _)| places.clear())
}

#[cfg(test)]
#[path = "prune_tests.rs"]
mod tests;
