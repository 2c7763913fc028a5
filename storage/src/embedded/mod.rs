//! A private PostgreSQL cluster, owned by the engine, for machines where no server was named.
//!
//! The server listens on a unix socket in a directory only we may enter, never on a port. It ends
//! with the engine: by [`EmbeddedPostgres::stop`], or, when the engine is killed, by a signal from
//! the kernel (Linux); where that is missing the next start attaches to the server still running.
//! Everything here blocks: call it from `spawn_blocking`.

mod binaries;
mod cluster;
mod error;
mod identity;
mod paths;
mod pid_file;
mod process;
mod system;
mod wait;

use std::fs::File;
use std::path::Path;
use std::process::ExitStatus;

use tokio::sync::watch;

use cluster::Cluster;
pub use error::EmbeddedError;
use process::{Lifetime, Server};

/// What the shared cluster of the tests is built from.
#[cfg(feature = "testing")]
pub(crate) mod parts {
    pub(crate) use super::cluster::Cluster;
    pub(crate) use super::process::Lifetime;
    pub(crate) use super::system::leave_terminal;
    pub(crate) use super::wait::Deadline;
}

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: every commit is on disk before it is acknowledged.
    Production,
    /// Everything: no fsync. For tests, whose data nobody misses.
    Test,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerExit {
    /// With this status; the log in the cluster's directory says why.
    Exited(ExitStatus),
    /// It was started by an earlier engine, so its status is not known to us.
    Gone,
}

/// A running cluster. Dropping it asks the server to shut down and does not wait.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    server: Server,
    cluster: Cluster,
    /// Held for as long as we own the directory; the kernel lets go of it when the engine ends.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts the cluster in `dir`, which is made and initialised when it is not there; attaches to
    /// its server when an earlier engine left one running. Blocks until the server takes
    /// connections: a tenth of a second on an existing cluster, seconds on a new one.
    pub fn start(dir: &Path, durability: Durability) -> Result<Self, EmbeddedError> {
        let dir = paths::prepare(dir)?;
        let lock = paths::lock(&dir)?;
        let cluster = Cluster::prepare(dir, durability)?;
        let server = cluster.start_or_attach(Lifetime::OfThisProcess)?;
        Ok(Self { server, cluster, _lock: lock })
    }

    /// URL of one of its databases; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        self.cluster.url(database)
    }

    /// Process id of the server.
    pub fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// Whether the server was left running by an earlier engine.
    pub fn is_reattached(&self) -> bool {
        self.server.is_reattached()
    }

    /// How the server ended; `None` while it runs.
    pub fn exited(&self) -> Option<ServerExit> {
        *self.server.exit().borrow()
    }

    /// Turns to `Some` when the server ends, whoever ended it. A new server, after
    /// [`Self::restart`], has a new one.
    pub fn exit_notice(&self) -> watch::Receiver<Option<ServerExit>> {
        self.server.exit()
    }

    /// Starts the server again after it ended, or stops and starts it; the URL stays the same.
    pub fn restart(&mut self) -> Result<(), EmbeddedError> {
        self.stop()?;
        self.server = self.cluster.start_or_attach(Lifetime::OfThisProcess)?;
        Ok(())
    }

    /// Fast shutdown: open transactions roll back, what is committed is written out. Does nothing
    /// when the server has ended.
    pub fn stop(&mut self) -> Result<(), EmbeddedError> {
        self.server.stop()
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.server.ask_to_stop();
    }
}

#[cfg(test)]
mod tests {
    use super::wait::Deadline;
    use super::{Cluster, Durability, EmbeddedPostgres, Lifetime, ServerExit, paths};

    use std::time::Duration;

    #[test]
    fn a_server_left_running_by_an_earlier_engine_is_attached_to_and_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let cluster =
            Cluster::prepare(paths::prepare(dir.path()).unwrap(), Durability::Test).unwrap();
        let left = cluster.start_or_attach(Lifetime::UntilStopped).unwrap();
        let mut engine = EmbeddedPostgres::start(dir.path(), Durability::Test).unwrap();
        assert!(engine.is_reattached());
        assert_eq!((engine.pid(), engine.exited()), (left.pid(), None));
        let notice = engine.exit_notice();
        engine.stop().unwrap();
        let told = || *notice.borrow() == Some(ServerExit::Gone);
        assert!(Deadline::after(Duration::from_secs(10)).wait_until(told));
        assert!(left.exit().borrow().is_some());
        engine.restart().unwrap();
        assert!(!engine.is_reattached());
    }
}
