//! Bars out of files: CSV of bars, ticks or quotes, plain or gzipped, checked row by row.
//!
//! What is wrong is refused with file, row and reason; nothing is repaired or skipped in silence,
//! because a backtest on half of a file looks just like one on the whole of it.

mod error;
mod fold;
mod folder;
mod line_limit;
mod rows;
mod timeframe;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use engine::bar::Bar;
use engine::ticker::{NotATicker, Ticker};
use flate2::read::MultiGzDecoder;

pub(crate) use error::{BarFileError, Reason};
pub(crate) use folder::read_folder;
pub(crate) use timeframe::Timeframe;

use fold::{Fold, Session};
use line_limit::LineLimit;
use rows::{Kind, Layout};

/// Bars of one file at most: ten years of minutes, round the clock, and a little.
const BARS_MAX: usize = 6_000_000;

/// Length of the bars that ticks and quotes become when nobody says otherwise.
const TICK_BAR_SECONDS: u32 = 60;

/// Distances between bars that are looked at to find the length of a file's bars.
const SPACING_SAMPLE: usize = 10_000;

/// The bars of one ticker, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Symbol; in a folder with several files of one symbol, made of the file's name.
    pub(crate) name: String,
    /// Whether there are several files of the symbol.
    pub(crate) is_one_of_several: bool,
    /// Length of each bar.
    pub(crate) timeframe: Timeframe,
    /// At least one.
    pub(crate) bars: Vec<Bar>,
    /// Whether it trades on all days of the year, as coins do, or on weekdays only.
    pub(crate) every_day: bool,
    /// Where they came from.
    pub(crate) file: PathBuf,
}

impl Series {
    /// Whose bars they are, as orders would name it.
    pub(crate) fn ticker(&self) -> Result<Ticker, NotATicker> {
        Ticker::new(&self.name)
    }
}

/// Which of the bars are wanted, and how long they shall be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Bars that start before are left out.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Bars that start after are left out.
    pub(crate) to: Option<DateTime<Utc>>,
    /// Length to make them, a multiple of what the file has. `None`: as they are.
    pub(crate) timeframe: Option<Timeframe>,
}

/// Reads the bars of one file, under the symbol given or the one in its name.
pub(crate) fn read_file(
    path: &Path,
    ticker: Option<&str>,
    selection: &Selection,
) -> Result<Series, BarFileError> {
    let refused = |row, reason| BarFileError { file: path.to_owned(), row, reason };
    let name = ticker.map_or_else(|| ticker_of(path), str::to_owned);
    let session = Session::of(&name);
    let file = File::open(path).map_err(|error| refused(None, Reason::Unreadable(error)))?;
    let raw = Raw::read(opened(path, file), selection, session)
        .map_err(|(row, reason)| refused(row, reason))?;
    let (bars, timeframe) =
        raw.in_length(selection.timeframe, session).map_err(|reason| refused(None, reason))?;
    if bars.is_empty() {
        return Err(refused(None, Reason::NothingInRange));
    }
    let every_day = trades_every_day(&bars, session);
    let (is_one_of_several, file) = (false, path.to_owned());
    Ok(Series { name, is_one_of_several, timeframe, bars, every_day, file })
}

/// The symbol a file is named after: up to the first `_` or `.`.
pub(crate) fn ticker_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split(['_', '.']).next().unwrap_or_default().to_uppercase()
}

/// The start of a range: an instant, or a date, which means its first moment.
pub(crate) fn range_start(text: &str) -> Result<DateTime<Utc>, String> {
    rows::instant(text).ok_or_else(|| NOT_AN_INSTANT.to_owned())
}

/// The end of a range: an instant, or a date, which means its last moment.
pub(crate) fn range_end(text: &str) -> Result<DateTime<Utc>, String> {
    let end = rows::instant(text).ok_or_else(|| NOT_AN_INSTANT.to_owned())?;
    let is_date = NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    let rest =
        if is_date { TimeDelta::days(1) - TimeDelta::nanoseconds(1) } else { TimeDelta::zero() };
    Ok(end.checked_add_signed(rest).unwrap_or(end))
}

const NOT_AN_INSTANT: &str = "a date (2024-01-31) or an instant (2024-01-31T14:30:00Z)";

/// What a file holds, before bars are put together.
struct Raw {
    kind: Kind,
    bars: Vec<Bar>,
}

type RowRefusal = (Option<u64>, Reason);

