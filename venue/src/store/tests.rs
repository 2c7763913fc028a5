//! What the file says after it was torn, damaged, grown long, or written by another version.

use chrono::DateTime;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::accounts::{Account, Configuration};
use crate::books::Change;

/// An account as an early version wrote it: what came later has a default.
fn account(ids: &mut Ids) -> Account {
    let account = serde_json::json!({
        "id": ids.next(),
        "key_id": "K",
        "account_number": "PA1",
        "created_at": DateTime::UNIX_EPOCH,
        "cash": Decimal::ONE,
        "multiplier": 1,
        "last_equity": Decimal::ONE,
        "configuration": Configuration::new(1),
        "positions": {},
    });
    serde_json::from_value(account).unwrap()
}

/// Commits of one to three lines; each leaves its number as the account's cash.
fn commits(account: &Account, ids: &Ids, count: i64) -> Vec<Vec<Record>> {
    let record = |cash: i64, last_equity: i64| {
        let account = Account {
            cash: Decimal::from(cash),
            last_equity: Decimal::from(last_equity),
            ..account.clone()
        };
        Record { ids: ids.clone(), change: Change::Account { account } }
    };
    let commit = |number: i64| {
        // Only the last line of a commit says that it is whole.
        let mut records: Vec<Record> = (0..number % 3).map(|_| record(-1, -1)).collect();
        records.push(record(number, number));
        records
    };
    (1..=count).map(commit).collect()
}

fn cash(opened: &Opened, id: Uuid) -> Option<Decimal> {
    opened.books.account(id).map(|account| account.cash)
}

#[test]
fn a_file_cut_at_any_byte_opens_with_every_whole_commit_and_no_part_of_one() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    let mut ends = vec![0];
    for commit in commits(&account, &ids, 5) {
        log.append(&commit).unwrap();
        ends.push(log.state().unwrap().length_bytes);
    }
    drop(log);
    let path = directory.path().join(BOOKS_FILE);
    let whole = std::fs::read(&path).unwrap();
    // Every byte near the end of a line, and some of those in between.
    let near = |length: usize| {
        let from = length.saturating_sub(2);
        whole.iter().skip(from).take(4).any(|byte| *byte == b'\n')
    };
    for length in (0..=whole.len()).filter(|length| length % 97 == 0 || near(*length)) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let opened = Opened::directory(directory.path()).unwrap();
        let commits = ends.iter().filter(|end| **end > 0 && **end <= count(length)).count();
        let expected = (commits > 0).then(|| Decimal::from(commits));
        assert_eq!(cash(&opened, account.id), expected, "cut at byte {length}");
        let state = opened.log.state().unwrap();
        assert_eq!(state.length_bytes, ends[commits]);
        assert_eq!(state.torn_bytes, count(length) - ends[commits]);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ends[commits]);
    }
}

#[test]
fn what_is_written_after_a_torn_commit_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    let commits = commits(&account, &ids, 2);
    log.append(&commits[0]).unwrap();
    log.append(&commits[1]).unwrap();
    drop(log);
    let path = directory.path().join(BOOKS_FILE);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let mut opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::ONE));
    opened.log.append(&commits[1]).unwrap();
    drop(opened);
    let opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::TWO));
    assert_eq!(opened.log.state().unwrap().torn_bytes, 0);
}

