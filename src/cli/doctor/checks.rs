//! The checks themselves: each looks at one thing and changes nothing.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use aqueduct_core::platform::Arch;

use super::Check;
use crate::{platform::native_arch, wire};

/// Every check, in the order a person would look.
pub(super) fn all() -> Vec<Check> {
    vec![
        git(),
        shell(),
        containers(),
        overlay(),
        cgroups(),
        user_namespaces(),
        foreign_arch(),
        container_engine(),
        cluster(),
    ]
}

fn git() -> Check {
    first_line("git", &["--version"]).map_or_else(
        || {
            Check::missing(
                "git",
                "not found",
                "install git: jobs get their sources through it",
            )
        },
        |version| Check::ok("git", version),
    )
}

fn shell() -> Check {
    match first_line("bash", &["--version"]) {
        Some(version) => Check::ok("shell", version),
        None if first_line("sh", &["-c", "echo sh"]).is_some() => Check::limited(
            "shell",
            "sh, no bash",
            "install bash if scripts of jobs without an image need it",
        ),
        None => Check::missing("shell", "neither bash nor sh", "install bash"),
    }
}

fn containers() -> Check {
    match wire::container_problem() {
        None => Check::ok("containers", "the oci executor can be used"),
        Some(problem) => Check::limited("containers", problem.cause.clone(), problem.hint()),
    }
}

fn overlay() -> Check {
    let known = fs::read_to_string("/proc/filesystems").is_ok_and(|list| {
        list.lines()
            .any(|line| line.split_whitespace().last() == Some("overlay"))
    });
    if known {
        Check::ok("overlayfs", "known to the kernel")
    } else {
        Check::limited(
            "overlayfs",
            "not known to the kernel",
            "load it with `modprobe overlay`; containers need it, working copies are copied without it",
        )
    }
}

fn cgroups() -> Check {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        Check::ok("cgroups", "version 2")
    } else if Path::new("/sys/fs/cgroup/memory").exists() {
        Check::ok("cgroups", "version 1")
    } else {
        Check::limited(
            "cgroups",
            "no memory controller",
            "mount cgroups; without them memory limits and out-of-memory verdicts are missing",
        )
    }
}

fn user_namespaces() -> Check {
    let limit = fs::read_to_string("/proc/sys/user/max_user_namespaces")
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    let denied = fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone")
        .is_ok_and(|text| text.trim() == "0");
    match limit {
        Some(count) if count > 0 && !denied => Check::ok("user namespaces", "allowed"),
        _ => Check::limited(
            "user namespaces",
            "not allowed for ordinary users",
            "rootless containers will need them; as root nothing is missing",
        ),
    }
}

fn foreign_arch() -> Check {
    let Some(native) = native_arch() else {
        return Check::missing(
            "architectures",
            std::env::consts::ARCH,
            "use an amd64 or arm64 machine",
        );
    };
    let mut foreign = Arch::ALL.into_iter().filter(|arch| *arch != native);
    if let Some(problem) = foreign.find_map(wire::arch_problem) {
        return Check::limited(
            "architectures",
            format!("{native}; {}", problem.cause),
            problem.hint(),
        );
    }
    Check::ok("architectures", format!("{native}, the others emulated"))
}

fn container_engine() -> Check {
    let sockets = ["/var/run/docker.sock", "/run/podman/podman.sock"];
    match sockets
        .into_iter()
        .find(|socket| Path::new(socket).exists())
    {
        Some(socket) => Check::ok(
            "docker",
            format!("{socket} exists; this version runs containers without it"),
        ),
        None => Check::ok("docker", "no socket; none is needed"),
    }
}

fn cluster() -> Check {
    let configured = std::env::var_os("KUBECONFIG").is_some()
        || std::env::var_os("HOME")
            .is_some_and(|home| Path::new(&home).join(".kube/config").exists());
    let found = if configured {
        "a kubeconfig exists"
    } else {
        "no kubeconfig"
    };
    Check::ok(
        "kubernetes",
        format!("{found}; this version runs jobs on this machine only"),
    )
}

fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}
