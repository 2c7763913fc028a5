//! A cluster on disk: made once, then started or attached to.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Durability;
use super::binaries::{Binaries, Places};
use super::error::EmbeddedError;
use super::identity::Identity;
use super::paths;
use super::pid_file::{self, State};
use super::process::{Attempt, Lifetime, PORT, SOCKET_FILE, Server};
use super::system::effective_user_id;
use super::wait::{Deadline, pause};

/// A cluster that exists. The caller holds a lock on its directory.
#[derive(Debug)]
pub(crate) struct Cluster {
    dir: PathBuf,
    data: PathBuf,
    socket_dir: PathBuf,
    binaries: Binaries,
    identity: Identity,
    durability: Durability,
}

impl Cluster {
    /// Finds the programs and the identity to run them as; makes the cluster when it is not there.
    pub(crate) fn prepare(dir: PathBuf, durability: Durability) -> Result<Self, EmbeddedError> {
        let data = dir.join("data");
        let made_by = version_of(&data)?;
        let binaries = Places::from_environment().find(&data, made_by)?;
        let identity = Identity::choose(&dir, &binaries.dir)?;
        // The way we run may have changed since: then the earlier owner's is ours as well.
        let earlier = fs::metadata(&data).map_or(identity.file_owner(), |found| found.uid());
        let owners = [identity.file_owner(), effective_user_id(), earlier];
        let socket_dir = paths::socket_dir(&dir, &owners)?;
        identity.give(&dir)?;
        identity.give(&socket_dir)?;
        let cluster = Self { dir, data, socket_dir, binaries, identity, durability };
        match made_by {
            None => cluster.initialise()?,
            Some(_) => identity.take_over(&cluster.data)?,
        }
        Ok(cluster)
    }

    /// Attaches to the cluster's server when one takes connections, else starts one, waiting for an
    /// old one to end.
    pub(crate) fn start_or_attach(&self, lifetime: Lifetime) -> Result<Server, EmbeddedError> {
        let deadline = Deadline::after(OLD_SERVER_PATIENCE);
        let not_ready = |pid| EmbeddedError::NotReady {
            pid,
            waited_s: deadline.patience.as_secs(),
            log: self.log_path(),
        };
        loop {
            let in_the_way = match pid_file::state(&self.data, &self.socket_dir)? {
                State::Ready(pid) => return Server::reattached(pid),
                State::Busy(pid) => pid,
                State::Down => match self.spawn(lifetime)? {
                    Attempt::Started(server) => return Ok(server),
                    Attempt::OldOneInTheWay => UNKNOWN_PID,
                },
            };
            if deadline.is_over() {
                return Err(not_ready(in_the_way));
            }
            pause(OLD_SERVER_PAUSE);
        }
    }

    /// The server that takes connections, if there is one.
    #[cfg(feature = "testing")]
    pub(crate) fn running(&self) -> Result<Option<Server>, EmbeddedError> {
        match pid_file::state(&self.data, &self.socket_dir)? {
            State::Ready(pid) => Server::reattached(pid).map(Some),
            State::Busy(_) | State::Down => Ok(None),
        }
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let socket_dir = paths::url_encoded(&self.socket_dir);
        format!("postgres://{OWNER}@localhost:{PORT}/{database}?host={socket_dir}")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Makes the cluster beside its place and moves it there: one that is half finished never looks
    /// complete.
    fn initialise(&self) -> Result<(), EmbeddedError> {
        let unfinished = self.dir.join("data.tmp");
        match fs::remove_dir_all(&unfinished) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EmbeddedError::io("cannot remove", &unfinished)(error)),
        }
        let initdb = self.binaries.dir.join("initdb");
        let mut command = self.identity.command(&initdb);
        command.arg("-D").arg(&unfinished).args(["-U", OWNER, "-A", "trust", "-E", "UTF8"]);
        command.args(["--locale=C", "--data-checksums"]);
        if self.durability == Durability::Test {
            command.arg("--no-sync");
        }
        let done = command
            .stdin(Stdio::null())
            .output()
            .map_err(EmbeddedError::io("cannot run", &initdb))?;
        if !done.status.success() {
            let output = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Err(EmbeddedError::InitFailed { data: unfinished, output });
        }
        fs::rename(&unfinished, &self.data)
            .map_err(EmbeddedError::io("cannot move into place", &unfinished))
    }

    fn spawn(&self, lifetime: Lifetime) -> Result<Attempt, EmbeddedError> {
        // Torn by a power cut; postgres would refuse it for ever.
        let socket_lock = self.socket_dir.join(format!("{SOCKET_FILE}.lock"));
        if fs::metadata(&socket_lock).is_ok_and(|found| found.len() == 0) {
            fs::remove_file(&socket_lock)
                .map_err(EmbeddedError::io("cannot remove the empty", &socket_lock))?;
        }
        Server::spawn(self.server_command(), lifetime, &self.data, &self.log_path())
    }

    fn server_command(&self) -> Command {
        let mut command = self.identity.command(&self.binaries.dir.join("postgres"));
        command.arg("-D").arg(&self.data);
        // Distributions compile in a socket directory that we may not write to.
        command.arg("-k").arg(&self.socket_dir);
        command.args(["-h", "", "-p", &PORT.to_string()]);
        let mut settings = vec![
            "max_connections=100",
            "shared_buffers=128MB",
            "max_wal_size=1GB",
            "log_checkpoints=off",
            "logging_collector=off",
        ];
        if cfg!(target_os = "linux") {
            settings.push("recovery_init_sync_method=syncfs");
        }
        if self.durability == Durability::Test {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }
        for setting in settings {
            command.args(["-c", setting]);
        }
        command
    }
}

/// The role that owns the cluster; its socket lets in only who may enter the directory.
const OWNER: &str = "engine";
const OLD_SERVER_PATIENCE: Duration = Duration::from_mins(1);
const OLD_SERVER_PAUSE: Duration = Duration::from_millis(50);
/// Stands in an error for a process we only know from a lock file.
const UNKNOWN_PID: i32 = 0;

/// The major version that made the data; `None`: there is no data yet.
fn version_of(data: &Path) -> Result<Option<u32>, EmbeddedError> {
    let file = data.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_not_a_number| EmbeddedError::DataDamaged { file }),
        Err(_) if !data.exists() => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(EmbeddedError::DataDamaged { file })
        }
        Err(error) => Err(EmbeddedError::io("cannot read", &file)(error)),
    }
}
