use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
};

use super::*;

/// A tar made entry by entry, names not checked.
struct Layer(tar::Builder<Vec<u8>>);

impl Layer {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn add(mut self, kind: tar::EntryType, name: &str, link: &str, content: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o750);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(1_000_000);
        header.set_size(content.len() as u64);
        // The crate's own setters refuse what these tests are about.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, content.as_bytes()).unwrap();
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.add(tar::EntryType::Regular, name, "", content)
    }

    fn dir(self, name: &str) -> Self {
        self.add(tar::EntryType::Directory, name, "", "")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.add(tar::EntryType::Symlink, name, target, "")
    }

    fn link(self, name: &str, target: &str) -> Self {
        self.add(tar::EntryType::Link, name, target, "")
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    fn unpack(self) -> (tempfile::TempDir, Result<(), UnpackError>) {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("in/layer");
        fs::create_dir_all(&target).unwrap();
        let result = unpack_tar(self.bytes().as_slice(), &target);
        (dir, result)
    }

    fn refusal(self) -> String {
        let (dir, result) = self.unpack();
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["in"], "it wrote outside of the layer");
        result.unwrap_err().to_string()
    }
}

#[test]
fn nothing_leads_out_of_the_layer() {
    let table = [
        Layer::new().file("../evil", "x"),
        Layer::new().file("a/../../evil", "x"),
        Layer::new().link("evil", "../../../etc/passwd"),
        Layer::new()
            .symlink("one", "two")
            .symlink("two", "one")
            .file("one/x", "x"),
        Layer::new().link("evil", "absent/file"),
        Layer::new()
            .symlink("up", "../..")
            .link("evil", "up/passwd"),
        Layer::new().file(".wh.", ""),
        Layer::new().file(".wh...", ""),
    ];
    for layer in table {
        let text = layer.refusal();
        assert!(text.contains("is refused: it"), "{text}");
    }
}

#[test]
fn links_mean_within_the_layer_what_they_mean_in_the_container() {
    let table = [
        (Layer::new().symlink("etc", "../../.."), "etc/x", "x"),
        (
            Layer::new().symlink("abs", "/usr/bin"),
            "abs/x",
            "usr/bin/x",
        ),
        (
            Layer::new().dir("run").symlink("var/run", "/run"),
            "var/run/x",
            "run/x",
        ),
        (
            Layer::new().dir("a").symlink("a/up", "../../../b"),
            "a/up/c/x",
            "b/c/x",
        ),
        (
            Layer::new()
                .symlink("one", "two")
                .symlink("two", "three/four"),
            "one/x",
            "three/four/x",
        ),
        (Layer::new().symlink("up", "../.."), "up/.wh.x", "x"),
    ];
    for (layer, entry, made) in table {
        let (dir, result) = layer.file(entry, "content").unpack();
        result.unwrap();
        let found = fs::symlink_metadata(dir.path().join("in/layer").join(made));
        assert!(found.is_ok(), "{entry} is not at {made}");
        let outside = fs::read_dir(dir.path().join("in")).unwrap().count();
        assert_eq!((outside, fs::read_dir(dir.path()).unwrap().count()), (1, 1));
    }
}

#[test]
fn a_whiteout_hides_lower_layers_and_nothing_of_its_own() {
    let (dir, result) = Layer::new()
        .dir("before")
        .file("before/x", "x")
        .file(".wh.before", "")
        .file(".wh.after", "")
        .dir("after")
        .file("file", "x")
        .file(".wh.file", "")
        .unpack();
    result.unwrap();
    let at = |name: &str| dir.path().join("in/layer").join(name);
    assert!(at("before/x").exists() && at("file").is_file());
    for name in ["before", "after"] {
        let opaque = xattr::get(at(name), "trusted.overlay.opaque").unwrap();
        assert_eq!(opaque.as_deref(), Some(b"y".as_slice()), "{name}");
    }
}

#[test]
fn a_file_with_holes_that_would_be_misread_is_refused() {
    let mut builder = Layer::new().0;
    builder
        .append_pax_extensions([("GNU.sparse.major", b"1".as_slice())])
        .unwrap();
    let text = Layer(builder).file("holes", "1\n0\n").refusal();
    assert!(text.contains("`holes` is refused: sparse"), "{text}");
}

