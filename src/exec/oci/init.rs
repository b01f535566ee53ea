//! The first process of a container: starts the shell, reaps orphans, passes SIGTERM on.
//!
//! libcontainer calls [`Launch`] in the container's process, with its namespaces, root, user and capabilities
//! set. Not the shell itself becomes process 1: the kernel would shield it from SIGTERM, and nobody would reap
//! what it leaves.
#![expect(
    unsafe_code,
    reason = "fork, close_range and descriptors that outlive a clone have no safe form"
)]

use std::{
    collections::HashMap,
    convert::Infallible,
    ffi::CString,
    fs::File,
    os::{
        fd::{BorrowedFd, RawFd},
        unix::fs::PermissionsExt,
    },
    path::Path,
};

use libcontainer::workload::{
    Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError,
};
use nix::{
    errno::Errno,
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, execve, fork},
};
use oci_spec::runtime::Spec;

use super::{
    protocol::{Failure, FailureKind, send},
    seccomp,
};

/// Where images keep their shells, as GitLab's runner looks for them; any bash wins over any sh.
const SHELLS: [&str; 7] = [
    "/usr/local/bin/bash",
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/local/bin/sh",
    "/usr/bin/sh",
    "/bin/sh",
    "/busybox/sh",
];

/// What to run in the container.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    /// Before the shell; may be empty. With one the shell gets no argument, but finds [`start_line`] on its standard
    /// input.
    pub(super) entrypoint: Vec<String>,
    /// Path of the script.
    pub(super) script: String,
    /// The whole environment.
    pub(super) env: Vec<(String, String)>,
    /// Takes a [`Failure`]; closed by a successful start.
    pub(super) failures: RawFd,
}

/// What a shell behind an entrypoint reads. As an argument the script would be lost to an entrypoint such as
/// `["/bin/sh", "-c"]`, which takes one word: the shell would read nothing, and tell success. So GitLab's runners too
/// feed scripts on standard input.
pub(super) fn start_line(script: &str) -> String {
    let quoted = script.replace('\'', "'\\''");
    format!("exec \"$0\" '{quoted}' </dev/null\n")
}

impl Executor for Launch {
    fn validate(&self, _spec: &Spec) -> Result<(), ExecutorValidationError> {
        let found = self.command().map(drop);
        found.map_err(|failure| {
            self.report(&failure);
            ExecutorValidationError::ArgValidationError(failure.cause)
        })
    }

    fn setup_envs(&self, _envs: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        // The environment goes directly to the program.
        Ok(())
    }

    fn exec(&self, _spec: &Spec) -> Result<(), ExecutorError> {
        let failed = |failure: Failure| {
            self.report(&failure);
            ExecutorError::Other(failure.cause)
        };
        let (path, args) = self.command().map_err(failed)?;
        // Nothing outlives the starter, however that ends.
        set_pdeathsig(Signal::SIGKILL).map_err(|error| failed(Failure::machine("prctl", error)))?;
        let all = SigSet::all();
        let block = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&all), None);
        block.map_err(|error| failed(Failure::machine("sigprocmask", error)))?;
        // SAFETY: this process has one thread, so its copy may do anything.
        match unsafe { fork() } {
            Err(error) => Err(failed(Failure::machine("fork", error))),
            Ok(ForkResult::Child) => {
                self.report(&self.become_program(&path, &args));
                exit(127)
            }
            Ok(ForkResult::Parent { child }) => exit(reign(child)),
        }
    }
}

impl Launch {
    /// Program and arguments, both as the kernel wants them.
    fn command(&self) -> Result<(CString, Vec<CString>), Failure> {
        let shell = SHELLS
            .into_iter()
            .find(|path| is_executable(Path::new(path)))
            .ok_or_else(|| Failure {
                kind: FailureKind::NoShell,
                cause: format!("the image has no shell: looked for {}", SHELLS.join(", ")),
            })?;
        let mut words = self.entrypoint.clone();
        words.push(shell.to_owned());
        if self.entrypoint.is_empty() {
            words.push(self.script.clone());
        }
        let program = self.find(&words[0])?;
        let c = |text: &str| {
            CString::new(text).map_err(|_| Failure::config("a zero byte in the image's entrypoint"))
        };
        let args = words.iter().map(|word| c(word)).collect::<Result<_, _>>()?;
        Ok((c(&program)?, args))
    }

    fn find(&self, name: &str) -> Result<String, Failure> {
        if name.contains('/') {
            return Ok(name.to_owned());
        }
        let path = self.env.iter().rfind(|(key, _)| key == "PATH");
        path.map_or("", |(_, value)| value.as_str())
            .split(':')
            .map(|dir| format!("{dir}/{name}"))
            .find(|candidate| is_executable(Path::new(candidate)))
            .ok_or_else(|| {
                Failure::config(format!(
                    "the image's entrypoint `{name}` is not on its PATH"
                ))
            })
    }

    /// Only returns if that fails.
    fn become_program(&self, path: &CString, args: &[CString]) -> Failure {
        let attempt = || -> Result<Infallible, Failure> {
            let none = SigSet::empty();
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&none), None)
                .map_err(|error| Failure::machine("sigprocmask", error))?;
            let env = crate::host::c_env(&self.env)
                .map_err(|_| Failure::config("a zero byte in a variable"))?;
            seccomp::apply().map_err(|error| Failure::machine("seccomp", error))?;
            execve(path, args, &env).map_err(|error| {
                let cause = format!(
                    "can't run {} in the container: {error}",
                    path.to_string_lossy()
                );
                match error {
                    // Environment and arguments together are limited by the kernel.
                    Errno::E2BIG | Errno::ENOENT | Errno::EACCES | Errno::ENOEXEC => {
                        Failure::config(cause)
                    }
                    _ => Failure::machine("execve", cause),
                }
            })
        };
        match attempt() {
            Ok(never) => match never {},
            Err(failure) => failure,
        }
    }

    fn report(&self, failure: &Failure) {
        // SAFETY: the starter opened it and keeps it open; clones of the process inherit it.
        let failures = unsafe { BorrowedFd::borrow_raw(self.failures) };
        if let Ok(copy) = failures.try_clone_to_owned() {
            let _ = send(&mut File::from(copy), failure);
        }
    }
}

/// Process 1 from here on: returns the exit code of `main`, after which the kernel kills all others.
fn reign(main: Pid) -> i32 {
    // Neither the starter's socket nor its directories may be within reach of the container.
    // SAFETY: nothing below uses a descriptor.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    loop {
        match signals.wait() {
            Ok(Signal::SIGTERM) => {
                // All but the sender.
                let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
            }
            _ => {
                if let Some(code) = reap(main) {
                    return code;
                }
            }
        }
    }
}

fn reap(main: Pid) -> Option<i32> {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == main => return Some(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == main => {
                return Some(128 + signal as i32);
            }
            Ok(WaitStatus::StillAlive) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Without the exit handlers of the program this process is a copy of.
fn exit(code: i32) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
