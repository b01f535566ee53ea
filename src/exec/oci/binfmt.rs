//! Whether the kernel can run programs of a foreign architecture.

use std::{fs, path::Path};

use aqueduct_core::{
    platform::Arch,
    verdict::{Verdict, VerdictKind},
};

const MOUNT: &str = "/proc/sys/fs/binfmt_misc";

/// `None` if programs for `arch` run here through a registered interpreter; otherwise what is missing and what to do.
pub(super) fn problem(arch: Arch) -> Option<Verdict> {
    let handler = format!("{MOUNT}/qemu-{}", arch.uname());
    let cause = match fs::read_to_string(&handler) {
        Ok(text) => defect(&text)?.to_owned(),
        Err(_) if !Path::new(MOUNT).join("status").exists() => {
            format!("binfmt_misc is not mounted at {MOUNT}")
        }
        Err(_) => format!("no interpreter is registered at {handler}"),
    };
    Some(verdict(arch, &cause))
}

/// What makes a registered handler useless in a container. Without flag F the interpreter would have to be in the image.
fn defect(handler: &str) -> Option<&'static str> {
    if !handler.lines().any(|line| line == "enabled") {
        return Some("the interpreter is registered, but disabled");
    }
    let fixed = handler
        .lines()
        .filter_map(|line| line.strip_prefix("flags:"))
        .any(|flags| flags.contains('F'));
    (!fixed).then_some("the interpreter is registered without flag F, so containers can't find it")
}

fn verdict(arch: Arch, cause: &str) -> Verdict {
    Verdict::new(
        VerdictKind::RunnerUnsupported,
        format!("this machine can't run programs for {arch}: {cause}"),
    )
    .with_hint(format!(
        "install qemu-user-static and register it as root: `apt-get install qemu-user-static`, then, without systemd, \
         `mount -t binfmt_misc binfmt_misc {MOUNT}; cat /usr/lib/binfmt.d/qemu-{}.conf > {MOUNT}/register`",
        arch.uname()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_enabled_fixed_handler_counts() {
        let table = [
            ("enabled\ninterpreter /usr/libexec/qemu\nflags: OCF\n", true),
            (
                "disabled\ninterpreter /usr/libexec/qemu\nflags: OCF\n",
                false,
            ),
            ("enabled\ninterpreter /usr/libexec/qemu\nflags: OC\n", false),
        ];
        for (text, good) in table {
            assert_eq!(defect(text).is_none(), good, "{text}");
        }
    }
}
