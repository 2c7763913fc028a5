//! What is taken, what is refused and with which words.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const HEADER: &str = "timestamp,open,high,low,close,volume\n";

fn in_a_file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = write(&directory, name, text);
    (directory, path)
}

fn write(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn read(name: &str, text: &str, selection: &Selection) -> Result<Series, BarFileError> {
    let (_directory, path) = in_a_file(name, text);
    read_file(&path, None, selection)
}

fn in_length(timeframe: &str) -> Selection {
    Selection { timeframe: Some(timeframe.parse().unwrap()), ..Selection::default() }
}

#[test]
fn a_daily_file_becomes_bars_and_is_named_after_its_ticker() {
    let rows = "2024-01-02,10,12,9,11,1000\n2024-01-03T00:00:00Z,11,11.5,10.5,11.25,2e3\n\
                2024-01-04T01:00:00+01:00,11,12,10,12,0\n";
    let series =
        read("AAPL_1d_wiki.csv", &format!("{HEADER}{rows}"), &Selection::default()).unwrap();
    assert_eq!((series.name.as_str(), series.timeframe), ("AAPL", Timeframe::DAY));
    assert!(!series.every_day);
    let times: Vec<String> = series.bars.iter().map(|bar| bar.at.to_rfc3339()).collect();
    assert_eq!(times[2], "2024-01-04T00:00:00+00:00", "zones are turned into UTC");
    let bar = series.bars[1];
    assert_eq!((bar.open, bar.high, bar.low, bar.close), (11.0, 11.5, 10.5, 11.25));
    assert_eq!((bar.volume, bar.seconds), (2000.0, 86_400));
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let text = "Close,Timestamp,Adj Close,Low,High,Volume,Open\n11,2024-01-02,0,9,12,5,10\n";
    let bar = read("X.csv", text, &Selection::default()).unwrap().bars[0];
    assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.volume), (10.0, 12.0, 9.0, 11.0, 5.0));
}

#[test]
fn each_fault_is_refused_with_its_row_and_reason() {
    let good = "2024-01-02,10,12,9,11,1\n";
    let rows = [
        ("2024-01-03,NaN,12,9,11,1", "not_a_number", "open `NaN` is not a finite number"),
        ("2024-01-03,10,inf,9,11,1", "not_a_number", "high `inf` is not a finite number"),
        ("2024-01-03,10,12,nine,11,1", "not_a_number", "low `nine` is not a finite number"),
        ("2024-01-03,10,12,0,11,1", "fault", "low is 0, a price is above zero"),
        ("2024-01-03,10,12,9,-11,1", "fault", "close is -11, a price is above zero"),
        ("2024-01-03,10,9,12,11,1", "fault", "high 9 is below low 12"),
        ("2024-01-03,13,12,9,11,1", "fault", "open 13 is outside low 9 to high 12"),
        ("2024-01-03,10,12,9,8,1", "fault", "close 8 is outside low 9 to high 12"),
        ("2024-01-03,10,12,9,11,-1", "fault", "volume is -1, below zero"),
        (
            "2024-01-02,10,12,9,11,1",
            "duplicate_timestamp",
            "2024-01-02T00:00:00Z stands in the row before already",
        ),
        (
            "2024-01-01,10,12,9,11,1",
            "unsorted_timestamp",
            "2024-01-01T00:00:00Z is before that of the row before, 2024-01-02T00:00:00Z",
        ),
        ("03/01/2024,10,12,9,11,1", "not_a_time", "`03/01/2024` is neither"),
        ("2024-01-03 10:00:00,10,12,9,11,1", "not_a_time", "an instant with its zone"),
        ("2024-01-03,10,12,9,11", "no_value", "column `volume` has no value"),
        ("2024-01-03,10,,9,11,1", "no_value", "column `high` has no value"),
    ];
    for (row, code, words) in rows {
        let error =
            read("X.csv", &format!("{HEADER}{good}{row}\n"), &Selection::default()).unwrap_err();
        assert_eq!(error.reason.code(), code, "{row}");
        let text = error.to_string();
        assert!(text.contains("X.csv, row 3: ") && text.contains(words), "{text}");
    }
}

