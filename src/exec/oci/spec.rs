//! The runtime specification of a container: Docker's defaults, on the host's network.

use std::path::{Path, PathBuf};

use oci_spec::{
    OciSpecError,
    runtime::{
        Capability, LinuxBuilder, LinuxCapabilitiesBuilder, LinuxDeviceCgroupBuilder,
        LinuxMemoryBuilder, LinuxNamespaceBuilder, LinuxNamespaceType, LinuxResources,
        LinuxResourcesBuilder, Mount, MountBuilder, Process, ProcessBuilder, RootBuilder, Spec,
        SpecBuilder, UserBuilder,
    },
};

use super::{cgroup, protocol::Order, user::User};

/// Docker's default capabilities.
const CAPABILITIES: [Capability; 14] = [
    Capability::AuditWrite,
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Mknod,
    Capability::NetBindService,
    Capability::NetRaw,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// Docker's, hidden from the container.
const MASKED: [&str; 11] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
];

/// Docker's, not to be written by the container.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// File systems of every container: target, type, source, options.
const FILE_SYSTEMS: [(&str, &str, &str, &[&str]); 6] = [
    ("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
    (
        "/dev",
        "tmpfs",
        "tmpfs",
        &["nosuid", "strictatime", "mode=755", "size=65536k"],
    ),
    (
        "/dev/pts",
        "devpts",
        "devpts",
        &[
            "nosuid",
            "noexec",
            "newinstance",
            "ptmxmode=0666",
            "mode=0620",
            "gid=5",
        ],
    ),
    (
        "/dev/shm",
        "tmpfs",
        "shm",
        &["nosuid", "noexec", "nodev", "mode=1777", "size=512m"],
    ),
    (
        "/dev/mqueue",
        "mqueue",
        "mqueue",
        &["nosuid", "noexec", "nodev"],
    ),
    (
        "/sys",
        "sysfs",
        "sysfs",
        &["nosuid", "noexec", "nodev", "ro"],
    ),
];

/// The specification for `order` with its root file system mounted at `root`.
pub(super) fn build(order: &Order, root: &Path, user: &User) -> Result<Spec, OciSpecError> {
    let linux = LinuxBuilder::default()
        .namespaces(
            [
                LinuxNamespaceType::Pid,
                LinuxNamespaceType::Mount,
                LinuxNamespaceType::Ipc,
                LinuxNamespaceType::Uts,
            ]
            .into_iter()
            .map(|kind| LinuxNamespaceBuilder::default().typ(kind).build())
            .collect::<Result<Vec<_>, _>>()?,
        )
        .cgroups_path(PathBuf::from("/").join(&order.id))
        .resources(resources(order.memory_limit)?)
        .masked_paths(MASKED.map(String::from).to_vec())
        .readonly_paths(READ_ONLY.map(String::from).to_vec())
        .build()?;
    SpecBuilder::default()
        .version("1.0.2")
        .hostname(hostname())
        .root(RootBuilder::default().path(root).readonly(false).build()?)
        .mounts(mounts(order)?)
        .process(process(order, user)?)
        .linux(linux)
        .build()
}

/// The machine's own name, as always on the host's network: the machine's `hosts`, which the container gets, knows it.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

fn process(order: &Order, user: &User) -> Result<Process, OciSpecError> {
    // Only where a cgroup keeps devices from being opened may they be made: libcontainer's v2 support, as built here,
    // has no device filter.
    let bounding = CAPABILITIES
        .into_iter()
        .filter(|one| *one != Capability::Mknod || !cgroup::is_unified())
        .collect::<std::collections::HashSet<_>>();
    let effective = if user.uid == 0 {
        bounding.clone()
    } else {
        std::collections::HashSet::new()
    };
    ProcessBuilder::default()
        .terminal(false)
        .user(
            UserBuilder::default()
                .uid(user.uid)
                .gid(user.gid)
                .additional_gids(user.groups.clone())
                .umask(0o022_u32)
                .build()?,
        )
        .args(vec![order.script.display().to_string()])
        // The environment goes around the specification: it would be written to disk with it.
        .env(Vec::<String>::new())
        .cwd(&order.cwd)
        .no_new_privileges(true)
        .capabilities(
            LinuxCapabilitiesBuilder::default()
                .bounding(bounding)
                .effective(effective.clone())
                .permitted(effective)
                .inheritable(std::collections::HashSet::new())
                .ambient(std::collections::HashSet::new())
                .build()?,
        )
        .build()
}

fn resources(memory_limit: Option<u64>) -> Result<LinuxResources, OciSpecError> {
    let nothing = LinuxDeviceCgroupBuilder::default()
        .allow(false)
        .access("rwm")
        .build()?;
    let builder = LinuxResourcesBuilder::default().devices(vec![nothing]);
    match memory_limit.and_then(|limit| i64::try_from(limit).ok()) {
        // Equal limits mean no swap.
        Some(limit) => builder.memory(
            LinuxMemoryBuilder::default()
                .limit(limit)
                .swap(limit)
                .build()?,
        ),
        None => builder,
    }
    .build()
}

fn mounts(order: &Order) -> Result<Vec<Mount>, OciSpecError> {
    let file_systems = FILE_SYSTEMS
        .iter()
        .map(|(target, kind, source, options)| mount(target, kind, source, options));
    let binds = order.binds.iter().map(|bind| {
        MountBuilder::default()
            .destination(&bind.target)
            .typ("bind")
            .source(&bind.source)
            .options(vec!["rbind".to_owned(), "rprivate".to_owned()])
            .build()
    });
    file_systems.chain(limits(&order.id)).chain(binds).collect()
}

/// The container's own cgroups, by which programs find their limits. Read-only: who can write there lifts them, and
/// that of devices too. libcontainer's mounts of type `cgroup` can be written on v1, and show all of v2.
fn limits(id: &str) -> impl Iterator<Item = Result<Mount, OciSpecError>> {
    let views = cgroup::views(id);
    let inside = Path::new(cgroup::INSIDE);
    let below = views.iter().any(|view| view.target != inside);
    // sysfs has an empty directory there, in which nothing can be made.
    let room = below.then(|| {
        let options = ["nosuid", "noexec", "nodev", "mode=755", "size=64k"];
        mount(inside, "tmpfs", "tmpfs", &options)
    });
    let options = ["bind", "ro", "nosuid", "noexec", "nodev"];
    let binds = views
        .into_iter()
        .map(move |view| mount(view.target, "bind", view.source, &options));
    room.into_iter().chain(binds)
}

fn mount(
    target: impl AsRef<Path>,
    kind: &str,
    source: impl AsRef<Path>,
    options: &[&str],
) -> Result<Mount, OciSpecError> {
    MountBuilder::default()
        .destination(target.as_ref())
        .typ(kind)
        .source(source.as_ref())
        .options(options.iter().map(ToString::to_string).collect::<Vec<_>>())
        .build()
}