#[test]
fn a_damaged_line_is_named_with_its_place_wherever_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    for commit in commits(&account, &ids, 4) {
        log.append(&commit).unwrap();
    }
    drop(log);
    let path = directory.path().join(BOOKS_FILE);
    let whole = std::fs::read(&path).unwrap();
    let starts: Vec<usize> = std::iter::once(0)
        .chain((0..whole.len()).filter(|at| whole[*at] == b'\n').map(|end| end + 1))
        .take_while(|start| *start < whole.len())
        .collect();
    for (index, start) in starts.iter().enumerate() {
        let mut damaged = whole.clone();
        // A digit in the middle of a line: still JSON, but not what was written.
        let at = (start + 60..whole.len()).find(|at| damaged[*at].is_ascii_digit()).unwrap();
        damaged[at] = if damaged[at] == b'9' { b'8' } else { b'9' };
        std::fs::write(&path, &damaged).unwrap();
        match Opened::directory(directory.path()).unwrap_err() {
            VenueError::StoreDamaged { path: named, line, offset_bytes, .. } => {
                assert_eq!((line, offset_bytes), (count(index) + 1, count(*start)));
                assert_eq!(named, path);
            }
            other => panic!("{other}"),
        }
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "a damaged file is left as it is");
    }
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(BOOKS_FILE);
    let text = "{\"v\":9,\"anything\":\"else\"}\n";
    std::fs::write(&path, text).unwrap();
    let error = Opened::directory(directory.path()).unwrap_err();
    assert!(matches!(error, VenueError::StoreNewer { line: 1, version: 9, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn lines_of_the_first_version_are_read_and_go_on_in_the_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(BOOKS_FILE);
    let mut ids = Ids::fresh();
    let account = account(&mut ids);
    let commits = commits(&account, &ids, 3);
    let mut old = Vec::new();
    for record in commits.iter().take(2).flatten() {
        serde_json::to_writer(&mut old, record).unwrap();
        old.push(b'\n');
    }
    std::fs::write(&path, &old).unwrap();
    let mut opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::TWO));
    opened.log.append(&commits[2]).unwrap();
    drop(opened);
    let opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::from(3)));
}

fn fill(log: &mut Log, account: &Account, ids: &Ids, lines: u64) {
    let mut records = Vec::new();
    for cash in 0..lines {
        let account = Account { cash: Decimal::from(cash), ..account.clone() };
        records.push(Record { ids: ids.clone(), change: Change::Account { account } });
    }
    log.append(&records).unwrap();
}

#[test]
fn a_long_file_is_compacted_at_the_next_start_and_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    fill(&mut log, &account, &ids, SUPERFLUOUS_LINES_MAX + 9);
    let long = log.state().unwrap().length_bytes;
    drop(log);
    for _ in 0..2 {
        let Opened { log, books, ids: mut again } = Opened::directory(directory.path()).unwrap();
        let state = log.state().unwrap();
        assert!(state.length_bytes * 1_000 < long && state.lines <= 2, "{state:?}");
        let found = books.account(account.id).unwrap();
        assert_eq!(found.cash, Decimal::from(SUPERFLUOUS_LINES_MAX + 8));
        assert_eq!(again.next(), ids.clone().next());
    }
}

#[test]
fn a_running_venue_compacts_too_and_writes_on_in_the_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut books, mut ids } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    books.apply(Change::Account { account: account.clone() });
    log.compact_if_long(&books, &ids);
    if let Log::File(file) = &mut log {
        file.superfluous_lines_max = 400;
    }
    fill(&mut log, &account, &ids, 300);
    log.compact_if_long(&books, &ids);
    assert_eq!(log.state().unwrap().lines, 300, "not long yet");
    fill(&mut log, &account, &ids, 300);
    let long = log.state().unwrap();
    log.compact_if_long(&books, &ids);
    let short = log.state().unwrap();
    assert!(short.lines <= 2 && short.length_bytes * 100 < long.length_bytes, "{short:?}");
    fill(&mut log, &account, &ids, 8);
    drop(log);
    let opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::from(7)));
    assert_eq!(opened.log.state().unwrap().lines, short.lines + 8);
}

#[test]
fn a_compaction_that_was_killed_leaves_the_old_file_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let Opened { mut log, mut ids, .. } = Opened::directory(directory.path()).unwrap();
    let account = account(&mut ids);
    fill(&mut log, &account, &ids, SUPERFLUOUS_LINES_MAX + 9);
    drop(log);
    std::fs::write(directory.path().join(COMPACTED_FILE), "{\"v\":2,\"cr").unwrap();
    let opened = Opened::directory(directory.path()).unwrap();
    assert_eq!(cash(&opened, account.id), Some(Decimal::from(SUPERFLUOUS_LINES_MAX + 8)));
    assert!(!directory.path().join(COMPACTED_FILE).exists());
}