#[test]
fn files_that_hold_nothing_usable_are_refused_as_a_whole() {
    let rows = [
        ("", "missing_column", "column `timestamp` is missing"),
        (HEADER, "empty", "holds no rows"),
        ("timestamp,open,high,low,close\n", "missing_column", "column `volume` is missing"),
        ("timestamp,bid,ask\n", "missing_column", "column `bid_size` is missing"),
        ("timestamp,price\n", "missing_column", "column `size` is missing"),
    ];
    for (text, code, words) in rows {
        let error = read("X.csv", text, &Selection::default()).unwrap_err();
        assert_eq!(error.reason.code(), code, "{text}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let missing = read_file(Path::new("/nowhere/X.csv"), None, &Selection::default()).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/X.csv: cannot be read"), "{missing}");
}

#[test]
fn a_line_without_end_and_a_file_that_is_no_text_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let long = read("X.csv", &format!("{HEADER}{}", "1".repeat(200_000)), &Selection::default());
    assert!(long.unwrap_err().to_string().contains("longer than 65536 bytes"));
    let path = directory.path().join("X.csv");
    std::fs::write(&path, [HEADER.as_bytes(), &[0xff, 0xfe, b'\n']].concat()).unwrap();
    let error = read_file(&path, None, &Selection::default()).unwrap_err();
    assert_eq!(error.reason.code(), "not_text", "{error}");
    let path = write(&directory, "Y.csv.gz", "not gzip");
    assert_eq!(
        read_file(&path, None, &Selection::default()).unwrap_err().reason.code(),
        "unreadable"
    );
}

#[test]
fn gzip_is_known_by_the_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("BTCUSDT_1m.csv.gz");
    let mut encoder = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
    write!(
        encoder,
        "{HEADER}2024-01-06T00:00:00Z,10,12,9,11,1\n2024-01-06T00:01:00Z,11,12,9,11,1\n"
    )
    .unwrap();
    encoder.finish().unwrap();
    let series = read_file(&path, None, &Selection::default()).unwrap();
    assert_eq!(
        (series.name.as_str(), series.timeframe.to_string()),
        ("BTCUSDT", "1Min".to_owned())
    );
    assert!(series.every_day, "a pair trades every day");
}

#[test]
fn ticks_become_bars_of_a_minute_or_of_the_length_asked_for() {
    let text = "timestamp,price,size\n2024-01-03T14:30:00.100Z,10,1\n2024-01-03T14:30:00.100Z,12,2\n\
                2024-01-03T14:30:59.999Z,9,0\n2024-01-03T14:31:00Z,11,4\n2024-01-03T14:36:00Z,8,1\n";
    let series = read("X_trades.csv", text, &Selection::default()).unwrap();
    assert_eq!(series.timeframe.to_string(), "1Min");
    let bars: Vec<_> =
        series.bars.iter().map(|b| (b.open, b.high, b.low, b.close, b.volume, b.trades)).collect();
    let (eleven, eight) = ((11.0, 11.0, 11.0, 11.0, 4.0, 1), (8.0, 8.0, 8.0, 8.0, 1.0, 1));
    assert_eq!(bars, [(10.0, 12.0, 9.0, 9.0, 3.0, 3), eleven, eight]);
    let longer = read("X_trades.csv", text, &in_length("5Min")).unwrap();
    assert_eq!(longer.bars.len(), 2);
    assert_eq!((longer.bars[0].close, longer.bars[0].volume), (11.0, 7.0));
    let error = read("X.csv", "timestamp,price,size\n2024-01-03T14:30:00Z,0,1\n", &in_length("1H"));
    assert!(error.unwrap_err().to_string().contains("row 2: price 0 must be above zero"));
}

#[test]
fn quotes_become_bars_of_their_middle_without_volume() {
    let text = "timestamp,bid,bid_size,ask,ask_size\n2024-01-03T14:30:00Z,10,1,11,1\n\
                2024-01-03T14:30:30Z,11,1,12,1\n";
    let bar = read("X_l1.csv", text, &Selection::default()).unwrap().bars[0];
    assert_eq!((bar.open, bar.high, bar.close, bar.volume), (10.5, 11.5, 11.5, 0.0));
}

