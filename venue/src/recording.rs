//! One CSV recording: what it holds, and its rows one after the other.
//!
//! A broken line is named with file, line and column, counted, and passed over; the rest still
//! loads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use csv::{ByteRecord, Reader, ReaderBuilder};
use flate2::read::MultiGzDecoder;
use rust_decimal::Decimal;

use crate::assets::AssetClass;
use crate::number;

/// Rows from which a file's bar length and digits are told.
const SCANNED_ROWS_MAX: usize = 2_000;
/// Broken lines that are named per file; the rest is counted only.
const NAMED_LINES_MAX: u64 = 20;
/// The shortest bar: its four prints must have room.
const BAR_SECONDS_MIN: i64 = 1;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bars,
    Trades,
    Quotes,
}

/// A file that can be played.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) path: PathBuf,
    pub(crate) ticker: String,
    pub(crate) kind: Kind,
    /// The most common distance of two bars; `None` for trades and quotes.
    pub(crate) bar_seconds: Option<u32>,
    /// The most digits after the point of a price.
    pub(crate) price_decimals: u32,
    pub(crate) first: DateTime<Utc>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Row {
    Bar(BarRow),
    Trade { at: DateTime<Utc>, price: Decimal, size: Decimal },
    Quote(QuoteRow),
}

/// A row of a bar file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) open: Decimal,
    pub(crate) high: Decimal,
    pub(crate) low: Decimal,
    pub(crate) close: Decimal,
    pub(crate) volume: Decimal,
}

/// A row of a quote file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QuoteRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) bid: Decimal,
    pub(crate) bid_size: Decimal,
    pub(crate) ask: Decimal,
    pub(crate) ask_size: Decimal,
}

/// Whether broken lines are named in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Named,
    /// A second look at a file does not repeat what the first one says.
    Silent,
}

/// Reads a file row by row.
pub(crate) struct Rows {
    path: PathBuf,
    kind: Kind,
    reader: Reader<Box<dyn Read + Send>>,
    record: ByteRecord,
    broken: Broken,
    last: Option<DateTime<Utc>>,
    pub(crate) good_lines: u64,
    pub(crate) broken_lines: u64,
}

/// What is wrong with a line.
#[derive(Debug)]
struct Fault {
    column: &'static str,
    reason: String,
}

impl Kind {
    /// The header line of each kind of file.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Bars => &["timestamp", "open", "high", "low", "close", "volume"],
            Self::Trades => &["timestamp", "price", "size"],
            Self::Quotes => &["timestamp", "bid", "bid_size", "ask", "ask_size"],
        }
    }
}

impl Recording {
    /// Looks into a file; the error says why it cannot be played.
    pub(crate) fn scan(path: &Path) -> Result<Self, String> {
        let mut rows = Rows::open(path, Broken::Silent)?;
        let mut spacings: BTreeMap<i64, usize> = BTreeMap::new();
        let mut first: Option<DateTime<Utc>> = None;
        let mut last: Option<DateTime<Utc>> = None;
        let mut price_decimals = 0;
        for row in rows.by_ref().take(SCANNED_ROWS_MAX) {
            if let Some(last) = last {
                *spacings.entry((row.at() - last).num_seconds()).or_default() += 1;
            }
            first = first.or(Some(row.at()));
            last = Some(row.at());
            price_decimals = price_decimals.max(row.price_decimals());
        }
        let Some(first) = first else {
            return Err(format!("no usable row ({} broken lines)", rows.broken_lines));
        };
        // On a tie the shorter length: a gap is more likely than a shortened interval.
        let common = spacings
            .iter()
            .max_by_key(|&(&seconds, &count)| (count, -seconds))
            .and_then(|(&seconds, _)| u32::try_from(seconds).ok());
        let bar_seconds = match (rows.kind, common) {
            (Kind::Bars, Some(seconds)) => Some(seconds.max(1)),
            (Kind::Bars, None) => return Err("one bar alone does not tell its length".to_owned()),
            (Kind::Trades | Kind::Quotes, _) => None,
        };
        let kind = rows.kind;
        let ticker = ticker(path);
        Ok(Self { path: path.to_owned(), ticker, kind, bar_seconds, price_decimals, first })
    }

    /// The file's rows.
    pub(crate) fn rows(&self, broken: Broken) -> Result<Rows, String> {
        Rows::open(&self.path, broken)
    }

    /// Pairs against a currency trade round the clock like coins; everything else is a stock.
    pub(crate) fn class(&self) -> AssetClass {
        let pair = ["USD", "USDT", "USDC", "PERP"].iter().any(|end| self.ticker.ends_with(end));
        if pair { AssetClass::Crypto } else { AssetClass::UsEquity }
    }
}

