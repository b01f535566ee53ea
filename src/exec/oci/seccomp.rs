//! The system call filter of containers, without libseccomp.
//!
//! In essence Docker's default profile under Docker's default capabilities, turned around: what that profile
//! refuses is refused here by number, system calls newer than this list don't exist, and the rest is allowed. The kernel
//! remembers the answer for every call that doesn't depend on an argument, so the length of the program costs nothing.
#![expect(unsafe_code, reason = "libc has the only door to seccomp(2)")]

use std::{io, mem::offset_of};

use libc::{ENOSYS, EPERM, sock_filter};

/// Refused like a missing capability would be.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_get_mempolicy,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_set_mempolicy,
    libc::SYS_set_mempolicy_home_node,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS__sysctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_sysfs,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
];

/// The newest call that was looked at: `mseal`, the same number on every architecture. A program that
/// hears that a newer one doesn't exist falls back to an older one; hearing "not permitted" it would give up.
const NEWEST: u32 = 462;

/// What `personality` may set: the default, 32-bit, no address randomisation, both, and "just asking".
const PERSONALITIES: [u32; 5] = [0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// `clone` flags that make namespaces.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e; // AUDIT_ARCH_X86_64
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7; // AUDIT_ARCH_AARCH64

const NUMBER_AT: u32 = offset_of!(libc::seccomp_data, nr) as u32;
const ARCH_AT: u32 = offset_of!(libc::seccomp_data, arch) as u32;
/// The low half of the first argument; both architectures are little-endian.
const FIRST_ARGUMENT_AT: u32 = offset_of!(libc::seccomp_data, args) as u32;

const ALLOW: sock_filter = ret(libc::SECCOMP_RET_ALLOW);

/// Puts the filter on this process and all it will start. Needs `no_new_privs`.
pub(super) fn apply() -> io::Result<()> {
    let mut filter = program();
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program points to `filter`, which outlives the call; the kernel copies it.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn program() -> Vec<sock_filter> {
    let mut out = vec![load(ARCH_AT)];
    // Another architecture's calls have other numbers, so none of its programs can run.
    out.extend([
        skip_if(libc::BPF_JEQ, NATIVE, 1, 0),
        deny(ENOSYS),
        load(NUMBER_AT),
    ]);
    // Newer calls, and on x86-64 those of the x32 ABI.
    out.extend([skip_if(libc::BPF_JGT, NEWEST, 0, 1), deny(ENOSYS)]);
    // Its flags lie in memory, where a filter can't look; libraries fall back to `clone`.
    out.extend(on(libc::SYS_clone3, &[deny(ENOSYS)]));
    out.extend(on(
        libc::SYS_clone,
        &[
            load(FIRST_ARGUMENT_AT),
            skip_if(libc::BPF_JSET, NAMESPACES, 0, 1),
            deny(EPERM),
            ALLOW,
        ],
    ));
    out.extend(on(
        libc::SYS_socket,
        &[
            load(FIRST_ARGUMENT_AT),
            skip_if(libc::BPF_JEQ, libc::AF_VSOCK as u32, 0, 1),
            deny(EPERM),
            ALLOW,
        ],
    ));
    let mut personality = vec![load(FIRST_ARGUMENT_AT)];
    for allowed in PERSONALITIES {
        personality.extend([skip_if(libc::BPF_JEQ, allowed, 0, 1), ALLOW]);
    }
    personality.push(deny(EPERM));
    out.extend(on(libc::SYS_personality, &personality));
    for number in DENIED {
        out.extend(on(*number, &[deny(EPERM)]));
    }
    out.push(ALLOW);
    out
}

/// `body`, which must end in an answer, for the call of this number.
fn on(number: i64, body: &[sock_filter]) -> Vec<sock_filter> {
    let mut out = vec![skip_if(libc::BPF_JEQ, number as u32, 0, body.len() as u8)];
    out.extend_from_slice(body);
    out
}

const fn load(offset: u32) -> sock_filter {
    sock_filter {
        code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        jt: 0,
        jf: 0,
        k: offset,
    }
}

/// Skips `yes` instructions if the comparison holds, `no` otherwise.
const fn skip_if(comparison: u32, with: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter {
        code: (libc::BPF_JMP | comparison | libc::BPF_K) as u16,
        jt: yes,
        jf: no,
        k: with,
    }
}

const fn deny(errno: i32) -> sock_filter {
    ret(libc::SECCOMP_RET_ERRNO | errno as u32)
}

const fn ret(answer: u32) -> sock_filter {
    sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn answer(arch: u32, number: i64, first: u32) -> u32 {
        let program = program();
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let one = program[at];
            at += 1;
            let code = u32::from(one.code);
            let jump = |holds: bool| usize::from(if holds { one.jt } else { one.jf });
            if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS {
                accumulator = match one.k {
                    NUMBER_AT => number as u32,
                    ARCH_AT => arch,
                    FIRST_ARGUMENT_AT => first,
                    other => panic!("load from {other}"),
                };
            } else if code == libc::BPF_RET | libc::BPF_K {
                return one.k;
            } else if code == libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K {
                at += jump(accumulator == one.k);
            } else if code == libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K {
                at += jump(accumulator > one.k);
            } else if code == libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K {
                at += jump(accumulator & one.k != 0);
            } else {
                panic!("code {code}");
            }
        }
    }

    #[test]
    fn calls_get_the_answers_of_dockers_profile() {
        const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
        const PERM: u32 = libc::SECCOMP_RET_ERRNO | EPERM as u32;
        const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | ENOSYS as u32;
        let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u32;
        let table = [
            (libc::SYS_read, 0, ALLOWED),
            (libc::SYS_ptrace, 0, ALLOWED),
            (libc::SYS_chroot, 0, ALLOWED),
            (libc::SYS_mount, 0, PERM),
            (libc::SYS_unshare, 0, PERM),
            (libc::SYS_bpf, 0, PERM),
            (libc::SYS_clone, thread, ALLOWED),
            (libc::SYS_clone, libc::CLONE_NEWUSER as u32, PERM),
            (libc::SYS_clone3, 0, UNKNOWN),
            (libc::SYS_socket, libc::AF_INET as u32, ALLOWED),
            (libc::SYS_socket, libc::AF_VSOCK as u32, PERM),
            (libc::SYS_personality, 0xffff_ffff, ALLOWED),
            (libc::SYS_personality, 0x40_0000, PERM),
            (462, 0, ALLOWED),
            (463, 0, UNKNOWN),
            (0x4000_0000, 0, UNKNOWN),
        ];
        for (number, first, expected) in table {
            assert_eq!(answer(NATIVE, number, first), expected, "call {number}");
        }
        assert_eq!(answer(0x4000_0003, libc::SYS_read, 0), UNKNOWN, "32-bit");
    }
}
