//! What can stop a venue from starting or keeping its books.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a venue cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The address is taken or not allowed.
    #[error(
        "the venue cannot listen on {address}: {source}; stop what uses this port or choose \
         another address for the venue (0 takes any free port)"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The books' directory cannot be created, read or written.
    #[error("the venue's books at {}: {source}; check that the directory is writable", path.display())]
    Store {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another venue keeps its books in this directory.
    #[error(
        "the venue's books at {} are in use by another venue; stop it or choose another \
         data directory",
        path.display()
    )]
    StoreLocked {
        /// The lock file.
        path: PathBuf,
    },
    /// A whole line of the books is unreadable.
    #[error(
        "the venue's books at {} are damaged at line {line}, byte {offset_bytes}: {reason}; \
         restore the file from a backup or remove it to start with empty books",
        path.display()
    )]
    StoreDamaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Where the line begins, from the start of the file.
        offset_bytes: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of the books was written by a later version of the venue.
    #[error(
        "the venue's books at {} have a line ({line}) of format {version}, which this version \
         cannot read; start the version that wrote them",
        path.display()
    )]
    StoreNewer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Its format.
        version: u64,
    },
    /// The directory of recordings cannot be read.
    #[error("the recordings at {}: {source}; name a directory with CSV files", path.display())]
    Recordings {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory holds no usable recording.
    #[error(
        "no usable recording in {}: {reason}; expected CSV files (or .csv.gz) whose first line is \
         timestamp,open,high,low,close,volume or timestamp,price,size or \
         timestamp,bid,bid_size,ask,ask_size",
        path.display()
    )]
    NothingToReplay {
        /// The directory.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A file with a plan of faults cannot be read.
    #[error("the fault plan {}: {reason}", path.display())]
    FaultPlan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A fault that makes no sense.
    #[error("the fault's {member} is {value}: expected {expected}")]
    Fault {
        /// The member, with a dot.
        member: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// As many faults as can be armed are armed.
    #[error("{limit} faults are armed already: remove some of them")]
    TooManyFaults {
        /// The most that can be armed.
        limit: usize,
    },
    /// A line of the table of corporate actions makes no sense.
    #[error("{}, line {line}: {reason}; expected {expected}", path.display())]
    CorporateActions {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when it is the file itself.
        line: u64,
        /// What is wrong with it.
        reason: String,
        /// What it must look like.
        expected: &'static str,
    },
    /// An option has a value that makes no sense.
    #[error("the venue's option {option} is {value}: {expected}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}
