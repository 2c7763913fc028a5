//! Who postgres runs as. It refuses root, so root needs another way.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::EmbeddedError;
use super::system::{self, Account};

/// How a command of the cluster is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// As we are, a normal user.
    Ourselves,
    /// As another user of the machine.
    Other(Account),
    /// As root outside and uid 65534 inside of a user namespace.
    Namespace,
}

impl Identity {
    /// Finds a way that works for the directory and the binaries: as we are; else as `postgres` or
    /// `nobody` where these can reach both; else in a user namespace.
    pub(super) fn choose(dir: &Path, binaries: &Path) -> Result<Self, EmbeddedError> {
        if system::effective_user_id() != ROOT {
            return Ok(Self::Ourselves);
        }
        if is_open_to_all(dir.parent()) && is_open_to_all(Some(binaries)) {
            let other = [c"postgres", c"nobody"]
                .into_iter()
                .filter_map(system::account)
                .map(Self::Other)
                .find(|identity| identity.works());
            if let Some(identity) = other {
                return Ok(identity);
            }
        }
        if Self::Namespace.works() {
            return Ok(Self::Namespace);
        }
        Err(EmbeddedError::RootNotPossible { dir: dir.to_owned() })
    }

    /// The user id files must belong to.
    pub(super) fn file_owner(self) -> u32 {
        match self {
            Self::Ourselves => system::effective_user_id(),
            Self::Other(account) => account.user_id,
            Self::Namespace => ROOT,
        }
    }

    /// A command of the cluster, run as this identity, free of what the caller's environment would
    /// change about it.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        match self {
            Self::Ourselves => {}
            // The standard library also drops the supplementary groups.
            Self::Other(account) => {
                command.uid(account.user_id).gid(account.group_id);
            }
            Self::Namespace => system::enter_user_namespace(&mut command),
        }
        command.current_dir("/").env("LC_ALL", "C");
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGOPTIONS", "PGDATABASE"] {
            command.env_remove(name);
        }
        command
    }

    /// Hands a file or a directory, not what is in it, to this identity.
    pub(super) fn give(self, path: &Path) -> Result<(), EmbeddedError> {
        let owner = self.owner();
        match owner {
            None => Ok(()),
            Some(owner) => chown(path, Some(owner.user_id), Some(owner.group_id))
                .map_err(EmbeddedError::io("cannot change the owner of", path)),
        }
    }

    /// Makes sure that existing data is this identity's: the way we run may have changed since it
    /// was made (a directory closed to others, another user, a start as root).
    pub(super) fn take_over(self, data: &Path) -> Result<(), EmbeddedError> {
        let found = fs::metadata(data).map_err(EmbeddedError::io("cannot look at", data))?.uid();
        if found == self.file_owner() {
            return Ok(());
        }
        match self {
            Self::Ourselves => Err(EmbeddedError::NotOurs {
                data: data.to_owned(),
                owner: found,
                ours: self.file_owner(),
            }),
            Self::Other(_) | Self::Namespace => self.give_tree(data),
        }
    }

    /// The directory last: until it is ours, the next start will try again.
    fn give_tree(self, path: &Path) -> Result<(), EmbeddedError> {
        let read = EmbeddedError::io("cannot read the directory", path);
        for entry in fs::read_dir(path).map_err(read)? {
            let entry = entry.map_err(EmbeddedError::io("cannot read the directory", path))?;
            let entry_path = entry.path();
            let kind =
                entry.file_type().map_err(EmbeddedError::io("cannot look at", &entry_path))?;
            if kind.is_dir() {
                self.give_tree(&entry_path)?;
            } else if !kind.is_symlink() {
                self.give(&entry_path)?;
            }
        }
        self.give(path)
    }

    /// Who files are given to; `None`: they are ours already.
    fn owner(self) -> Option<Account> {
        match self {
            Self::Ourselves => None,
            Self::Other(account) => Some(account),
            Self::Namespace => Some(Account { user_id: ROOT, group_id: ROOT }),
        }
    }

    fn works(self) -> bool {
        self.command(Path::new("true")).status().is_ok_and(|status| status.success())
    }
}

const ROOT: u32 = 0;

/// Whether every directory on the way may be entered by everybody.
fn is_open_to_all(path: Option<&Path>) -> bool {
    // A distribution's directory may be a symbolic link into another place.
    let real = path.and_then(|path| fs::canonicalize(path).ok());
    real.is_some_and(|real| {
        real.ancestors().all(|step| fs::metadata(step).is_ok_and(|found| found.mode() & 0o001 != 0))
    })
}
