//! Which images go and which stay.

use aqueduct_core::{
    image::{Digest, Reference},
    platform::{Arch, Platform},
};

use super::{super::record::ImageRecord, *};

struct Store {
    dir: tempfile::TempDir,
    records: Records,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            records: Records::new(dir.path()),
            dir,
        }
    }

    /// An image of these layers, used so many days ago.
    fn image(&self, name: &str, layers: &[&str], days: u32) -> Digest {
        for layer in layers {
            let whole = Places::of(self.dir.path(), layer).whole;
            fs::create_dir_all(whole.join("etc")).unwrap();
        }
        let record = ImageRecord {
            digest: Digest::of(name.as_bytes()),
            config: serde_json::from_str(
                r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
            )
            .unwrap(),
            layers: layers.iter().map(ToString::to_string).collect(),
        };
        let reference: Reference = format!("r.example.com/{name}:1").parse().unwrap();
        let platform = Platform::linux(Arch::Amd64);
        self.records.store(&reference, &platform, &record).unwrap();
        let hold = self.records.hold(&record.digest).unwrap();
        hold.set_modified(SystemTime::now() - HOUR * (24 * days))
            .unwrap();
        record.digest
    }

    fn drop_all(&self, full: bool) {
        let now = SystemTime::now();
        while drop_one(self.dir.path(), &self.records, now, full).unwrap() {}
    }

    fn layers(&self) -> Vec<String> {
        let mut names = layer_names(self.dir.path());
        names.sort();
        names
    }

    fn references(&self) -> usize {
        fs::read_dir(self.dir.path().join("refs")).unwrap().count()
    }
}

#[test]
fn images_go_by_the_time_since_their_last_use_and_shared_layers_stay() {
    let store = Store::new();
    store.image("old", &["base", "old"], 20);
    store.image("older", &["base", "older"], 30);
    store.image("recent", &["base", "recent"], 3);
    store.image("new", &["new"], 0);
    store.drop_all(false);
    assert_eq!(store.layers(), ["base", "new", "recent"]);
    assert_eq!(store.references(), 2);
    store.drop_all(true);
    assert_eq!(store.layers(), ["new"]);
    assert_eq!(store.references(), 1);
}

#[test]
fn what_somebody_uses_or_looks_for_stays() {
    let store = Store::new();
    let digest = store.image("old", &["old"], 20);
    let hold = store.records.hold(&digest).unwrap();
    hold.set_modified(SystemTime::now() - 20 * 24 * HOUR)
        .unwrap();
    store.drop_all(true);
    assert_eq!(store.layers(), ["old"]);
    drop(hold);
    let looking = open_lock(&store.dir.path().join(LOCK)).unwrap();
    looking.lock_shared().unwrap();
    store.drop_all(true);
    assert_eq!(store.layers(), ["old"]);
    drop(looking);
    store.drop_all(true);
    assert!(store.layers().is_empty());
}

#[test]
fn layers_of_broken_pulls_stay_for_a_day() {
    let store = Store::new();
    store.image("new", &["new"], 0);
    fs::create_dir_all(Places::of(store.dir.path(), "orphan").whole).unwrap();
    let root = store.dir.path();
    let now = SystemTime::now();
    drop_orphans(root, &store.records, now).unwrap();
    assert_eq!(store.layers(), ["new", "orphan"]);
    drop_orphans(root, &store.records, now + 2 * UNUSED_WHEN_FULL).unwrap();
    assert_eq!(store.layers(), ["new"]);
}

#[test]
fn it_is_done_once_an_hour() {
    let store = Store::new();
    let (root, now) = (store.dir.path(), SystemTime::now());
    assert!(due(root, now));
    assert!(!due(root, now + HOUR / 2));
    assert!(due(root, now + 2 * HOUR));
    assert!(!due(&root.join("absent"), now));
}