#[test]
fn absolute_names_mean_the_layers_root() {
    let (dir, result) = Layer::new().file("/etc/./passwd", "x").unpack();
    result.unwrap();
    let file = dir.path().join("in/layer/etc/passwd");
    assert_eq!(fs::read_to_string(file).unwrap(), "x");
}

#[test]
fn a_link_in_place_of_a_file_is_not_written_through() {
    let (dir, result) = Layer::new()
        .symlink("file", "/etc/aqueduct-test-evil")
        .file("file", "x")
        .unpack();
    result.unwrap();
    let meta = fs::symlink_metadata(dir.path().join("in/layer/file")).unwrap();
    assert!(meta.is_file());
}

/// Needs root, as the container executor does.
#[test]
fn everything_a_layer_can_hold_arrives() {
    let mut builder = Layer::new()
        .dir("d")
        .file("d/.wh..wh..opq", "")
        .file("d/file", "content")
        .link("d/second", "d/file")
        .symlink("d/link", "/anywhere/../else")
        .file("gone/.wh.old", "")
        .add(tar::EntryType::Fifo, "pipe", "", "")
        .add(tar::EntryType::Regular, "replaced", "", "a file")
        .dir("replaced")
        .0;
    builder
        .append_pax_extensions([
            ("SCHILY.xattr.user.note", b"hello".as_slice()),
            ("SCHILY.xattr.trusted.overlay.redirect", b"/etc".as_slice()),
        ])
        .unwrap();
    let (dir, result) = Layer(builder).file("noted", "x").unpack();
    result.unwrap();
    let at = |name: &str| dir.path().join("in/layer").join(name);
    let file = fs::metadata(at("d/file")).unwrap();
    assert_eq!(
        (file.uid(), file.gid(), file.permissions().mode() & 0o7777),
        (7, 8, 0o750)
    );
    assert_eq!(file.mtime(), 1_000_000);
    assert_eq!(file.ino(), fs::metadata(at("d/second")).unwrap().ino());
    assert_eq!(fs::metadata(at("d")).unwrap().mtime(), 1_000_000);
    let link = fs::read_link(at("d/link")).unwrap();
    assert_eq!(link, Path::new("/anywhere/../else"));
    let opaque = xattr::get(at("d"), "trusted.overlay.opaque").unwrap();
    assert_eq!(opaque.as_deref(), Some(b"y".as_slice()));
    let whiteout = fs::symlink_metadata(at("gone/old")).unwrap();
    assert!(whiteout.file_type().is_char_device());
    assert_eq!(whiteout.rdev(), 0);
    assert!(fs::metadata(at("pipe")).unwrap().file_type().is_fifo());
    assert!(fs::metadata(at("replaced")).unwrap().is_dir());
    let note = xattr::get(at("noted"), "user.note").unwrap();
    assert_eq!(note.as_deref(), Some(b"hello".as_slice()));
    assert_eq!(
        xattr::get(at("noted"), "trusted.overlay.redirect").unwrap(),
        None
    );
}

#[test]
fn all_three_compressions_are_read_and_the_digest_is_checked() {
    use io::Write;
    let plain = Layer::new().file("file", "content").bytes();
    let digest = Digest::of(&plain);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    for bytes in [plain.clone(), gzip.finish().unwrap(), zstd] {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("archive");
        fs::write(&archive, bytes).unwrap();
        let target = dir.path().join("layer");
        fs::create_dir(&target).unwrap();
        let go = AtomicBool::new(false);
        unpack(&archive, &target, &digest, &go).unwrap();
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "content");
        let other = unpack(&archive, &target, &Digest::of(b"other"), &go);
        assert!(matches!(other, Err(UnpackError::Corrupt { .. })));
    }
}

#[test]
fn a_layer_cut_short_is_an_error() {
    let bytes = Layer::new().file("file", &"x".repeat(4096)).bytes();
    let dir = tempfile::tempdir().unwrap();
    let result = unpack_tar(&bytes[..2000], dir.path());
    assert!(matches!(
        result,
        Err(UnpackError::Archive(_) | UnpackError::Write { .. })
    ));
}
