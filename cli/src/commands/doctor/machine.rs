//! The machine: cores, memory, open files, clock, disk, ports.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use config::Settings;

use super::Finding;

const MEMORY_MIN_MB: u64 = 512;
const DISK_MIN_MB: u64 = 200;
const DISK_GOOD_MB: u64 = 2_048;
/// Each client of the live updates is one open file, and the database and the feeds want theirs.
const OPEN_FILES_GOOD: u64 = 4_096;

/// A moment this program cannot have been started before.
const RELEASED: &str = "2026-01-01T00:00:00Z";

/// What the machine offers, whatever the settings.
pub(super) fn look() -> Vec<Finding> {
    vec![cores(), memory(), open_files(), clock(wall_clock())]
}

/// What the settings want of the machine: a directory and two ports.
pub(super) fn look_at_places(settings: &Settings) -> Vec<Finding> {
    let mut findings = disk(&settings.storage.data_dir);
    findings.push(port("port", settings.server.listen, "--listen"));
    if settings.venue.enabled {
        findings.push(port("venue port", settings.venue.listen, "--venue-listen"));
    }
    findings
}

fn cores() -> Finding {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() >= 2 => Finding::ok("cores", cores.to_string()),
        Ok(_) => Finding::warn("cores", "1", "two or more keep prices and users apart"),
        Err(error) => Finding::warn("cores", format!("unknown: {error}"), "nothing, most likely"),
    }
}

fn memory() -> Finding {
    let available_mb = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| number_after(&text, "MemAvailable:"))
        .map(|kb| kb / 1024);
    match available_mb {
        Some(mb) if mb >= MEMORY_MIN_MB => Finding::ok("memory", format!("{mb} MB available")),
        Some(mb) => Finding::warn(
            "memory",
            format!("{mb} MB available"),
            format!("free some: the engine and its database want {MEMORY_MIN_MB} MB"),
        ),
        None => Finding::ok("memory", "not known on this system"),
    }
}

fn open_files() -> Finding {
    let limit = std::fs::read_to_string("/proc/self/limits").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("Max open files"))?.to_owned();
        if line.contains("unlimited") { Some(u64::MAX) } else { number_after(&line, "files") }
    });
    match limit {
        Some(limit) if limit >= OPEN_FILES_GOOD => {
            Finding::ok("open files", format!("up to {limit}"))
        }
        Some(limit) => Finding::warn(
            "open files",
            format!("up to {limit}"),
            "for many live clients: ulimit -n 65536 before the start",
        ),
        None => Finding::ok("open files", "limit not known on this system"),
    }
}

fn clock(now: DateTime<Utc>) -> Finding {
    let released: Option<DateTime<Utc>> = RELEASED.parse().ok();
    if released.is_some_and(|released| now < released) {
        return Finding::fail(
            "clock",
            format!("{} cannot be", now.to_rfc3339()),
            "set the clock and keep it set (chrony, systemd-timesyncd): tokens, bars and orders \
             carry its time",
        );
    }
    Finding::ok("clock", now.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn disk(data_dir: &Path) -> Vec<Finding> {
    let existing = nearest_existing(data_dir);
    let shown = data_dir.display();
    let mut findings = vec![match writable(&existing) {
        Ok(()) if existing == data_dir => Finding::ok("data", format!("{shown} is writable")),
        Ok(()) => Finding::ok("data", format!("{shown} does not exist yet; it can be made")),
        Err(error) => Finding::fail(
            "data",
            format!("{shown} cannot be written: {error}"),
            "choose another directory with --data-dir, or change its owner",
        ),
    }];
    findings.push(match free_mb(&existing) {
        Some(mb) if mb >= DISK_GOOD_MB => Finding::ok("disk", format!("{mb} MB free at {shown}")),
        Some(mb) if mb >= DISK_MIN_MB => Finding::warn(
            "disk",
            format!("{mb} MB free at {shown}"),
            format!("make room: bars and the journal grow, {DISK_GOOD_MB} MB is comfortable"),
        ),
        Some(mb) => Finding::fail(
            "disk",
            format!("{mb} MB free at {shown}"),
            format!("make room, or choose another --data-dir: {DISK_MIN_MB} MB is the least"),
        ),
        None => Finding::ok("disk", "free space not known on this system"),
    });
    findings
}

/// Whether an address can be listened on at this moment.
fn port(check: &'static str, address: SocketAddr, flag: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::fail(
            check,
            format!("{address} is in use"),
            format!("is another troupe running? Stop it, or choose another with {flag}"),
        ),
        Err(error) => Finding::fail(
            check,
            format!("{address} cannot be listened on: {error}"),
            format!("choose another address with {flag}"),
        ),
    }
}

/// The path itself, or the nearest parent that is there.
fn nearest_existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|ancestor| ancestor.exists());
    match found {
        Some(found) if !found.as_os_str().is_empty() => found.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn writable(directory: &Path) -> io::Result<()> {
    let probe = directory.join(format!(".troupe-doctor-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

/// Asks `df`, because the standard library cannot.
fn free_mb(directory: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(directory).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let available_kb: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(available_kb / 1024)
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "the wall clock itself is what is looked at")]
fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_clock_before_the_release_fails_and_one_after_it_does_not() {
        assert_eq!(clock("1970-01-01T00:00:10Z".parse().unwrap()).status, Status::Fail);
        assert_eq!(clock("2027-01-01T00:00:00Z".parse().unwrap()).status, Status::Ok);
    }

    #[test]
    fn a_taken_port_fails_and_names_itself_and_the_flag() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let finding = port("port", address, "--listen");
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.detail.contains(&address.to_string()), "{}", finding.detail);
        assert!(finding.advice.unwrap().contains("--listen"));
        drop(taken);
        assert_eq!(port("port", address, "--listen").status, Status::Ok);
    }

    #[test]
    fn a_directory_to_be_made_is_judged_by_its_nearest_parent() {
        let directory = tempfile::tempdir().unwrap();
        let findings = disk(&directory.path().join("a/b/c"));
        assert!(findings[0].detail.ends_with("it can be made"), "{}", findings[0].detail);
        assert_eq!(findings[0].status, Status::Ok);
        assert_eq!(nearest_existing(Path::new("data")), PathBuf::from("."));
    }

    #[test]
    fn a_file_where_the_directory_should_be_fails() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let findings = disk(&file.path().join("data"));
        assert_eq!(findings[0].status, Status::Fail);
    }

    #[test]
    fn numbers_are_read_behind_their_label() {
        assert_eq!(number_after("MemAvailable:   2048 kB", "MemAvailable:"), Some(2048));
        assert_eq!(number_after("nothing", "MemAvailable:"), None);
    }
}
