//! The system calls the standard library does not offer: signals, users, and what happens between
//! fork and exec. The one file of the workspace with unsafe code.
#![expect(unsafe_code, reason = "signals, getpwnam and pre_exec have no safe interface in std")]

use std::ffi::CStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What postgres is told: fast shutdown rolls back and writes out, immediate shutdown is a crash
/// that the next start recovers from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shutdown {
    Fast,
    Immediate,
}

/// A user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user_id: u32,
    pub(super) group_id: u32,
}

pub(super) fn effective_user_id() -> u32 {
    // SAFETY: reads a number of this process; cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether a process (or its unreaped remains) has that id.
pub(super) fn process_exists(pid: i32) -> bool {
    // Zero and negative ids would address whole process groups.
    if pid <= 0 {
        return false;
    }
    // SAFETY: signal 0 sends nothing.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// Asks a postmaster to shut down. A process that is gone is no error.
pub(super) fn shut_down(pid: i32, shutdown: Shutdown) {
    if pid <= 0 {
        return;
    }
    let signal = match shutdown {
        Shutdown::Fast => libc::SIGINT,
        Shutdown::Immediate => libc::SIGQUIT,
    };
    // SAFETY: sends a signal; the id was checked above to address one process.
    unsafe { libc::kill(pid, signal) };
}

/// The account of that name.
pub(super) fn account(name: &CStr) -> Option<Account> {
    let mut buffer = vec![0_u8; 4096];
    // SAFETY: an all-zero passwd is a valid value of this plain C struct.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found: *mut libc::passwd = std::ptr::null_mut();
    // SAFETY: all pointers live through the call and the length is the buffer's.
    let answer = unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            &raw mut entry,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut found,
        )
    };
    (answer == 0 && !found.is_null())
        .then_some(Account { user_id: entry.pw_uid, group_id: entry.pw_gid })
}

/// Makes the command leave our terminal's session, so that ^C does not reach postgres before the
/// engine has written what it still holds.
pub(crate) fn leave_terminal(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe and touches no memory of the parent.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
}

/// Makes the kernel shut postgres down when the thread that spawned it ends, however it ends.
/// Does nothing where the system has no such thing.
pub(super) fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let parent = std::process::id();
        // SAFETY: prctl and getppid are async-signal-safe and touch no memory of the parent.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGINT) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before the request was made.
                if u32::try_from(libc::getppid()) == Ok(parent) {
                    Ok(())
                } else {
                    Err(io::Error::from_raw_os_error(libc::ECHILD))
                }
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Makes the command run in a user namespace in which root is uid 65534: PostgreSQL sees a normal
/// user, files stay root's. Works where no other uid can enter the directory or none is mapped.
pub(super) fn enter_user_namespace(command: &mut Command) {
    // SAFETY: the closure makes async-signal-safe system calls on constants only.
    unsafe {
        command.pre_exec(unshare_user);
    }
}

#[cfg(target_os = "linux")]
fn unshare_user() -> io::Result<()> {
    // SAFETY: between fork and exec this process has one thread, as unshare demands.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Without it an unprivileged process may not write a group map.
    write_all(c"/proc/self/setgroups", b"deny")?;
    write_all(c"/proc/self/uid_map", b"65534 0 1")?;
    write_all(c"/proc/self/gid_map", b"65534 0 1")
}

#[cfg(not(target_os = "linux"))]
fn unshare_user() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Plain system calls: between fork and exec nothing may allocate.
#[cfg(target_os = "linux")]
fn write_all(path: &CStr, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the path ends in a nul and the buffer has the length given.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let error = io::Error::last_os_error();
        libc::close(file);
        if usize::try_from(written) == Ok(bytes.len()) { Ok(()) } else { Err(error) }
    }
}
