//! There and back.

use std::{
    collections::HashSet,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use aqueduct_ports::workspace::Selection;
use flate2::read::MultiGzDecoder;

use super::*;
use crate::quota::Quota;
use crate::select::find;

fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("copy");
    fs::create_dir_all(root.join("out/empty")).unwrap();
    fs::write(root.join("out/a.xml"), "one").unwrap();
    fs::write(root.join("out/b.xml"), "two").unwrap();
    fs::set_permissions(root.join("out/a.xml"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("a.xml", root.join("out/link")).unwrap();
    symlink("/etc/passwd", root.join("out/away")).unwrap();
    dir
}

fn packed(dir: &Path, path: &str, format: Format) -> Result<Packed> {
    let root = dir.join("copy");
    let selection = Selection {
        paths: vec![path.to_owned()],
        ..Selection::default()
    };
    let found = find(&root, &selection, &HashSet::new()).unwrap();
    pack(&root, found, format, &dir.join("packed"))
}

#[test]
fn a_tree_comes_back_with_modes_links_and_times() {
    let dir = tree();
    let packed = packed(dir.path(), "out", Format::Zip).unwrap();
    assert_eq!((packed.selected.entries, packed.selected.bytes), (6, 6));
    let back = dir.path().join("back");
    unpack(&packed.file.unwrap(), &back, Quota::NONE).unwrap();
    assert_eq!(fs::read(back.join("out/b.xml")).unwrap(), b"two");
    let (before, after) = (
        fs::metadata(dir.path().join("copy/out/a.xml")).unwrap(),
        fs::metadata(back.join("out/a.xml")).unwrap(),
    );
    assert_eq!(after.permissions().mode() & 0o777, 0o751);
    let age = before
        .modified()
        .unwrap()
        .duration_since(after.modified().unwrap());
    assert!(age.unwrap().as_secs() < 1);
    let link = fs::read_link(back.join("out/link")).unwrap();
    assert_eq!(link, Path::new("a.xml"));
    assert!(back.join("out/empty").is_dir());
}

#[test]
fn reports_are_members_of_one_gzip_file_or_a_file() {
    let dir = tree();
    let gzip = packed(dir.path(), "out/*.xml", Format::Gzip).unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(File::open(gzip.file.unwrap()).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!((text.as_str(), gzip.selected.entries), ("onetwo", 2));
    let raw = packed(dir.path(), "out/a.xml", Format::Raw).unwrap();
    assert_eq!(raw.name, "out/a.xml");
    assert_eq!(fs::read(raw.file.unwrap()).unwrap(), b"one");
    let error = packed(dir.path(), "out/*.xml", Format::Raw).unwrap_err();
    assert!(error.to_string().contains("match 2"), "{error}");
    let none = packed(dir.path(), "nothing", Format::Gzip).unwrap();
    assert_eq!(none.file, None);
}

#[test]
fn what_leads_out_of_an_archive_or_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evil.zip");
    for name in ["../up", "/abs/../../up", "a/../../up"] {
        let mut zip = ::zip::ZipWriter::new(File::create(&path).unwrap());
        let options = ::zip::write::SimpleFileOptions::default();
        zip.start_file(name, options).unwrap();
        zip.write_all(b"x").unwrap();
        zip.finish().unwrap();
        let into = dir.path().join("into");
        assert!(unpack(&path, &into, Quota::NONE).is_err(), "{name}");
        let _ = fs::remove_dir_all(&into);
    }
    assert!(!dir.path().join("up").exists());
    // A link of the archive is never written through.
    let mut zip = ::zip::ZipWriter::new(File::create(&path).unwrap());
    let options = ::zip::write::SimpleFileOptions::default();
    zip.add_symlink("dir", "..", options).unwrap();
    zip.start_file("dir/up", options).unwrap();
    zip.write_all(b"x").unwrap();
    zip.finish().unwrap();
    assert!(unpack(&path, &dir.path().join("linked"), Quota::NONE).is_err());
    assert!(!dir.path().join("up").exists());
    for bytes in [&b"PK\x03\x04 and then nothing"[..], b""] {
        fs::write(&path, bytes).unwrap();
        let error = unpack(&path, &dir.path().join("torn"), Quota::NONE).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}

#[test]
fn an_archive_that_unpacks_to_more_than_it_may_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.zip");
    let mut zip = ::zip::ZipWriter::new(File::create(&path).unwrap());
    let options = ::zip::write::SimpleFileOptions::default();
    for name in ["one", "two"] {
        zip.start_file(name, options).unwrap();
        for _ in 0..30 {
            zip.write_all(&vec![0; 1_000_000]).unwrap();
        }
    }
    zip.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 200_000, "it is a bomb");
    let exact = Quota {
        bytes: 60_000_000,
        entries: 2,
        reserve: 1,
    };
    let table = [
        (exact, None),
        (
            Quota {
                bytes: 59_999_999,
                ..exact
            },
            Some("larger than 59999999 bytes"),
        ),
        (
            Quota {
                entries: 1,
                ..exact
            },
            Some("more than 1 entries"),
        ),
        (
            Quota {
                reserve: u64::MAX,
                ..exact
            },
            Some("stay free"),
        ),
    ];
    for (number, (quota, expected)) in table.into_iter().enumerate() {
        let into = dir.path().join(number.to_string());
        let refused = unpack(&path, &into, quota)
            .err()
            .map(|error| error.to_string());
        let told = refused
            .as_deref()
            .zip(expected)
            .map(|(told, cause)| told.contains(cause));
        assert_eq!(told, expected.map(|_| true), "{quota:?}: {refused:?}");
        if expected.is_some() {
            let written: u64 = fs::read_dir(&into)
                .unwrap()
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum();
            assert!(written <= quota.bytes);
        }
    }
}
