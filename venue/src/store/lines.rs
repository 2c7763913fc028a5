//! The lines of the books' file.
//!
//! Each is a JSON object that starts with a version, a checksum of the rest, and how many lines of
//! the same commit follow. A commit is read whole or not at all, however a kill has torn it. A line
//! that starts otherwise is of the first version, which had neither.

use std::io;

use flate2::Crc;

use crate::books::Record;

/// The version that is written.
const VERSION: u64 = 2;
/// How a line of the first version starts.
const FIRST_VERSION_START: &str = "{\"ids\":";
const VERSION_START: &str = "{\"v\":";
const CHECKSUM_START: &str = ",\"crc\":\"";
const CHECKSUM_END: &str = "\",";
const CHECKSUM_DIGITS: usize = 8;
const LEFT_START: &str = "\"left\":";

/// A line that was read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) record: Record,
    /// Lines of the same commit that follow.
    pub(super) left: u64,
}

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It was written by a later version of the venue.
    Newer(u64),
    Damaged(String),
}

/// Writes the lines of one commit.
pub(super) fn write(records: &[Record], text: &mut Vec<u8>) -> io::Result<()> {
    for (index, record) in records.iter().enumerate() {
        let left = records.len() - 1 - index;
        let json = serde_json::to_vec(record)?;
        let mut rest = format!("{LEFT_START}{left},").into_bytes();
        // The record is an object: what comes after its brace goes on after ours.
        rest.extend_from_slice(json.get(1..).unwrap_or_default());
        let checksum = checksum(&rest);
        let start = format!("{VERSION_START}{VERSION}{CHECKSUM_START}{checksum:08x}{CHECKSUM_END}");
        text.extend_from_slice(start.as_bytes());
        text.extend_from_slice(&rest);
        text.push(b'\n');
    }
    Ok(())
}

/// Reads a line, without its end.
pub(super) fn read(line: &[u8]) -> Result<Line, Unreadable> {
    if line.starts_with(FIRST_VERSION_START.as_bytes()) {
        return Ok(Line { record: record(line)?, left: 0 });
    }
    let after = line
        .strip_prefix(VERSION_START.as_bytes())
        .ok_or_else(|| damaged("it does not start like a line of the books"))?;
    let (version, after) = number(after)?;
    if version > VERSION {
        return Err(Unreadable::Newer(version));
    } else if version < VERSION {
        return Err(damaged("its version was never written"));
    }
    let rest = (|| {
        let after = after.strip_prefix(CHECKSUM_START.as_bytes())?;
        let (digits, after) = after.split_at_checked(CHECKSUM_DIGITS)?;
        let rest = after.strip_prefix(CHECKSUM_END.as_bytes())?;
        (digits == format!("{:08x}", checksum(rest)).as_bytes()).then_some(rest)
    })();
    let rest = rest.ok_or_else(|| damaged("its checksum does not match"))?;
    let after = rest.strip_prefix(LEFT_START.as_bytes()).ok_or_else(|| damaged("no count"))?;
    let (left, _record) = number(after)?;
    Ok(Line { record: record(line)?, left })
}

fn record(line: &[u8]) -> Result<Record, Unreadable> {
    serde_json::from_slice(line).map_err(|error| Unreadable::Damaged(error.to_string()))
}

fn number(text: &[u8]) -> Result<(u64, &[u8]), Unreadable> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = text.split_at(digits);
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    number.map(|number| (number, after)).ok_or_else(|| damaged("no number where one belongs"))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn damaged(reason: &str) -> Unreadable {
    Unreadable::Damaged(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use uuid::Uuid;

    use super::*;
    use crate::books::Change;
    use crate::ids::Ids;

    fn equity(at: i64) -> Record {
        let equities = vec![(Uuid::from_u128(1), Decimal::from(at))];
        Record { ids: Ids::fresh(), change: Change::Equity { at, equities } }
    }

    fn lines(records: &[Record]) -> Vec<Vec<u8>> {
        let mut text = Vec::new();
        write(records, &mut text).unwrap();
        text.split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .filter(|line| !line.is_empty())
            .collect()
    }

    #[test]
    fn a_commit_says_on_each_line_how_many_follow() {
        let written = lines(&[equity(1), equity(2), equity(3)]);
        let left: Vec<u64> = written.iter().map(|line| read(line).unwrap().left).collect();
        assert_eq!(left, [2, 1, 0]);
        let line: serde_json::Value = serde_json::from_slice(&written[1]).unwrap();
        assert_eq!((&line["v"], &line["change"]), (&2.into(), &"equity".into()));
        match read(&written[2]).unwrap().record.change {
            Change::Equity { at, .. } => assert_eq!(at, 3),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_byte_of_a_line_changes_unnoticed() {
        let line = lines(&[equity(17)]).remove(0);
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.clone();
                changed[at] ^= 1 << bit;
                assert!(read(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_line_of_the_first_version_is_read_and_one_of_the_next_is_refused() {
        let old = serde_json::to_vec(&equity(5)).unwrap();
        assert_eq!(read(&old).unwrap().left, 0);
        let line = String::from_utf8(lines(&[equity(5)]).remove(0)).unwrap();
        let newer = line.replacen("{\"v\":2", "{\"v\":3", 1);
        assert_eq!(read(newer.as_bytes()).unwrap_err(), Unreadable::Newer(3));
    }
}