#[test]
fn shorter_bars_are_put_together_and_longer_ones_never_taken_apart() {
    let minute = |m: u32, close: u32| format!("2024-01-03T14:{m:02}:00Z,10,20,5,{close},2\n");
    let text: String =
        [HEADER.to_owned(), minute(30, 11), minute(31, 12), minute(34, 13), minute(35, 14)]
            .concat();
    let series = read("X.csv", &text, &in_length("5Min")).unwrap();
    let bars: Vec<_> =
        series.bars.iter().map(|bar| (bar.at.to_rfc3339(), bar.close, bar.volume)).collect();
    let (first, second) = ("2024-01-03T14:30:00+00:00", "2024-01-03T14:35:00+00:00");
    assert_eq!(bars, [(first.to_owned(), 13.0, 6.0), (second.to_owned(), 14.0, 2.0)]);
    let error = read("X.csv", &text, &in_length("30s")).unwrap_err();
    assert_eq!(error.reason.code(), "not_a_multiple");
    assert!(error.to_string().contains("has bars of 1Min; bars of 30Sec cannot"), "{error}");
}

#[test]
fn a_share_traded_after_hours_stays_in_its_day_and_a_coin_follows_utc() {
    // 19:30 in New York is half past midnight in UTC.
    let text =
        format!("{HEADER}2024-01-03T20:30:00Z,10,12,9,11,1\n2024-01-04T00:30:00Z,11,13,9,12,1\n");
    let dates = |name: &str| -> Vec<String> {
        let series = read(name, &text, &in_length("1D")).unwrap();
        series.bars.iter().map(|bar| bar.at.date_naive().to_string()).collect()
    };
    assert_eq!(dates("AAPL_4h.csv"), ["2024-01-03"]);
    assert_eq!(dates("BTCUSDT_4h.csv"), ["2024-01-03", "2024-01-04"]);
}

#[test]
fn bars_further_apart_than_a_day_are_not_taken_for_daily_ones() {
    let text = format!(
        "{HEADER}2024-01-31,10,12,9,11,1\n2024-03-01,10,12,9,11,1\n2024-03-31,10,12,9,11,1\n"
    );
    let error = read("X_1mo.csv", &text, &Selection::default()).unwrap_err();
    assert_eq!(error.reason.code(), "strange_spacing");
}

#[test]
fn a_range_takes_in_both_its_dates() {
    let day = |d: u32| format!("2024-01-{d:02},10,12,9,11,1\n");
    let text: String = std::iter::once(HEADER.to_owned()).chain((1..=9).map(day)).collect();
    let selection = Selection {
        from: Some(range_start("2024-01-03").unwrap()),
        to: Some(range_end("2024-01-05").unwrap()),
        ..Selection::default()
    };
    let series = read("X.csv", &text, &selection).unwrap();
    let dates: Vec<u32> = series.bars.iter().map(|bar| bar.at.day()).collect();
    assert_eq!(dates, [3, 4, 5]);
    let later = Selection { from: Some(range_start("2025-01-01T00:00:00Z").unwrap()), ..selection };
    assert_eq!(read("X.csv", &text, &later).unwrap_err().reason.code(), "nothing_in_range");
    assert!(range_start("January").is_err() && range_end("2024-1").is_err());
}

#[test]
fn a_folder_is_many_tickers_and_two_files_of_one_keep_their_own_names() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("{HEADER}2024-01-02,10,12,9,11,1\n2024-01-03,10,12,9,11,1\n");
    for name in ["MSFT.csv", "AAPL_1d.csv", "AAPL_1d_adj.csv", "notes.txt"] {
        write(&directory, name, &text);
    }
    let names = |tickers: &[&str]| -> Vec<String> {
        let tickers: Vec<String> = tickers.iter().map(|ticker| (*ticker).to_owned()).collect();
        let all = read_folder(directory.path(), &tickers, &Selection::default()).unwrap();
        all.into_iter().map(|series| series.name).collect()
    };
    let all = Selection::default();
    assert_eq!(names(&[]), ["AAPL-1D", "AAPL-1D-ADJ", "MSFT"]);
    assert_eq!(names(&["MSFT", "AAPL"]), ["MSFT", "AAPL-1D", "AAPL-1D-ADJ"], "in the order asked");
    let error = read_folder(directory.path(), &["IBM".to_owned()], &all).unwrap_err().to_string();
    assert!(error.contains("no file of IBM"), "{error}");
    write(&directory, "BAD.csv", "x\n");
    let error = read_folder(directory.path(), &[], &all).unwrap_err().to_string();
    assert!(error.contains("BAD.csv"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let error = read_folder(empty.path(), &[], &all).unwrap_err().to_string();
    assert!(error.contains("no files named .csv"), "{error}");
}
