//! Secrets that the engine makes for itself: once, in a file of the data directory that nobody
//! else may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;

/// The secret in `path`; when there is no such file, what `make` makes, stored there first.
pub(crate) fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<SecretString> {
    let shown = path.display();
    match fs::read_to_string(path) {
        Ok(text) => {
            let secret = text.trim_end();
            anyhow::ensure!(
                !secret.is_empty(),
                "the key file {shown} is empty: restore it from a backup, or delete it to have a \
                 new one made"
            );
            Ok(SecretString::from(secret))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = make()?;
            store(path, &secret).with_context(|| format!("cannot write the key file {shown}"))?;
            Ok(SecretString::from(secret))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the key file {shown}")),
    }
}

/// 256 random bits, as text.
pub(crate) fn random_key() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).context("the operating system gives no random numbers")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}

/// A random password that has one character of each kind that the gateway asks for.
pub(crate) fn random_password() -> anyhow::Result<String> {
    let digits: String = random_key()?.chars().take(16).collect();
    Ok(format!("Demo-{digits}-0"))
}

/// Writes beside the file first: a power cut leaves either no file or a whole one.
fn store(path: &Path, secret: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // One that a killed engine left may have other rights.
        fs::remove_file(&beside).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwt.key");
        let made = read_or_make(&path, random_key).unwrap();
        assert_eq!(made.expose_secret().len(), 64);
        let again = read_or_make(&path, || anyhow::bail!("made twice")).unwrap();
        assert_eq!(made.expose_secret(), again.expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside");
    }

    #[test]
    fn an_empty_key_file_is_named_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwt.key");
        fs::write(&path, "\n").unwrap();
        let error = read_or_make(&path, random_key).unwrap_err().to_string();
        assert!(error.contains("jwt.key") && error.contains("empty"), "{error}");
    }

    #[test]
    fn a_key_file_that_cannot_be_written_is_named() {
        let error = read_or_make(Path::new("/proc/no/such/jwt.key"), random_key).unwrap_err();
        assert!(error.to_string().contains("jwt.key"), "{error}");
    }

    #[test]
    fn a_random_password_obeys_the_rules_of_the_gateway() {
        let password = random_password().unwrap();
        assert!(gateway::password::broken_rules(&password).is_empty(), "{password}");
        assert_ne!(password, random_password().unwrap());
    }
}
