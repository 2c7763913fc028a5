//! The server process: started, watched, stopped.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::ServerExit;
use super::error::EmbeddedError;
use super::paths;
use super::pid_file;
use super::system::{self, Shutdown};
use super::wait::{Deadline, POLL_PAUSE, pause};

/// How long a server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as this process: the kernel ends it when we are killed.
    OfThisProcess,
    /// Until somebody stops it.
    #[cfg(any(test, feature = "testing"))]
    UntilStopped,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pid: i32,
    reattached: bool,
    exit: watch::Receiver<Option<ServerExit>>,
}

/// What came of an attempt to start.
#[derive(Debug)]
pub(super) enum Attempt {
    Started(Server),
    /// An old postmaster is dead but not reaped, or still dying: try again.
    OldOneInTheWay,
}

impl Server {
    /// A server that an earlier engine left running.
    pub(super) fn reattached(pid: i32) -> Result<Self, EmbeddedError> {
        let (sender, exit) = watch::channel(None);
        let watcher = move || {
            // Ends with the server, or when nobody is left to tell.
            while system::process_exists(pid) && !sender.is_closed() {
                pause(REATTACHED_POLL_PAUSE);
            }
            if !sender.is_closed() {
                sender.send_replace(Some(ServerExit::Gone));
            }
        };
        spawn_thread(watcher)?;
        Ok(Self { pid, reattached: true, exit })
    }

    /// Runs the command, which must be `postgres`, and waits until it takes connections.
    pub(super) fn spawn(
        mut command: Command,
        lifetime: Lifetime,
        data: &Path,
        log_path: &Path,
    ) -> Result<Attempt, EmbeddedError> {
        let log = paths::open_log(log_path)?;
        let cannot_open = || EmbeddedError::io("cannot open", log_path);
        let log_start = log.metadata().map_err(cannot_open())?.len();
        let output = log.try_clone().map_err(cannot_open())?;
        command.stdin(Stdio::null()).stdout(output).stderr(log);
        system::leave_terminal(&mut command);
        if lifetime == Lifetime::OfThisProcess {
            system::die_with_parent(&mut command);
        }
        let (pid, exit) = supervise(command)?;
        let server = Self { pid, reattached: false, exit };
        let deadline = Deadline::after(RECOVERY_PATIENCE);
        loop {
            if let Some(exit) = *server.exit.borrow() {
                return ended_while_starting(exit, log_path, log_start);
            }
            if pid_file::is_ready(data, pid) {
                return Ok(Attempt::Started(server));
            }
            if deadline.is_over() {
                server.ask_to_stop();
                return Err(EmbeddedError::NotReady {
                    pid,
                    waited_s: deadline.patience.as_secs(),
                    log: log_path.to_owned(),
                });
            }
            pause(POLL_PAUSE);
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn is_reattached(&self) -> bool {
        self.reattached
    }

    pub(super) fn exit(&self) -> watch::Receiver<Option<ServerExit>> {
        self.exit.clone()
    }

    /// Fast shutdown, without waiting for it.
    pub(super) fn ask_to_stop(&self) {
        // Not after it ended: the id may be another process's by now.
        if self.exit.borrow().is_none() {
            system::shut_down(self.pid, Shutdown::Fast);
        }
    }

    /// Fast shutdown; where that takes too long, immediate shutdown, which the next start recovers
    /// from without losing a commit.
    pub(crate) fn stop(&mut self) -> Result<(), EmbeddedError> {
        self.ask_to_stop();
        if self.wait_for_exit(STOP_PATIENCE) {
            return Ok(());
        }
        system::shut_down(self.pid, Shutdown::Immediate);
        if self.wait_for_exit(KILL_PATIENCE) {
            return Ok(());
        }
        Err(EmbeddedError::NotStopped {
            pid: self.pid,
            waited_s: (STOP_PATIENCE + KILL_PATIENCE).as_secs(),
        })
    }

    fn wait_for_exit(&self, patience: Duration) -> bool {
        Deadline::after(patience).wait_until(|| {
            self.exit.borrow().is_some() || (self.reattached && !system::process_exists(self.pid))
        })
    }
}

/// No TCP: the number only names the socket file.
pub(super) const PORT: u16 = 5432;
pub(super) const SOCKET_FILE: &str = ".s.PGSQL.5432";

/// A start after a crash first replays what the last checkpoint left.
const RECOVERY_PATIENCE: Duration = Duration::from_mins(5);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const KILL_PATIENCE: Duration = Duration::from_secs(10);
const REATTACHED_POLL_PAUSE: Duration = Duration::from_millis(100);
/// Most of the log that is read for, and goes into, an error.
const LOG_TAIL_BYTES: usize = 64 * 1024;
const LOG_TAIL_LINES: usize = 5;

type Watched = (i32, watch::Receiver<Option<ServerExit>>);

/// Spawns the command from a thread that lives as long as the server: the kernel's signal on the
/// parent's death follows the thread that spawned, not the process.
fn supervise(mut command: Command) -> Result<Watched, EmbeddedError> {
    let program = PathBuf::from(command.get_program());
    let (started_sender, started) = mpsc::channel();
    let (exit_sender, exit) = watch::channel(None);
    let supervisor = move || {
        let spawned = command.spawn();
        // It holds our copies of the log's handle.
        drop(command);
        let (answer, child) = match spawned {
            Ok(child) => (Ok(process_id(&child)), Some(child)),
            Err(error) => (Err(error), None),
        };
        // Nobody listens when the caller is gone; the server is watched all the same.
        let _told = started_sender.send(answer);
        if let Some(mut child) = child {
            let exit = child.wait().map_or(ServerExit::Gone, ServerExit::Exited);
            exit_sender.send_replace(Some(exit));
        }
    };
    spawn_thread(supervisor)?;
    let pid = started
        .recv()
        .unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts it ended")))
        .map_err(EmbeddedError::io("cannot run", &program))?;
    Ok((pid, exit))
}

fn spawn_thread(work: impl FnOnce() + Send + 'static) -> Result<(), EmbeddedError> {
    thread::Builder::new()
        .name("postgres-supervisor".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(EmbeddedError::io("cannot start a thread for", Path::new("postgres")))
}

fn process_id(child: &Child) -> i32 {
    // Ids are positive numbers of 31 bits at most.
    i32::try_from(child.id()).unwrap_or(i32::MAX)
}

fn ended_while_starting(
    exit: ServerExit,
    log_path: &Path,
    log_start: u64,
) -> Result<Attempt, EmbeddedError> {
    let said = read_from(log_path, log_start);
    if said.contains("\"postmaster.pid\" already exists") {
        return Ok(Attempt::OldOneInTheWay);
    }
    let lines: Vec<&str> = said.lines().collect();
    let output = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join(" | ");
    let status = match exit {
        ServerExit::Exited(status) => status.to_string(),
        ServerExit::Gone => "status unknown".to_owned(),
    };
    Err(EmbeddedError::StartFailed { status, output, log: log_path.to_owned() })
}

/// What was written to the log since then; empty when it cannot be read.
fn read_from(path: &Path, start: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = fs::metadata(path)?.len();
        let tail = length.saturating_sub(LOG_TAIL_BYTES as u64);
        file.seek(SeekFrom::Start(start.max(tail)))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
