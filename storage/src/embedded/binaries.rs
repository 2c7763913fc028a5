//! Where `initdb` and `postgres` are.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::EmbeddedError;
use crate::database::SERVER_MAJOR_MIN;

/// A directory with the server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
}

/// The parts of the environment that decide where to look.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// `PG_BIN_DIR`: looked at alone when set.
    pub(super) bin_dir: Option<PathBuf>,
    /// `PATH`.
    pub(super) path: OsString,
    /// Where the `run` script puts the downloaded bundle.
    pub(super) bundle: Option<PathBuf>,
}

impl Places {
    pub(super) fn from_environment() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
        Self {
            bin_dir: set("PG_BIN_DIR").map(PathBuf::from),
            path: set("PATH").unwrap_or_default(),
            bundle: cache.map(|cache| cache.join("troupe/postgres/bin")),
        }
    }

    /// The server to use: of the version that made the data, or the first place with a version new
    /// enough (the newest, where one place has several).
    pub(super) fn find(&self, data: &Path, wanted: Option<u32>) -> Result<Binaries, EmbeddedError> {
        let mut found = Vec::new();
        for group in self.groups() {
            let mut here: Vec<Binaries> = group.iter().filter_map(|dir| examine(dir)).collect();
            here.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
            found.append(&mut here);
        }
        if let (Some(dir), true) = (&self.bin_dir, found.is_empty()) {
            return Err(EmbeddedError::BinariesNotThere { dir: dir.clone() });
        }
        let mut majors: Vec<u32> = found.iter().map(|binaries| binaries.major).collect();
        majors.sort_unstable();
        majors.dedup();
        let suits = |major: u32| wanted.map_or(major >= SERVER_MAJOR_MIN, |wanted| major == wanted);
        found.into_iter().find(|binaries| suits(binaries.major)).ok_or(match wanted {
            Some(wanted) => {
                EmbeddedError::OtherMajorVersion { data: data.to_owned(), wanted, found: majors }
            }
            None => EmbeddedError::BinariesNotFound { minimum: SERVER_MAJOR_MIN, found: majors },
        })
    }

    /// Directories to look into, the preferred first.
    fn groups(&self) -> Vec<Vec<PathBuf>> {
        if let Some(dir) = &self.bin_dir {
            return vec![vec![dir.clone()]];
        }
        let below = |base: &str| -> Vec<PathBuf> {
            let entries = fs::read_dir(base).into_iter().flatten().flatten();
            entries.map(|entry| entry.path().join("bin")).collect()
        };
        let mut distribution = below("/usr/lib/postgresql");
        // Red Hat's packages and the usual place of a build from source.
        distribution.extend(below("/usr").into_iter().filter(|dir| {
            dir.parent()
                .and_then(Path::file_name)
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"pgsql"))
        }));
        distribution.push("/usr/local/pgsql/bin".into());
        let mut homebrew = below("/opt/homebrew/opt");
        homebrew.extend(below("/usr/local/opt"));
        // Links resolved: initdb looks for postgres beside its own file.
        let path = std::env::split_paths(&self.path)
            .filter_map(|dir| fs::canonicalize(dir.join("initdb")).ok())
            .filter_map(|initdb| initdb.parent().map(Path::to_owned))
            .collect();
        vec![distribution, homebrew, path, self.bundle.clone().into_iter().collect()]
    }
}

fn examine(dir: &Path) -> Option<Binaries> {
    if !dir.join("initdb").exists() {
        return None;
    }
    let output =
        Command::new(dir.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
    let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { dir: dir.to_owned(), major })
}

/// 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let number = text.split_once(") ")?.1;
    number.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{Places, major_version};

    /// A directory with programs that tell a version and do nothing else.
    fn fake_binaries(root: &Path, name: &str, version: &str) -> PathBuf {
        let dir = root.join(name);
        fs::create_dir_all(&dir).unwrap();
        for program in ["initdb", "postgres"] {
            let file = dir.join(program);
            fs::write(&file, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n"))
                .unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    #[test]
    fn the_major_version_is_read_from_what_each_packager_prints() {
        let rows = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 17.10", Some(17)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("something else", None),
        ];
        for (text, major) in rows {
            assert_eq!(major_version(text), major, "{text}");
        }
    }

    #[test]
    fn a_bin_dir_that_is_named_is_the_only_place_looked_at() {
        let root = tempfile::tempdir().unwrap();
        let named = fake_binaries(root.path(), "named", "16.1");
        let places = Places { bin_dir: Some(named.clone()), ..Places::from_environment() };
        let found = places.find(Path::new("data"), None).unwrap();
        assert_eq!((found.dir, found.major), (named, 16));
        let places = Places { bin_dir: Some(root.path().join("empty")), ..places };
        let error = places.find(Path::new("data"), None).unwrap_err();
        assert_eq!(error.code(), "embedded_binaries_not_there");
    }

    #[test]
    fn the_data_decides_the_version_and_a_missing_one_is_named() {
        let root = tempfile::tempdir().unwrap();
        let bundle = fake_binaries(root.path(), "bundle", "97.2");
        let places = Places { bundle: Some(bundle.clone()), ..Places::default() };
        assert_eq!(places.find(Path::new("data"), Some(97)).unwrap().dir, bundle);
        let error = places.find(Path::new("data"), Some(96)).unwrap_err();
        assert_eq!(error.code(), "embedded_other_major_version");
        assert!(error.to_string().contains("made by PostgreSQL 96"), "{error}");
        assert!(error.to_string().contains("97"), "{error}");
    }

    #[test]
    fn a_server_too_old_for_the_migrations_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let named = fake_binaries(root.path(), "old", "14.9");
        let places = Places { bin_dir: Some(named), ..Places::default() };
        let error = places.find(Path::new("data"), None).unwrap_err();
        assert_eq!(error.code(), "embedded_binaries_not_found");
        assert!(error.to_string().contains("only 14 was"), "{error}");
    }
}
