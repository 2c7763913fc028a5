//! The books on disk: one file of JSON lines, appended before anything is published.
//!
//! A kill between two instructions loses nothing that a client was told, because the line is with
//! the system before the answer is sent. A power cut may lose the newest lines: the file is not
//! synced per order, which would cost each one a disk turn.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::books::{Books, Record};
use crate::error::VenueError;
use crate::ids::Ids;

const BOOKS_FILE: &str = "books.jsonl";
const COMPACTED_FILE: &str = "books.jsonl.new";
const LOCK_FILE: &str = "lock";
/// Lines that the file may have beyond twice what a compacted one needs.
const SUPERFLUOUS_LINES_MAX: u64 = 10_000;

/// Where changes are written.
#[derive(Debug)]
pub(crate) enum Log {
    /// Nowhere: the books live and end with the process.
    Memory,
    File(LogFile),
}

/// The open file, and the lock that keeps a second venue away from it.
#[derive(Debug)]
pub(crate) struct LogFile {
    file: File,
    path: PathBuf,
    length_bytes: u64,
    _lock: File,
}

/// What a directory of books holds.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) books: Books,
    pub(crate) ids: Ids,
}

impl Opened {
    /// Fresh books in memory.
    pub(crate) fn ephemeral() -> Self {
        Self { log: Log::Memory, books: Books::default(), ids: Ids::fresh() }
    }

    /// The books in a directory, which is created when it is not there.
    pub(crate) fn directory(directory: &Path) -> Result<Self, VenueError> {
        std::fs::create_dir_all(directory).map_err(|source| failure(directory, source))?;
        let lock = lock(directory)?;
        let path = directory.join(BOOKS_FILE);
        let mut loaded = load(&path)?;
        let needed = count(loaded.books.order_count()) + count(loaded.books.activity_count());
        if loaded.lines > 2 * needed + SUPERFLUOUS_LINES_MAX {
            loaded.length_bytes = compact(directory, &loaded.books, &loaded.ids)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| failure(&path, source))?;
        file.seek(SeekFrom::End(0)).map_err(|source| failure(&path, source))?;
        let Loaded { books, ids, length_bytes, lines: _ } = loaded;
        Ok(Self { log: Log::File(LogFile { file, path, length_bytes, _lock: lock }), books, ids })
    }
}

impl Log {
    /// Writes records in one call. When that fails, whatever part of them reached the file is taken
    /// back, so that the next line starts on a line of its own.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let Self::File(log) = self else { return Ok(()) };
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, record)?;
            text.push(b'\n');
        }
        match log.file.write_all(&text) {
            Ok(()) => {
                log.length_bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
                Ok(())
            }
            Err(error) => {
                log.file.set_len(log.length_bytes)?;
                Err(error)
            }
        }
    }

    /// Makes what was written survive a power cut as well.
    pub(crate) fn sync(&self) -> Result<(), VenueError> {
        match self {
            Self::Memory => Ok(()),
            Self::File(log) => log.file.sync_all().map_err(|source| failure(&log.path, source)),
        }
    }
}

struct Loaded {
    books: Books,
    ids: Ids,
    length_bytes: u64,
    lines: u64,
}

fn lock(directory: &Path) -> Result<File, VenueError> {
    let path = directory.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| failure(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(VenueError::StoreLocked { path }),
        Err(TryLockError::Error(source)) => Err(failure(&path, source)),
    }
}

fn load(path: &Path) -> Result<Loaded, VenueError> {
    let mut loaded =
        Loaded { books: Books::default(), ids: Ids::fresh(), length_bytes: 0, lines: 0 };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(loaded),
        Err(source) => return Err(failure(path, source)),
    };
    let total_bytes = file.metadata().map_err(|source| failure(path, source))?.len();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|source| failure(path, source))?;
        if read == 0 {
            break;
        }
        let end = loaded.length_bytes + count(read);
        match (serde_json::from_slice::<Record>(&line), line.ends_with(b"\n")) {
            (Ok(record), true) => {
                loaded.ids = record.ids;
                loaded.books.apply(record.change);
                loaded.length_bytes = end;
                loaded.lines += 1;
            }
            // Killed in the middle of a write: nobody was told about this line.
            (_, _) if end == total_bytes => {
                tracing::warn!(path = %path.display(), bytes = read, "cut off the torn last line of the venue's books");
                cut(path, loaded.length_bytes)?;
                break;
            }
            (Err(error), _) => {
                return Err(VenueError::StoreDamaged {
                    path: path.to_owned(),
                    line: loaded.lines + 1,
                    reason: error.to_string(),
                });
            }
            (Ok(_), false) => break,
        }
    }
    Ok(loaded)
}

fn cut(path: &Path, length_bytes: u64) -> Result<(), VenueError> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(length_bytes))
        .map_err(|source| failure(path, source))
}

/// Writes the books anew as one line per thing, and puts the file in the old one's place in one
/// step, so that a kill at any moment leaves either the old file or the new one.
fn compact(directory: &Path, books: &Books, ids: &Ids) -> Result<u64, VenueError> {
    let path = directory.join(COMPACTED_FILE);
    let write = || -> io::Result<u64> {
        let mut writer = BufWriter::new(File::create(&path)?);
        for change in books.as_changes() {
            serde_json::to_writer(&mut writer, &Record { ids: ids.clone(), change })?;
            writer.write_all(b"\n")?;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let length_bytes = file.metadata()?.len();
        std::fs::rename(&path, directory.join(BOOKS_FILE))?;
        File::open(directory)?.sync_all()?;
        Ok(length_bytes)
    };
    let length_bytes = write().map_err(|source| failure(&path, source))?;
    tracing::info!(path = %directory.display(), bytes = length_bytes, "compacted the venue's books");
    Ok(length_bytes)
}

fn failure(path: &Path, source: io::Error) -> VenueError {
    VenueError::Store { path: path.to_owned(), source }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use rust_decimal::Decimal;

    use super::*;
    use crate::accounts::{Account, Configuration};
    use crate::books::Change;

    #[test]
    fn a_long_file_is_compacted_at_the_next_start_and_says_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
        let mut account = Account {
            id: ids.next(),
            key_id: "K".to_owned(),
            account_number: "PA1".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            cash: Decimal::ONE,
            multiplier: 1,
            last_equity: Decimal::ONE,
            last_maintenance_margin: Decimal::ZERO,
            last_day_use: Decimal::ZERO,
            configuration: Configuration::new(1),
            positions: std::collections::BTreeMap::new(),
            accrued_fees: crate::fills::fees::Accrued::default(),
        };
        let mut records = Vec::new();
        for cash in 0..=SUPERFLUOUS_LINES_MAX {
            account.cash = Decimal::from(cash);
            let change = Change::Account { account: account.clone() };
            records.push(Record { ids: ids.clone(), change });
        }
        log.append(&records).unwrap();
        let path = directory.path().join(BOOKS_FILE);
        let long = std::fs::metadata(&path).unwrap().len();
        drop(log);
        let Opened { log, books, ids: mut again } = Opened::directory(directory.path()).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() * 1_000 < long);
        assert_eq!(books.account(account.id), Some(&account));
        assert_eq!(again.next(), ids.next());
        drop(log);
        let Opened { books, .. } = Opened::directory(directory.path()).unwrap();
        assert_eq!(books.account(account.id), Some(&account));
    }
}
