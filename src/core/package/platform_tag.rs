//! Which machine a wheel's platform tag promises.

/// `e_machine` that native code under one platform tag must have; `None` where the tag names no Linux machine.
pub fn machine_of_tag(tag: &str) -> Option<u16> {
    let linux = ["linux_", "manylinux", "musllinux"];
    if !linux.iter().any(|prefix| tag.starts_with(prefix)) {
        return None;
    }
    // The longest suffix first: `x86_64` would also end in `64`.
    let table = [
        ("_x86_64", 62),
        ("_aarch64", 183),
        ("_armv7l", 40),
        ("_armv6l", 40),
        ("_i686", 3),
        ("_ppc64le", 21),
        ("_ppc64", 21),
        ("_s390x", 22),
        ("_riscv64", 243),
    ];
    table
        .iter()
        .find(|(suffix, _)| tag.ends_with(suffix))
        .map(|(_, machine)| *machine)
}

/// The machines of a compressed tag set (`a.b`), without doubles.
pub fn machines_of_tags(tags: &str) -> Vec<u16> {
    let mut machines: Vec<u16> = tags.split('.').filter_map(machine_of_tag).collect();
    machines.sort_unstable();
    machines.dedup();
    machines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_real_wheels() {
        let table = [
            ("manylinux2014_x86_64.manylinux_2_17_x86_64", vec![62]),
            ("musllinux_1_2_aarch64", vec![183]),
            ("linux_armv7l", vec![40]),
            (
                "manylinux_2_17_x86_64.manylinux_2_17_aarch64",
                vec![62, 183],
            ),
            ("any", vec![]),
            ("macosx_11_0_arm64", vec![]),
            ("win_amd64", vec![]),
        ];
        for (tags, machines) in table {
            assert_eq!(machines_of_tags(tags), machines, "{tags}");
        }
    }
}
