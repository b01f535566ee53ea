//! Both versions' paths and files. The development machine has v1, so v2 is read from files as the kernel's
//! documentation (cgroup-v2) shows them.

use super::*;

const V2: &str = "24 1 0:22 / /sys rw - sysfs sysfs rw\n\
    35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
const HYBRID: &str = "24 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
    25 24 0:23 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory\n\
    26 24 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
    27 24 0:25 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n\
    28 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

#[test]
fn hierarchies_are_found_in_mountinfo() {
    let points = |text: &'static str| -> Vec<_> {
        hierarchies(text)
            .map(|(kind, point)| format!("{kind} {}", point.display()))
            .collect()
    };
    assert_eq!(points(V2), ["cgroup2 /sys/fs/cgroup"]);
    assert_eq!(
        points(HYBRID),
        [
            "cgroup /sys/fs/cgroup/memory",
            "cgroup /sys/fs/cgroup/cpu,cpuacct",
            "cgroup /sys/fs/cgroup/devices",
            "cgroup2 /sys/fs/cgroup/unified"
        ]
    );
}

#[test]
fn a_container_sees_its_own_limits_and_nothing_by_which_to_lift_them() {
    let views = |text| -> Vec<_> {
        views_in(text, "x")
            .into_iter()
            .map(|view| format!("{} -> {}", view.source.display(), view.target.display()))
            .collect()
    };
    assert_eq!(views(V2), ["/sys/fs/cgroup/x -> /sys/fs/cgroup"]);
    assert_eq!(
        views(HYBRID),
        [
            "/sys/fs/cgroup/memory/x -> /sys/fs/cgroup/memory",
            "/sys/fs/cgroup/cpu,cpuacct/x -> /sys/fs/cgroup/cpu",
            "/sys/fs/cgroup/cpu,cpuacct/x -> /sys/fs/cgroup/cpuacct"
        ]
    );
    assert!(views("").is_empty());
}

/// A cgroup of these files.
fn cgroup(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[test]
fn memory_is_read_in_both_versions() {
    let events = "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n";
    let calm = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n";
    let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
    let table: [(&[(&str, &str)], _, _); 6] = [
        (
            &[("memory.peak", "1048576\n"), ("memory.events", events)],
            Some(1_048_576),
            true,
        ),
        (
            &[("memory.peak", "4096\n"), ("memory.events", calm)],
            Some(4096),
            false,
        ),
        // Kernels before 5.19 have no memory.peak.
        (
            &[("memory.current", "4096\n"), ("memory.events", events)],
            None,
            true,
        ),
        (
            &[
                ("memory.max_usage_in_bytes", "8192\n"),
                ("memory.oom_control", control),
            ],
            Some(8192),
            true,
        ),
        (&[("memory.peak", "garbage")], None, false),
        (&[], None, false),
    ];
    for (files, peak, out_of_memory) in table {
        let dir = cgroup(files);
        let expected = Memory {
            peak,
            out_of_memory,
        };
        // Other hierarchies of the same name have no such files.
        let directories = [cgroup(&[]).keep(), dir.path().to_owned()];
        assert_eq!(memory(&directories), expected, "{files:?}");
        fs::remove_dir(&directories[0]).unwrap();
    }
}

#[test]
fn kills_are_counted_in_both_versions() {
    assert!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"));
    assert!(!killed("low 0\noom 3\noom_kill 0\noom_group_kill 0\n"));
}

#[test]
fn a_cgroup_that_is_gone_counts_as_removed_and_one_that_stays_busy_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    assert_eq!(remove_directory(&gone).unwrap(), 0);
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(remove_directory(&empty).unwrap(), 0);
    assert!(!empty.exists());
    // Outside of a cgroup file system a directory with files can't be removed; zero is no process.
    let busy = dir.path().join("busy");
    fs::create_dir(&busy).unwrap();
    fs::write(busy.join("cgroup.procs"), "0\nnone\n").unwrap();
    assert!(remove_directory(&busy).is_err());
}
