//! What `postmaster.pid` says, and whether to believe it.
//!
//! Its lines: process id, data directory, start time, port, socket directory, address, shared
//! memory key, status.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::error::EmbeddedError;
use super::process::SOCKET_FILE;
use super::system::process_exists;

/// State of the server of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No server; one may be started.
    Down,
    /// A server that starts or stops.
    Busy(i32),
    /// A server that takes connections.
    Ready(i32),
}

/// Looks at the file, the process it names, and the socket.
pub(super) fn state(data: &Path, socket_dir: &Path) -> Result<State, EmbeddedError> {
    let path = data.join(FILE);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(State::Down) };
    let Some(pid) = first_line(&text) else {
        // Torn by a power cut; postgres would refuse it for ever. Nobody else can have just made it:
        // we hold the directory's lock.
        fs::remove_file(&path).map_err(EmbeddedError::io("cannot remove the empty", &path))?;
        return Ok(State::Down);
    };
    if !process_exists(pid) {
        return Ok(State::Down);
    }
    if is_another_program(pid, data) {
        // After a reboot the id may be anybody's. Postgres would take it for its own predecessor.
        fs::remove_file(&path).map_err(EmbeddedError::io("cannot remove the stale", &path))?;
        return Ok(State::Down);
    }
    let answers = || UnixStream::connect(socket_dir.join(SOCKET_FILE)).is_ok();
    Ok(if is_ready(data, pid) && answers() { State::Ready(pid) } else { State::Busy(pid) })
}

/// Whether the server with that process id takes connections. A stale file can still say `ready`,
/// so the id must be the one we know.
pub(super) fn is_ready(data: &Path, pid: i32) -> bool {
    fs::read_to_string(data.join(FILE)).is_ok_and(|text| {
        first_line(&text) == Some(pid)
            && text.lines().nth(STATUS_LINE).is_some_and(|status| status.trim() == "ready")
    })
}

fn first_line(text: &str) -> Option<i32> {
    text.lines().next()?.trim().parse().ok()
}

/// A postmaster's working directory is its data directory.
#[cfg(target_os = "linux")]
fn is_another_program(pid: i32, data: &Path) -> bool {
    // Not readable: a zombie, or somebody else's process; postgres itself will judge.
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|working_dir| working_dir != data)
}

#[cfg(not(target_os = "linux"))]
fn is_another_program(_pid: i32, _data: &Path) -> bool {
    false
}

const FILE: &str = "postmaster.pid";
const STATUS_LINE: usize = 7;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{State, is_ready, state};

    fn file(pid: u32, status: &str) -> String {
        format!("{pid}\n/data\n1760000000\n5432\n/run\n\n  1 2\n{status}\n")
    }

    #[test]
    fn a_file_is_ready_only_for_the_process_it_names() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("postmaster.pid"), file(4242, "ready   ")).unwrap();
        assert!(is_ready(dir.path(), 4242));
        assert!(!is_ready(dir.path(), 4243));
        fs::write(dir.path().join("postmaster.pid"), file(4242, "starting")).unwrap();
        assert!(!is_ready(dir.path(), 4242));
    }

    #[test]
    fn an_empty_file_is_removed_and_the_server_is_down() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postmaster.pid");
        fs::write(&path, "").unwrap();
        assert_eq!(state(dir.path(), dir.path()).unwrap(), State::Down);
        assert!(!path.exists());
    }

    #[test]
    fn no_file_and_the_id_of_no_process_are_down() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(state(dir.path(), dir.path()).unwrap(), State::Down);
        // Above the largest process id of Linux.
        fs::write(dir.path().join("postmaster.pid"), file(0x7fff_fff0, "ready")).unwrap();
        assert_eq!(state(dir.path(), dir.path()).unwrap(), State::Down);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_id_of_another_program_is_down_and_its_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postmaster.pid");
        fs::write(&path, file(std::process::id(), "ready")).unwrap();
        assert_eq!(state(dir.path(), dir.path()).unwrap(), State::Down);
        assert!(!path.exists());
    }
}
