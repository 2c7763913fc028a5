//! Rows of the three kinds of file, and what must hold in each.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use csv::StringRecord;
use engine::bar::Bar;

use super::Reason;

/// What a file records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Open, high, low, close and volume.
    Bars,
    /// Each print.
    Ticks,
    /// Best bid and ask at each change.
    Quotes,
}

/// Which column is where.
#[derive(Debug)]
pub(super) struct Layout {
    kind: Kind,
    timestamp: usize,
    /// Name and place of the numbers, in the order of the row's own list.
    numbers: Vec<(&'static str, usize)>,
}

const BAR_COLUMNS: [&str; 5] = ["open", "high", "low", "close", "volume"];
const TICK_COLUMNS: [&str; 2] = ["price", "size"];
const QUOTE_COLUMNS: [&str; 4] = ["bid", "bid_size", "ask", "ask_size"];

/// Longest part of a value that an error repeats.
const SHOWN_CHARS_MAX: usize = 40;

impl Layout {
    /// Finds the columns by their names; those of no use are passed over.
    pub(super) fn of(header: &StringRecord) -> Result<Self, Reason> {
        let names: Vec<String> =
            header.iter().map(|name| name.trim_matches(['\u{feff}', ' ']).to_lowercase()).collect();
        let place = |column: &str| names.iter().position(|name| name == column);
        let (kind, columns): (Kind, &[&'static str]) = if place("price").is_some() {
            (Kind::Ticks, &TICK_COLUMNS)
        } else if place("bid").is_some() || place("ask").is_some() {
            (Kind::Quotes, &QUOTE_COLUMNS)
        } else {
            (Kind::Bars, &BAR_COLUMNS)
        };
        let timestamp = place("timestamp").ok_or(Reason::MissingColumn { missing: "timestamp" })?;
        let found = |column: &&'static str| {
            let missing = Reason::MissingColumn { missing: column };
            place(column).map(|place| (*column, place)).ok_or(missing)
        };
        let numbers = columns.iter().map(found).collect::<Result<_, _>>()?;
        Ok(Self { kind, timestamp, numbers })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// A row as a bar: of a tick one without extent, of a quote one at its middle.
    pub(super) fn row(&self, record: &StringRecord) -> Result<Bar, Reason> {
        let text = record.get(self.timestamp).unwrap_or_default().trim();
        if text.is_empty() {
            return Err(Reason::NoValue { column: "timestamp" });
        }
        let at = instant(text).ok_or_else(|| Reason::NotATime { text: shortened(text) })?;
        let mut values = [0.0; BAR_COLUMNS.len()];
        for ((column, place), value) in self.numbers.iter().zip(&mut values) {
            *value = number(column, record.get(*place))?;
        }
        match self.kind {
            Kind::Bars => bar(at, values),
            Kind::Ticks => {
                let [price, size, ..] = values;
                positive("price", price)?;
                not_negative("size", size)?;
                Ok(point(at, price, size))
            }
            Kind::Quotes => {
                let [bid, bid_size, ask, ask_size, _] = values;
                positive("bid", bid)?;
                positive("ask", ask)?;
                not_negative("bid_size", bid_size)?;
                not_negative("ask_size", ask_size)?;
                // A quote is an offer: nothing was traded.
                Ok(point(at, f64::midpoint(bid, ask), 0.0))
            }
        }
    }

    /// Whether a row may stand after the one before. Prints share instants; bars do not.
    pub(super) fn follows(
        &self,
        before: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<(), Reason> {
        match before {
            Some(before) if at < before => {
                Err(Reason::Unsorted { at: shown(at), before: shown(before) })
            }
            Some(before) if at == before && self.kind == Kind::Bars => {
                Err(Reason::Duplicate { at: shown(at) })
            }
            _ => Ok(()),
        }
    }
}

/// An instant with its zone, or a date, which means its first moment in UTC.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.with_timezone(&Utc));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

fn bar(at: DateTime<Utc>, values: [f64; 5]) -> Result<Bar, Reason> {
    let [open, high, low, close, volume] = values;
    let bar = Bar { at, seconds: 0, open, high, low, close, volume, trades: 0 };
    bar.check().map_err(Reason::Fault)?;
    Ok(bar)
}

fn point(at: DateTime<Utc>, price: f64, volume: f64) -> Bar {
    Bar { at, seconds: 0, open: price, high: price, low: price, close: price, volume, trades: 1 }
}

fn number(column: &'static str, text: Option<&str>) -> Result<f64, Reason> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Err(Reason::NoValue { column });
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Reason::NotANumber { column, text: shortened(text) }),
    }
}

fn positive(column: &'static str, value: f64) -> Result<(), Reason> {
    if value > 0.0 { Ok(()) } else { Err(Reason::PriceNotPositive { column, value }) }
}

fn not_negative(column: &'static str, value: f64) -> Result<(), Reason> {
    if value >= 0.0 { Ok(()) } else { Err(Reason::NegativeSize { column, value }) }
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