impl Row {
    pub(crate) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Bar(bar) => bar.at,
            Self::Trade { at, .. } => *at,
            Self::Quote(quote) => quote.at,
        }
    }

    fn price_decimals(&self) -> u32 {
        let most = |prices: &[Decimal]| {
            prices.iter().map(|price| number::decimals(*price)).max().unwrap_or(0)
        };
        match self {
            Self::Bar(bar) => most(&[bar.open, bar.high, bar.low, bar.close]),
            Self::Trade { price, .. } => most(&[*price]),
            Self::Quote(quote) => most(&[quote.bid, quote.ask]),
        }
    }
}

impl Rows {
    fn open(path: &Path, broken: Broken) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let input: Box<dyn Read + Send> = if path.extension().is_some_and(|end| end == "gz") {
            Box::new(MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(input);
        let header = reader.byte_headers().map_err(|error| error.to_string())?;
        let names: Vec<String> = header
            .iter()
            .map(|name| {
                String::from_utf8_lossy(name).trim().trim_start_matches('\u{feff}').to_owned()
            })
            .collect();
        let kind = [Kind::Bars, Kind::Trades, Kind::Quotes]
            .into_iter()
            .find(|kind| names == kind.columns())
            .ok_or_else(|| {
                format!("the header \"{}\" is none of the known ones", names.join(","))
            })?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            reader,
            record: ByteRecord::new(),
            broken,
            last: None,
            good_lines: 0,
            broken_lines: 0,
        })
    }

    fn parse(&self) -> Result<Row, Fault> {
        let columns = self.kind.columns();
        if self.record.len() != columns.len() {
            let reason = format!("expected {} columns, found {}", columns.len(), self.record.len());
            let column = columns.get(self.record.len()).unwrap_or(&"(after the last)");
            return Err(Fault { column, reason });
        }
        let at = time(self.text(0)?)?;
        if let Some(last) = self.last {
            let distance = at - last;
            let too_close = self.kind == Kind::Bars && distance.num_seconds() < BAR_SECONDS_MIN;
            if distance < chrono::TimeDelta::zero() || too_close {
                let reason = format!("{at} does not come after the line before ({last})");
                return Err(Fault { column: "timestamp", reason });
            }
        }
        let row = match self.kind {
            Kind::Bars => Row::Bar(self.bar(at)?),
            Kind::Trades => Row::Trade { at, price: self.price(1)?, size: self.size(2)? },
            Kind::Quotes => Row::Quote(self.quote(at)?),
        };
        Ok(row)
    }

    fn bar(&self, at: DateTime<Utc>) -> Result<BarRow, Fault> {
        let (open, high, low) = (self.price(1)?, self.price(2)?, self.price(3)?);
        let (close, volume) = (self.price(4)?, self.size(5)?);
        if high < open.max(close) {
            return Err(Fault { column: "high", reason: format!("{high} is below open or close") });
        }
        if low > open.min(close) {
            return Err(Fault { column: "low", reason: format!("{low} is above open or close") });
        }
        Ok(BarRow { at, open, high, low, close, volume })
    }

    fn quote(&self, at: DateTime<Utc>) -> Result<QuoteRow, Fault> {
        let (bid, ask) = (self.price(1)?, self.price(3)?);
        if bid > ask {
            return Err(Fault { column: "ask", reason: format!("{ask} is below the bid {bid}") });
        }
        Ok(QuoteRow { at, bid, bid_size: self.size(2)?, ask, ask_size: self.size(4)? })
    }

    fn price(&self, index: usize) -> Result<Decimal, Fault> {
        let value = self.decimal(index)?;
        if value > Decimal::ZERO {
            return Ok(value);
        }
        Err(Fault { column: self.kind.columns()[index], reason: format!("{value} is not above 0") })
    }

    fn size(&self, index: usize) -> Result<Decimal, Fault> {
        let value = self.decimal(index)?;
        if value >= Decimal::ZERO {
            return Ok(value);
        }
        Err(Fault { column: self.kind.columns()[index], reason: format!("{value} is below 0") })
    }

    fn decimal(&self, index: usize) -> Result<Decimal, Fault> {
        let text = self.text(index)?;
        number::parse(text).ok_or_else(|| Fault {
            column: self.kind.columns()[index],
            reason: format!("\"{text}\" is not a number"),
        })
    }

    fn text(&self, index: usize) -> Result<&str, Fault> {
        let column = self.kind.columns()[index];
        std::str::from_utf8(&self.record[index])
            .map(str::trim)
            .map_err(|_invalid| Fault { column, reason: "the bytes are not UTF-8".to_owned() })
    }

    fn note(&mut self, fault: &Fault) {
        self.broken_lines += 1;
        if self.broken == Broken::Silent || self.broken_lines > NAMED_LINES_MAX {
            return;
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        tracing::warn!(
            file = %self.path.display(), line, column = fault.column, reason = %fault.reason,
            "passed over a broken line of a recording"
        );
        if self.broken_lines == NAMED_LINES_MAX {
            tracing::warn!(file = %self.path.display(), "further broken lines are counted only");
        }
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let mut record = std::mem::take(&mut self.record);
            let read = self.reader.read_byte_record(&mut record);
            self.record = record;
            match read {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => {
                    // A torn gzip file, for one: what came before it is played.
                    self.broken_lines += 1;
                    if self.broken == Broken::Named {
                        tracing::warn!(file = %self.path.display(), %error, "a recording ends early");
                    }
                    return None;
                }
            }
            match self.parse() {
                Ok(row) => {
                    self.good_lines += 1;
                    self.last = Some(row.at());
                    return Some(row);
                }
                Err(fault) => self.note(&fault),
            }
        }
    }
}

