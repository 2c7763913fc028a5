//! Why the embedded database does not run, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The embedded database could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// Another engine holds the directory.
    #[error("another engine already uses {}; stop it, or choose another data directory", dir.display())]
    AlreadyInUse {
        /// The cluster's directory.
        dir: PathBuf,
    },
    /// There is no server to run.
    #[error(
        "no PostgreSQL server (version {minimum} or newer) was found{}; \
         install the package `postgresql`, or set PG_BIN_DIR to the directory of its `initdb`, \
         or set DATABASE_URL to a server that runs",
        found_note(found)
    )]
    BinariesNotFound {
        /// Oldest version that works.
        minimum: u32,
        /// Versions that were found and are too old.
        found: Vec<u32>,
    },
    /// `PG_BIN_DIR` names no server.
    #[error(
        "PG_BIN_DIR is {}, and there is no working `initdb` and `postgres` in it; \
         correct it or unset it", dir.display()
    )]
    BinariesNotThere {
        /// Value of the variable.
        dir: PathBuf,
    },
    /// The data was made by a version that is not installed.
    #[error(
        "the data in {} was made by PostgreSQL {wanted}, and only {} found; \
         install version {wanted}, or move the directory away to start empty", data.display(),
         versions(found)
    )]
    OtherMajorVersion {
        /// The data directory.
        data: PathBuf,
        /// Version it needs.
        wanted: u32,
        /// Versions that are installed.
        found: Vec<u32>,
    },
    /// `PG_VERSION` in the data directory is not a number.
    #[error(
        "{} does not hold a version number, the data directory is damaged; \
         restore a backup, or move the directory away to start empty", file.display()
    )]
    DataDamaged {
        /// The file.
        file: PathBuf,
    },
    /// The data belongs to another user of this machine.
    #[error(
        "{} belongs to user id {owner}, and the engine runs as {ours}; \
         start the engine as that user, or change the owner with chown -R", data.display()
    )]
    NotOurs {
        /// The data directory.
        data: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        ours: u32,
    },
    /// PostgreSQL refuses to run as root, and no other identity works here.
    #[error(
        "running as root, and neither the users postgres and nobody nor a user namespace can run \
         PostgreSQL in {}; start the engine as a normal user", dir.display()
    )]
    RootNotPossible {
        /// The cluster's directory.
        dir: PathBuf,
    },
    /// Somebody else made the socket directory.
    #[error(
        "the socket directory {} is not a directory of ours closed to others; remove it, or choose \
         a shorter data directory", dir.display()
    )]
    SocketDirectoryForeign {
        /// The directory.
        dir: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb could not make {}: {output}", data.display())]
    InitFailed {
        /// The directory that was to be made.
        data: PathBuf,
        /// What it said.
        output: String,
    },
    /// The server ended while starting.
    #[error("postgres ended while starting ({status}): {output}; more in {}", log.display())]
    StartFailed {
        /// Exit status.
        status: String,
        /// Its last messages.
        output: String,
        /// Its log.
        log: PathBuf,
    },
    /// The server did not get ready in time.
    #[error("postgres (process {pid}) is neither ready nor gone after {waited_s} s; see {}", log.display())]
    NotReady {
        /// Its process id.
        pid: i32,
        /// How long we waited, seconds.
        waited_s: u64,
        /// Its log.
        log: PathBuf,
    },
    /// The server did not stop.
    #[error("postgres (process {pid}) did not stop in {waited_s} s")]
    NotStopped {
        /// Its process id.
        pid: i32,
        /// How long we waited, seconds.
        waited_s: u64,
    },
    /// A file or a process could not be handled.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `cannot create`.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl EmbeddedError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyInUse { .. } => "embedded_already_in_use",
            Self::BinariesNotFound { .. } => "embedded_binaries_not_found",
            Self::BinariesNotThere { .. } => "embedded_binaries_not_there",
            Self::OtherMajorVersion { .. } => "embedded_other_major_version",
            Self::DataDamaged { .. } => "embedded_data_damaged",
            Self::NotOurs { .. } => "embedded_not_ours",
            Self::RootNotPossible { .. } => "embedded_root_not_possible",
            Self::SocketDirectoryForeign { .. } => "embedded_socket_directory_foreign",
            Self::InitFailed { .. } => "embedded_init_failed",
            Self::StartFailed { .. } => "embedded_start_failed",
            Self::NotReady { .. } => "embedded_not_ready",
            Self::NotStopped { .. } => "embedded_not_stopped",
            Self::Io { .. } => "embedded_io",
        }
    }

    /// For `map_err`: says which file an operation failed on.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn versions(found: &[u32]) -> String {
    match found {
        [] => "none was".to_owned(),
        [one] => format!("{one} was"),
        many => {
            format!("{} were", many.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

fn found_note(found: &[u32]) -> String {
    if found.is_empty() { String::new() } else { format!(" (only {})", versions(found)) }
}
