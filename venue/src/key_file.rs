//! The secrets of accounts that were opened while the venue ran, for its next start.
//!
//! The books hold no secret, and the accounts of the options bring theirs along. Those that were
//! opened on the admin port have nowhere else to keep it: a file beside the books that only its
//! owner may read.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

const KEYS_FILE: &str = "keys.json";
const KEYS_FILE_NEW: &str = "keys.json.new";
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// The file and what it says.
#[derive(Debug)]
pub(crate) struct KeyFile {
    directory: PathBuf,
    secrets: Mutex<BTreeMap<String, SecretString>>,
}

impl KeyFile {
    /// Reads the file in a directory; none is an empty one.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let secrets = match std::fs::read(directory.join(KEYS_FILE)) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { directory: directory.to_owned(), secrets: Mutex::new(secrets) })
    }

    /// Every key.
    pub(crate) fn all(&self) -> Vec<(String, SecretString)> {
        self.lock().iter().map(|(key_id, secret)| (key_id.clone(), secret.clone())).collect()
    }

    pub(crate) fn add(&self, key_id: &str, secret: &SecretString) -> io::Result<()> {
        let mut secrets = self.lock();
        secrets.insert(key_id.to_owned(), secret.clone());
        self.write(&secrets)
    }

    pub(crate) fn remove(&self, key_id: &str) -> io::Result<()> {
        let mut secrets = self.lock();
        if secrets.remove(key_id).is_none() {
            return Ok(());
        }
        self.write(&secrets)
    }

    /// Puts a new file in the place of the old one, in one step.
    fn write(&self, secrets: &BTreeMap<String, SecretString>) -> io::Result<()> {
        let plain: BTreeMap<&str, &str> = secrets
            .iter()
            .map(|(key_id, secret)| (key_id.as_str(), secret.expose_secret()))
            .collect();
        let path = self.directory.join(KEYS_FILE_NEW);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = owner_only().open(&path)?;
        file.write_all(&serde_json::to_vec_pretty(&plain)?)?;
        file.sync_all()?;
        std::fs::rename(&path, self.directory.join(KEYS_FILE))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SecretString>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a file is made that nobody else may read.
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_kept_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let keys = KeyFile::open(directory.path()).unwrap();
        keys.add("ONE", &SecretString::from("first")).unwrap();
        keys.add("TWO", &SecretString::from("second")).unwrap();
        keys.remove("ONE").unwrap();
        let again = KeyFile::open(directory.path()).unwrap().all();
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].0.as_str(), again[0].1.expose_secret()), ("TWO", "second"));
        let mode =
            std::fs::metadata(directory.path().join(KEYS_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        assert!(!format!("{keys:?}").contains("second"));
    }
}
