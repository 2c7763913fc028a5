//! The books on disk: one file of JSON lines, appended before anything is published.
//!
//! A kill between two instructions loses nothing that a client was told, because the line is with
//! the system before the answer is sent. A power cut may lose the newest lines: the file is not
//! synced per order, which would cost each one a disk turn.

mod lines;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use self::lines::{Line, Unreadable};
use crate::books::{Books, Record};
use crate::error::VenueError;
use crate::ids::Ids;

const BOOKS_FILE: &str = "books.jsonl";
const COMPACTED_FILE: &str = "books.jsonl.new";
const LOCK_FILE: &str = "lock";
/// Lines that the file may have beyond twice what a compacted one has.
const SUPERFLUOUS_LINES_MAX: u64 = 10_000;
/// The same while the venue runs, where compacting holds up everybody.
const SUPERFLUOUS_LINES_MAX_RUNNING: u64 = 200_000;

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
    directory: PathBuf,
    file: File,
    length_bytes: u64,
    lines: u64,
    /// Lines that a compacted file had when it was last known.
    needed_lines: u64,
    torn_bytes: u64,
    /// Lines beyond twice the needed ones that may stand while the venue runs.
    superfluous_lines_max: u64,
    _lock: File,
}

/// What a directory of books holds.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) books: Books,
    pub(crate) ids: Ids,
}

/// The books' file as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogState {
    pub(crate) length_bytes: u64,
    pub(crate) lines: u64,
    /// Bytes of a torn commit that were cut off at the start.
    pub(crate) torn_bytes: u64,
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
        let loaded = load(&path)?;
        let Loaded { books, ids, length_bytes, lines, torn_bytes } = loaded;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let mut log = LogFile {
            directory: directory.to_owned(),
            file: file.map_err(|source| failure(&path, source))?,
            length_bytes,
            lines,
            needed_lines: count(books.as_changes().count()),
            torn_bytes,
            superfluous_lines_max: SUPERFLUOUS_LINES_MAX_RUNNING,
            _lock: lock,
        };
        if log.lines > log.bound(SUPERFLUOUS_LINES_MAX) {
            log.compact(&books, &ids).map_err(|source| failure(&path, source))?;
        }
        Ok(Self { log: Log::File(log), books, ids })
    }
}

impl Log {
    /// Writes the records of one commit in one call. When that fails, whatever part of them reached
    /// the file is taken back, so that the next line starts on a line of its own.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let Self::File(log) = self else { return Ok(()) };
        let mut text = Vec::new();
        lines::write(records, &mut text)?;
        match log.file.write_all(&text) {
            Ok(()) => {
                log.length_bytes += count(text.len());
                log.lines += count(records.len());
                Ok(())
            }
            Err(error) => {
                log.file.set_len(log.length_bytes)?;
                Err(error)
            }
        }
    }

    /// Writes the books anew when most of the file is about what is over. A failure leaves the file
    /// as it was, which is only longer.
    pub(crate) fn compact_if_long(&mut self, books: &Books, ids: &Ids) {
        let Self::File(log) = self else { return };
        if log.lines <= log.bound(log.superfluous_lines_max) {
            return;
        }
        if let Err(error) = log.compact(books, ids) {
            tracing::warn!(%error, "the venue's books could not be compacted, they stay as they are");
            // Not again with every order.
            log.needed_lines = log.lines;
        }
    }

    /// Makes what was written survive a power cut as well.
    pub(crate) fn sync(&self) -> Result<(), VenueError> {
        match self {
            Self::Memory => Ok(()),
            Self::File(log) => log.file.sync_all().map_err(|source| failure(&log.path(), source)),
        }
    }

    /// How the file stands; `None` when there is none.
    pub(crate) fn state(&self) -> Option<LogState> {
        let Self::File(LogFile { length_bytes, lines, torn_bytes, .. }) = self else { return None };
        Some(LogState { length_bytes: *length_bytes, lines: *lines, torn_bytes: *torn_bytes })
    }
}

