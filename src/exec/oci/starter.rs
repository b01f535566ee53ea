//! The process that makes one container, waits for it and reports how it ended.
//!
//! It has a single thread from its first instruction on, since libcontainer forks. Its mount namespace is its own,
//! so that a kill at any moment leaves no mount.

use std::{
    fs,
    io::{Read, Write as _},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

use libcontainer::{
    container::{Container, builder::ContainerBuilder},
    syscall::syscall::SyscallType,
};
use nix::{
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
    sys::{
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, chdir, setgroups},
};
use rustix::process::{PidfdFlags, pidfd_open};
use walkdir::WalkDir;

use super::{
    cgroup,
    init::{Launch, start_line},
    overlay::mount_overlay,
    protocol::{Failure, KILL, Order, Report, TERMINATE, receive, send},
    spec,
    user::{self, User},
};

/// Entry point of the re-executed program.
pub(crate) fn main() -> ExitCode {
    let Ok(input) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    let mut socket = UnixStream::from(input);
    let Ok(order) = receive::<Order>(&mut socket) else {
        return ExitCode::FAILURE;
    };
    let report = run(&order, &mut socket).unwrap_or_else(Report::Failed);
    let removed = cgroup::remove(&order.id);
    if send(&mut socket, &report).is_ok() && removed.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(order: &Order, socket: &mut UnixStream) -> Result<Report, Failure> {
    setgroups(&[]).map_err(|error| Failure::machine("can't drop groups", error))?;
    own_mounts()?;
    let root = mount_root(order)?;
    let user = user::find(&root, &order.user)?;
    give(order, &user)?;
    let (failures, failures_in) =
        std::io::pipe().map_err(|error| Failure::machine("pipe", error))?;
    let launch = Launch {
        entrypoint: order.entrypoint.clone(),
        script: order.script.display().to_string(),
        env: with_home(&order.env, &user),
        failures: failures_in.as_raw_fd(),
    };
    let created = create(order, &root, &user, launch);
    let started = created.and_then(|mut container| {
        let pid = container.pid();
        container
            .start()
            .map_err(|error| Failure::machine("can't start the container", flat(&error)))?;
        pid.map(|pid| Pid::from_raw(pid.as_raw()))
            .ok_or_else(|| Failure::machine("can't start the container", "it has no process"))
    });
    drop(failures_in);
    let pid = started.map_err(|other| first_failure(&failures).unwrap_or(other))?;
    close_output();
    let exit_code = wait(pid, socket)?;
    if let Some(failure) = first_failure(&failures) {
        return Err(failure);
    }
    let memory = cgroup::memory(&cgroup::directories(&order.id));
    Ok(Report::Exited {
        exit_code,
        peak_memory: memory.peak,
        out_of_memory: memory.out_of_memory,
    })
}

/// Nothing mounted from here on is seen outside, or outlives this process.
fn own_mounts() -> Result<(), Failure> {
    let what = "can't make a mount namespace";
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| Failure::machine(what, error))?;
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
        .map_err(|error| Failure::machine(what, error))
}

fn mount_root(order: &Order) -> Result<PathBuf, Failure> {
    let root = order.dir.join("root");
    // An overlay needs at least one layer below.
    let empty = order.layers.is_empty().then_some("empty");
    for name in ["root", "upper", "work"].into_iter().chain(empty) {
        let dir = order.dir.join(name);
        fs::create_dir_all(&dir).map_err(|error| Failure::machine(dir.display(), error))?;
    }
    chdir(&order.layers_dir)
        .map_err(|error| Failure::machine(order.layers_dir.display(), error))?;
    mount_overlay(order, &root)?;
    chdir("/").map_err(|error| Failure::machine("/", error))?;
    Ok(root)
}

/// A job that isn't root's must be able to write its own working copy.
fn give(order: &Order, user: &User) -> Result<(), Failure> {
    if user.uid == 0 {
        return Ok(());
    }
    let (uid, gid) = (Some(user.uid.into()), Some(user.gid.into()));
    for bind in order.binds.iter().filter(|bind| bind.give) {
        for entry in WalkDir::new(&bind.source).into_iter().flatten() {
            // A link's target may lie outside of the working copy.
            let changed = nix::unistd::fchownat(
                nix::fcntl::AT_FDCWD,
                entry.path(),
                uid,
                gid,
                nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
            );
            changed.map_err(|error| Failure::machine(entry.path().display(), error))?;
        }
    }
    Ok(())
}

fn with_home(env: &[(String, String)], user: &User) -> Vec<(String, String)> {
    let mut env = env.to_vec();
    if !env.iter().any(|(name, _)| name == "HOME") {
        env.push(("HOME".into(), user.home.clone()));
    }
    env
}

fn create(order: &Order, root: &Path, user: &User, launch: Launch) -> Result<Container, Failure> {
    let what = "can't create the container";
    // Directories cost more than anything else to remove, so the attempt's own serves for all.
    let spec = spec::build(order, root, user).map_err(|error| Failure::machine(what, error))?;
    spec.save(order.dir.join("config.json"))
        .map_err(|error| Failure::machine(what, error))?;
    let output = || -> std::io::Result<OwnedFd> { std::io::stdout().as_fd().try_clone_to_owned() };
    let io = |error| Failure::machine(what, error);
    let input = input(&launch).map_err(io)?;
    ContainerBuilder::new(order.id.clone(), SyscallType::default())
        .with_executor(launch)
        .with_stdin(input)
        .with_stdout(output().map_err(io)?)
        .with_stderr(output().map_err(io)?)
        .with_root_path(&order.dir)
        .and_then(|builder| {
            builder
                .as_init(&order.dir)
                .with_systemd(false)
                .with_detach(true)
                .build()
        })
        .map_err(|error| Failure::machine(what, flat(&error)))
}

/// Standard input of the container's first program.
fn input(launch: &Launch) -> std::io::Result<OwnedFd> {
    if launch.entrypoint.is_empty() {
        return fs::File::open("/dev/null").map(OwnedFd::from);
    }
    // One line fits into a pipe.
    let (reader, mut writer) = std::io::pipe()?;
    writer.write_all(start_line(&launch.script).as_bytes())?;
    Ok(reader.into())
}

/// An error with all its causes in one line.
fn flat(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.replace('\n', " ")
}

/// What the container's process said before it could become the script.
fn first_failure(mut failures: &std::io::PipeReader) -> Option<Failure> {
    receive(&mut failures).ok()
}

/// Leaves the pipe to the container, so that its end is the end of the output.
fn close_output() {
    if let Ok(null) = fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
}

/// Waits for the container's first process, obeying what comes over the socket; its end means KILL.
fn wait(pid: Pid, socket: &mut UnixStream) -> Result<i32, Failure> {
    let what = "can't wait for the container";
    let raw = rustix::process::Pid::from_raw(pid.as_raw())
        .ok_or_else(|| Failure::machine(what, "it has no process"))?;
    let pidfd =
        pidfd_open(raw, PidfdFlags::empty()).map_err(|error| Failure::machine(what, error))?;
    let mut listening = true;
    loop {
        let mut fds = [
            PollFd::new(pidfd.as_fd(), PollFlags::POLLIN),
            PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        ];
        let fds = &mut fds[..if listening { 2 } else { 1 }];
        match poll(fds, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other.map_err(|error| Failure::machine(what, error))?,
        };
        let ready = |at: usize| fds.get(at).is_some_and(|fd| fd.any() == Some(true));
        let (exited, told) = (ready(0), ready(1));
        if exited {
            return reap(pid)
                .ok_or_else(|| Failure::machine(what, "its process was reaped elsewhere"));
        }
        if told {
            listening = obey(pid, socket);
        }
    }
}

/// Does what the executor says; whether it may say more.
fn obey(pid: Pid, socket: &mut UnixStream) -> bool {
    let mut byte = [0];
    let signal = match socket.read(&mut byte) {
        Ok(1) if byte[0] == TERMINATE => Signal::SIGTERM,
        Ok(1) if byte[0] == KILL => Signal::SIGKILL,
        Ok(1) => return true,
        _ => {
            let _ = kill(pid, Signal::SIGKILL);
            return false;
        }
    };
    // Process 1 passes SIGTERM on to all others; its own death is theirs.
    let _ = kill(pid, signal);
    true
}

fn reap(pid: Pid) -> Option<i32> {
    match waitpid(pid, None) {
        Ok(WaitStatus::Exited(_, code)) => Some(code),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(128 + signal as i32),
        _ => None,
    }
}
