//! Starting a process in a session of its own with the cheapest system call there is.
//!
//! The standard library can set a session only in a hook between fork and exec, which forces a real fork and its
//! copy of the page tables. `posix_spawn` shares the address space until exec.
#![expect(
    unsafe_code,
    reason = "POSIX_SPAWN_SETSID and addchdir_np have no safe wrapper"
)]

use std::{
    ffi::{CString, NulError, c_int},
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
};

use nix::unistd::Pid;

use super::script::DESCRIPTOR;

/// What to start.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// Absolute path.
    pub(crate) path: &'a Path,
    /// All arguments, the name included.
    pub(crate) args: Vec<CString>,
    /// `NAME=value`, the whole environment.
    pub(crate) env: Vec<CString>,
    /// Its working directory.
    pub(crate) dir: &'a Path,
}

/// What a program inherits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors<'a> {
    /// Standard input; empty without one.
    pub(crate) input: Option<BorrowedFd<'a>>,
    /// Standard output and standard error.
    pub(crate) output: BorrowedFd<'a>,
    /// Number 3.
    pub(crate) script: Option<BorrowedFd<'a>>,
}

impl Program<'_> {
    /// Starts it as leader of a new session with default signals. Every descriptor but `descriptors` must be
    /// close-on-exec, as the standard library opens them.
    pub(crate) fn spawn(&self, descriptors: Descriptors<'_>) -> io::Result<Pid> {
        let path = c_path(self.path)?;
        let args = pointers(&self.args);
        let env = pointers(&self.env);
        let attributes = Attributes::new()?;
        let actions = Actions::new(descriptors, &c_path(self.dir)?)?;
        let mut pid = 0;
        // SAFETY: every pointer is to a live, null-terminated value owned by this frame; the call only reads
        // through them.
        check(unsafe {
            libc::posix_spawn(
                &raw mut pid,
                path.as_ptr(),
                &raw const actions.0,
                &raw const attributes.0,
                args.as_ptr(),
                env.as_ptr(),
            )
        })?;
        Ok(Pid::from_raw(pid))
    }
}

/// As `NAME=value`; a name or value with a zero byte can't be handed to a process.
pub(crate) fn c_env(env: &[(String, String)]) -> Result<Vec<CString>, NulError> {
    env.iter()
        .map(|(name, value)| CString::new(format!("{name}={value}")))
        .collect()
}

pub(crate) fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: init fills the value it is given; only then is it taken as initialised.
        let mut this = unsafe {
            check(libc::posix_spawnattr_init(raw.as_mut_ptr()))?;
            Self(raw.assume_init())
        };
        let mut all = MaybeUninit::uninit();
        let mut none = MaybeUninit::uninit();
        let flags = libc::POSIX_SPAWN_SETSID
            | (libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK) as i16;
        // SAFETY: the sets are filled before they are read, and the attributes are initialised.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(none.as_mut_ptr());
            check(libc::posix_spawnattr_setsigdefault(
                &raw mut this.0,
                all.as_ptr(),
            ))?;
            check(libc::posix_spawnattr_setsigmask(
                &raw mut this.0,
                none.as_ptr(),
            ))?;
            check(libc::posix_spawnattr_setflags(&raw mut this.0, flags))?;
        }
        Ok(this)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new(descriptors: Descriptors<'_>, dir: &CString) -> io::Result<Self> {
        let output = descriptors.output.as_raw_fd();
        let mut raw = MaybeUninit::uninit();
        // SAFETY: init fills the value it is given; only then is it taken as initialised. The other calls copy
        // what they are given.
        unsafe {
            check(libc::posix_spawn_file_actions_init(raw.as_mut_ptr()))?;
            let mut this = Self(raw.assume_init());
            let actions = &raw mut this.0;
            check(match descriptors.input {
                Some(input) => {
                    libc::posix_spawn_file_actions_adddup2(actions, input.as_raw_fd(), 0)
                }
                None => libc::posix_spawn_file_actions_addopen(
                    actions,
                    0,
                    c"/dev/null".as_ptr(),
                    libc::O_RDONLY,
                    0,
                ),
            })?;
            check(libc::posix_spawn_file_actions_adddup2(actions, output, 1))?;
            check(libc::posix_spawn_file_actions_adddup2(actions, output, 2))?;
            if let Some(script) = descriptors.script {
                let script = script.as_raw_fd();
                check(libc::posix_spawn_file_actions_adddup2(
                    actions, script, DESCRIPTOR,
                ))?;
            }
            check(libc::posix_spawn_file_actions_addchdir_np(
                actions,
                dir.as_ptr(),
            ))?;
            Ok(this)
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr().cast_mut())
        .chain([ptr::null_mut()])
        .collect()
}

/// These calls return the error number instead of setting it.
fn check(result: c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