impl LogFile {
    fn path(&self) -> PathBuf {
        self.directory.join(BOOKS_FILE)
    }

    fn bound(&self, superfluous: u64) -> u64 {
        self.needed_lines.saturating_mul(2).saturating_add(superfluous)
    }

    /// Writes the books anew as one line per thing, and puts the file in the old one's place in one
    /// step, so that a kill at any moment leaves either the old file or the new one.
    fn compact(&mut self, books: &Books, ids: &Ids) -> io::Result<()> {
        let path = self.directory.join(COMPACTED_FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
        let mut writer = BufWriter::new(file);
        let mut lines = 0;
        let mut text = Vec::new();
        for change in books.as_changes() {
            text.clear();
            lines::write(&[Record { ids: ids.clone(), change }], &mut text)?;
            writer.write_all(&text)?;
            lines += 1;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let length_bytes = file.metadata()?.len();
        std::fs::rename(&path, self.path())?;
        // From here on the new file is the one that is read at the next start.
        (self.file, self.length_bytes) = (file, length_bytes);
        (self.lines, self.needed_lines) = (lines, lines);
        let path = self.directory.display();
        tracing::info!(%path, bytes = length_bytes, lines, "compacted the venue's books");
        File::open(&self.directory)?.sync_all()
    }
}

struct Loaded {
    books: Books,
    ids: Ids,
    length_bytes: u64,
    lines: u64,
    torn_bytes: u64,
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

/// Reads the file commit by commit. What follows the last whole commit is cut off when it can only
/// be a torn write; anything else is an error.
fn load(path: &Path) -> Result<Loaded, VenueError> {
    let (books, ids) = (Books::default(), Ids::fresh());
    let mut loaded = Loaded { books, ids, length_bytes: 0, lines: 0, torn_bytes: 0 };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(loaded),
        Err(source) => return Err(failure(path, source)),
    };
    let total_bytes = file.metadata().map_err(|source| failure(path, source))?.len();
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    let mut commit: Vec<Record> = Vec::new();
    let mut offset_bytes = 0;
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text).map_err(|source| failure(path, source))?;
        // A line without an end was being written when the process ended: nobody was told of it.
        let Some(line) = text.strip_suffix(b"\n") else { break };
        let number = loaded.lines + count(commit.len()) + 1;
        let Line { record, left } =
            lines::read(line).map_err(|why| unreadable(path, number, offset_bytes, why))?;
        offset_bytes += count(read);
        commit.push(record);
        if left == 0 {
            loaded.take(&mut commit, offset_bytes);
        }
    }
    loaded.torn_bytes = total_bytes - loaded.length_bytes;
    if loaded.torn_bytes > 0 {
        tracing::warn!(
            path = %path.display(), bytes = loaded.torn_bytes,
            "cut off the torn last commit of the venue's books"
        );
        cut(path, loaded.length_bytes)?;
    }
    Ok(loaded)
}

impl Loaded {
    fn take(&mut self, commit: &mut Vec<Record>, end_bytes: u64) {
        self.lines += count(commit.len());
        self.length_bytes = end_bytes;
        for record in commit.drain(..) {
            self.ids = record.ids;
            self.books.apply(record.change);
        }
    }
}

fn unreadable(path: &Path, line: u64, offset_bytes: u64, why: Unreadable) -> VenueError {
    let path = path.to_owned();
    match why {
        Unreadable::Newer(version) => VenueError::StoreNewer { path, line, version },
        Unreadable::Damaged(reason) => {
            VenueError::StoreDamaged { path, line, offset_bytes, reason }
        }
    }
}

fn cut(path: &Path, length_bytes: u64) -> Result<(), VenueError> {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(length_bytes))
        .map_err(|source| failure(path, source))
}

fn failure(path: &Path, source: io::Error) -> VenueError {
    VenueError::Store { path: path.to_owned(), source }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