impl Raw {
    fn read(input: impl Read, selection: &Selection, session: Session) -> Result<Self, RowRefusal> {
        let mut reader = csv::ReaderBuilder::new()
            .quoting(false)
            .flexible(true)
            .from_reader(LineLimit::new(input));
        let layout = Layout::of(reader.headers().map_err(refusal_of)?).map_err(|r| (Some(1), r))?;
        // Ticks are put together as they are read: a day of them is a thousand times its bars.
        let tick_bars = selection.timeframe.map_or(TICK_BAR_SECONDS, Timeframe::seconds);
        let mut fold = Fold::new(tick_bars, session);
        let mut bars: Vec<Bar> = Vec::new();
        let mut record = csv::StringRecord::new();
        let mut previous: Option<DateTime<Utc>> = None;
        while reader.read_record(&mut record).map_err(refusal_of)? {
            let line = record.position().map(csv::Position::line);
            let row = layout.row(&record).map_err(|reason| (line, reason))?;
            layout.follows(previous, row.at).map_err(|reason| (line, reason))?;
            previous = Some(row.at);
            if selection.from.is_some_and(|from| row.at < from) {
                continue;
            }
            if selection.to.is_some_and(|to| row.at > to) {
                break;
            }
            if layout.kind() == Kind::Bars {
                bars.push(row);
            } else {
                bars.extend(fold.take(&row));
            }
            if bars.len() > BARS_MAX {
                return Err((line, Reason::TooMany { max: BARS_MAX }));
            }
        }
        bars.extend(fold.finish());
        match previous {
            Some(_) => Ok(Self { kind: layout.kind(), bars }),
            None => Err((None, Reason::Empty)),
        }
    }

    /// The bars in the length wanted.
    fn in_length(
        mut self,
        wanted: Option<Timeframe>,
        session: Session,
    ) -> Result<(Vec<Bar>, Timeframe), Reason> {
        let own = match self.kind {
            Kind::Bars => spacing(&self.bars)?,
            Kind::Ticks | Kind::Quotes => {
                wanted.unwrap_or(Timeframe::from_seconds(TICK_BAR_SECONDS))
            }
        };
        for bar in &mut self.bars {
            bar.seconds = own.seconds();
        }
        let wanted = wanted.unwrap_or(own);
        if wanted == own {
            return Ok((self.bars, own));
        }
        if !wanted.is_multiple_of(own) {
            return Err(Reason::NotAMultiple { wanted, own });
        }
        let mut fold = Fold::new(wanted.seconds(), session);
        let mut bars: Vec<Bar> = self.bars.iter().filter_map(|bar| fold.take(bar)).collect();
        bars.extend(fold.finish());
        Ok((bars, wanted))
    }
}

fn opened(path: &Path, file: File) -> Box<dyn Read> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    }
}

fn refusal_of(error: csv::Error) -> RowRefusal {
    let line = error.position().map(csv::Position::line);
    let reason = match error.into_kind() {
        csv::ErrorKind::Io(error) => Reason::Unreadable(error),
        csv::ErrorKind::Utf8 { .. } => Reason::NotText,
        other => Reason::Unreadable(std::io::Error::other(format!("{other:?}"))),
    };
    (line, reason)
}

/// The length of a file's bars: the commonest distance between two of them. Nights, weekends and
/// holes are longer, but never as common.
fn spacing(bars: &[Bar]) -> Result<Timeframe, Reason> {
    let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
    for (before, after) in bars.iter().zip(bars.iter().skip(1)).take(SPACING_SAMPLE) {
        let seconds = after.at.signed_duration_since(before.at).num_seconds();
        *counts.entry(seconds).or_default() += 1;
    }
    let Some(most) = counts.values().max() else {
        // One bar has no distance to another; at midnight it will be a day's.
        let midnight = bars.first().is_none_or(|bar| bar.at.timestamp() % 86_400 == 0);
        return Ok(if midnight { Timeframe::DAY } else { Timeframe::from_seconds(60) });
    };
    let seconds =
        counts.iter().find(|(_, count)| *count == most).map_or(0, |(seconds, _)| *seconds);
    let fits = u32::try_from(seconds).ok().and_then(Timeframe::new);
    fits.ok_or(Reason::StrangeSpacing { seconds })
}

/// Whether the year of this market has 365 days rather than 252: somebody trades on Saturdays.
fn trades_every_day(bars: &[Bar], session: Session) -> bool {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return false };
    if last.at.signed_duration_since(first.at) < TimeDelta::days(7) {
        return session == Session::Utc;
    }
    bars.iter().any(|bar| bar.at.weekday() == Weekday::Sat)
}

#[cfg(test)]
mod tests;
