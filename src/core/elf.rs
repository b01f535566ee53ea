//! The one field of an ELF header that matters here: for which machine a program is.

use crate::platform::Arch;

/// `e_machine` of an ELF file of which `head` is the beginning (20 bytes suffice); `None` if it isn't ELF.
pub fn machine(head: &[u8]) -> Option<u16> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let field: [u8; 2] = head.get(18..20)?.try_into().ok()?;
    // EI_DATA: 2 is big endian.
    Some(match head.get(5)? {
        2 => u16::from_be_bytes(field),
        _ => u16::from_le_bytes(field),
    })
}

/// A name for an `e_machine` (the ELF specification's registry), with the number where there is none.
pub fn machine_name(machine: u16) -> String {
    let known = Arch::ALL
        .into_iter()
        .find(|arch| arch.elf_machine() == machine)
        .map(Arch::uname);
    let other = || match machine {
        3 => Some("i686"),
        21 => Some("ppc64le"),
        22 => Some("s390x"),
        40 => Some("armv7l"),
        243 => Some("riscv64"),
        _ => None,
    };
    known
        .or_else(other)
        .map_or_else(|| format!("machine {machine}"), str::to_owned)
}

/// The `e_machine` that programs of an architecture have, by its OCI name.
pub fn machine_of_architecture(architecture: &str) -> Option<u16> {
    match architecture {
        "amd64" => Some(62),
        "arm64" => Some(183),
        "386" => Some(3),
        "arm" => Some(40),
        "ppc64le" | "ppc64" => Some(21),
        "s390x" => Some(22),
        "riscv64" => Some(243),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(machine: [u8; 2], data: u8) -> Vec<u8> {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head[5] = data;
        head.resize(18, 0);
        head.extend(machine);
        head
    }

    #[test]
    fn the_machine_is_read_in_both_byte_orders() {
        assert_eq!(machine(&header([62, 0], 1)), Some(62));
        assert_eq!(machine(&header([0, 22], 2)), Some(22));
        assert_eq!(machine(b"#!/bin/sh\n"), None);
        assert_eq!(machine(b"\x7fELF"), None);
        assert_eq!(machine(b""), None);
    }

    #[test]
    fn architectures_and_machines_agree() {
        for arch in Arch::ALL {
            assert_eq!(
                machine_of_architecture(arch.as_str()),
                Some(arch.elf_machine())
            );
            assert_eq!(machine_name(arch.elf_machine()), arch.uname());
        }
        assert_eq!(machine_name(999), "machine 999");
    }
}
