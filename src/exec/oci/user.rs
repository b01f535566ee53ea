//! The user of a container, by the image's own user database.

use std::{fs::File, io::Read, path::Path};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::protocol::Failure;

/// No user database is larger.
const LIMIT: u64 = 4 << 20;

/// A user as the kernel knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Supplementary groups.
    pub(super) groups: Vec<u32>,
    /// Home directory, `/` where the database has none.
    pub(super) home: String,
}

/// Finds `text` (`name`, `uid`, either with `:group`; empty is root) in the user database under `root`.
pub(super) fn find(root: &Path, text: &str) -> Result<User, Failure> {
    resolve(text, &read(root, "etc/passwd"), &read(root, "etc/group"))
        .map_err(|cause| Failure::config(format!("{cause}, which the job is to run as")))
}

/// Reads a file as the container would see it: links lead nowhere outside of `root`.
fn read(root: &Path, name: &str) -> String {
    let mut text = String::new();
    let open = |root: &Path| -> rustix::io::Result<File> {
        let root = rustix::fs::openat(CWD, root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        Ok(openat2(root, name, flags, Mode::empty(), ResolveFlags::IN_ROOT)?.into())
    };
    if let Ok(file) = open(root) {
        // Without text it counts as empty.
        let _ = file.take(LIMIT).read_to_string(&mut text);
    }
    text
}

fn resolve(text: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (name, group_name) = match text.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (text, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let entry = rows(passwd)
        .find(|row| row.first() == Some(&name))
        .or_else(|| rows(passwd).find(|row| row.get(2) == Some(&name)));
    let number = |row: &[&str], at: usize| row.get(at).and_then(|text| text.parse::<u32>().ok());
    let uid = match &entry {
        Some(row) => number(row, 2),
        None => name.parse().ok(),
    }
    .ok_or_else(|| format!("the image has no user `{name}`"))?;
    let gid = match group_name {
        Some(wanted) => {
            group_id(wanted, group).ok_or_else(|| format!("the image has no group `{wanted}`"))?
        }
        None => entry.as_ref().and_then(|row| number(row, 3)).unwrap_or(0),
    };
    let login = entry.as_ref().and_then(|row| row.first().copied());
    Ok(User {
        uid,
        gid,
        groups: if group_name.is_some() {
            Vec::new()
        } else {
            login.map_or_else(Vec::new, |login| memberships(login, group))
        },
        home: entry
            .as_ref()
            .and_then(|row| row.get(5))
            .filter(|home| !home.is_empty())
            .map_or_else(|| "/".to_owned(), |home| (*home).to_owned()),
    })
}

fn group_id(wanted: &str, group: &str) -> Option<u32> {
    rows(group)
        .find(|row| row.first() == Some(&wanted))
        .and_then(|row| row.get(2)?.parse().ok())
        .or_else(|| wanted.parse().ok())
}

fn memberships(login: &str, group: &str) -> Vec<u32> {
    rows(group)
        .filter(|row| {
            row.get(3)
                .is_some_and(|members| members.split(',').any(|member| member == login))
        })
        .filter_map(|row| row.get(2)?.parse().ok())
        .collect()
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nci:x:1000:100::/home/ci:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\nwheel:x:10:root,ci\n";

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let user = |uid, gid, groups: &[u32], home: &str| {
            Ok(User {
                uid,
                gid,
                groups: groups.to_vec(),
                home: home.into(),
            })
        };
        let table = [
            ("", user(0, 0, &[10], "/root")),
            ("root", user(0, 0, &[10], "/root")),
            ("ci", user(1000, 100, &[10], "/home/ci")),
            ("1000", user(1000, 100, &[10], "/home/ci")),
            ("4242", user(4242, 0, &[], "/")),
            ("ci:wheel", user(1000, 10, &[], "/home/ci")),
            ("4242:7", user(4242, 7, &[], "/")),
            ("nobody", Err("the image has no user `nobody`".into())),
            ("ci:nogroup", Err("the image has no group `nogroup`".into())),
        ];
        for (text, expected) in table {
            assert_eq!(resolve(text, PASSWD, GROUP), expected, "{text}");
        }
        assert_eq!(resolve("", "", ""), user(0, 0, &[], "/"));
    }
}
