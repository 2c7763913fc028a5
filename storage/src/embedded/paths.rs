//! The cluster's directory: `data`, `run` (the socket), `postgres.log`, `engine.lock`.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::EmbeddedError;

/// Makes the directory and answers its absolute path without symbolic links.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(dir).map_err(EmbeddedError::io("cannot create the directory", dir))?;
    fs::canonicalize(dir).map_err(EmbeddedError::io("cannot open the directory", dir))
}

/// Keeps a second engine out for as long as the file is open.
pub(super) fn lock(dir: &Path) -> Result<File, EmbeddedError> {
    let path = dir.join("engine.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(EmbeddedError::io("cannot open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::AlreadyInUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(EmbeddedError::io("cannot lock", &path)(error)),
    }
}

/// The directory of the socket: `run` inside ours, or one in the temporary directory where that
/// path would be longer than a socket's may be. An existing one must belong to one of `owners`.
pub(super) fn socket_dir(dir: &Path, owners: &[u32]) -> Result<PathBuf, EmbeddedError> {
    let inside = dir.join("run");
    let path = if inside.as_os_str().len() <= SOCKET_DIR_BYTES_MAX {
        inside
    } else {
        // The same name at each start, or an earlier server could not be found again.
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, dir.as_os_str().as_encoded_bytes());
        std::env::temp_dir().join(format!("troupe-postgres-{name}"))
    };
    match DirBuilder::new().mode(0o700).create(&path) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // In the temporary directory anybody may have made it: it must be ours and closed.
            let found =
                fs::symlink_metadata(&path).map_err(EmbeddedError::io("cannot look at", &path))?;
            let trusted = owners.contains(&found.uid());
            if !found.is_dir() || !trusted {
                return Err(EmbeddedError::SocketDirectoryForeign { dir: path });
            }
            fs::set_permissions(&path, Permissions::from_mode(0o700))
                .map_err(EmbeddedError::io("cannot close to others", &path))?;
            Ok(path)
        }
        Err(error) => Err(EmbeddedError::io("cannot create the socket directory", &path)(error)),
    }
}

/// Opens the log for appending; a large one is set aside first, so that two files at most grow.
pub(super) fn open_log(path: &Path) -> Result<File, EmbeddedError> {
    if fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.1"))
            .map_err(EmbeddedError::io("cannot set aside", path))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(EmbeddedError::io("cannot open", path))
}

/// A path for use in a URL's query.
pub(super) fn url_encoded(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

/// A socket's path may have 107 bytes; the file in it is `/.s.PGSQL.5432.lock`.
const SOCKET_DIR_BYTES_MAX: usize = 85;

/// Checked at each start.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::super::system::effective_user_id;
    use super::{open_log, socket_dir, url_encoded};

    #[test]
    fn a_path_with_spaces_and_signs_survives_a_url() {
        let rows = [
            ("/var/data/run", "/var/data/run"),
            ("/my data/a&b?c+d", "/my%20data/a%26b%3Fc%2Bd"),
            ("/straße", "/stra%C3%9Fe"),
        ];
        for (path, url) in rows {
            assert_eq!(url_encoded(Path::new(path)), url);
        }
    }

    #[test]
    fn a_socket_directory_somebody_else_could_have_made_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ours = effective_user_id();
        let made = socket_dir(dir.path(), &[ours]).unwrap();
        assert_eq!(made, dir.path().join("run"));
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o777)).unwrap();
        socket_dir(dir.path(), &[ours]).unwrap();
        assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::remove_dir(&made).unwrap();
        symlink("/tmp", &made).unwrap();
        let error = socket_dir(dir.path(), &[ours]).unwrap_err();
        assert_eq!(error.code(), "embedded_socket_directory_foreign");
    }

    #[test]
    fn a_large_log_is_set_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("postgres.log");
        open_log(&log).unwrap().set_len(super::LOG_BYTES_MAX + 1).unwrap();
        assert_eq!(open_log(&log).unwrap().metadata().unwrap().len(), 0);
        let aside = std::fs::metadata(dir.path().join("postgres.log.1")).unwrap();
        assert_eq!(aside.len(), super::LOG_BYTES_MAX + 1);
    }
}