/// The file's name up to the first `_` or `.`.
fn ticker(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split(['_', '.']).next().unwrap_or_default().to_owned()
}

fn time(text: &str) -> Result<DateTime<Utc>, Fault> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    text.parse::<NaiveDate>().map(|date| date.and_time(NaiveTime::MIN).and_utc()).map_err(
        |_invalid| Fault {
            column: "timestamp",
            reason: format!("\"{text}\" is neither an RFC 3339 time nor a date"),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        (directory, path)
    }

    #[test]
    fn a_broken_line_is_counted_and_the_rest_still_loads() {
        let lines = [
            "timestamp,open,high,low,close,volume",
            "2024-01-01,10,12,9,11,100",
            "2024-01-02,10,twelve,9,11,100",
            "2024-01-02,10,12",
            "yesterday,10,12,9,11,100",
            "2024-01-02,10,9,9,11,100",
            "2023-12-31,10,12,9,11,100",
            "2024-01-02,10,12,9,11.125,-1",
            "2024-01-03T00:00:00Z,11,12,10,11.25,5",
        ];
        let (_directory, path) = file("X_1d.csv", &lines.join("\n"));
        let mut rows = Rows::open(&path, Broken::Named).unwrap();
        assert_eq!(rows.by_ref().count(), 2);
        assert_eq!((rows.good_lines, rows.broken_lines), (2, 6));
        let recording = Recording::scan(&path).unwrap();
        assert_eq!(recording.bar_seconds, Some(2 * 86_400));
        assert_eq!((recording.ticker.as_str(), recording.price_decimals), ("X", 2));
    }

    #[test]
    fn each_fault_names_its_column() {
        let rows = [
            ("2024-01-02,10,twelve,9,11,100", "high"),
            ("2024-01-02,10,12", "low"),
            ("yesterday,10,12,9,11,100", "timestamp"),
            ("2024-01-02,10,12,9,11,-1", "volume"),
            ("2024-01-02,0,12,9,11,1", "open"),
            ("2024-01-02,10,12,10.5,11,1", "low"),
        ];
        for (line, column) in rows {
            let text = format!("timestamp,open,high,low,close,volume\n{line}\n");
            let (_directory, path) = file("X.csv", &text);
            let mut rows = Rows::open(&path, Broken::Silent).unwrap();
            assert!(rows.reader.read_byte_record(&mut rows.record).unwrap());
            assert_eq!(rows.parse().unwrap_err().column, column, "{line}");
        }
    }

    #[test]
    fn a_wrong_header_and_an_empty_file_say_what_is_wrong() {
        let (_directory, path) = file("X.csv", "date,close\n2024-01-01,5\n");
        assert!(Recording::scan(&path).unwrap_err().contains("date,close"));
        let (_directory, path) = file("X.csv", "timestamp,price,size\n");
        assert!(Recording::scan(&path).unwrap_err().contains("no usable row"));
    }

    #[test]
    fn the_class_follows_from_the_ticker() {
        for (name, class) in [
            ("BTCUSDT_1m.csv", AssetClass::Crypto),
            ("EURUSD_1h_bt.csv", AssetClass::Crypto),
            ("BTCPERP_1m.csv", AssetClass::Crypto),
            ("GOOG_1d.csv", AssetClass::UsEquity),
        ] {
            let (_directory, path) = file(name, "timestamp,price,size\n2024-01-01,5,1\n");
            assert_eq!(Recording::scan(&path).unwrap().class(), class, "{name}");
        }
    }
}
