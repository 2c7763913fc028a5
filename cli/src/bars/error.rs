//! Why a file of bars is refused.

use std::path::PathBuf;

use engine::backtest::BarFault;

use super::Timeframe;

/// A file that cannot be used: which, where in it, why.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {reason}", file.display(), at_row(*row))]
pub(crate) struct BarFileError {
    /// The file as it was named.
    pub(crate) file: PathBuf,
    /// Line in the file, as an editor counts: the header is 1. `None`: the file as a whole.
    pub(crate) row: Option<u64>,
    /// What is wrong, and what to do where that is not plain.
    #[source]
    pub(crate) reason: Reason,
}

/// What is wrong with a row, or with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    /// Not there, not allowed, broken gzip, a line without end.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// Bytes that are not UTF-8.
    #[error("is not text in UTF-8; is it compressed? Then its name must end in .gz")]
    NotText,
    /// No row after the header.
    #[error("holds no rows")]
    Empty,
    /// The header is neither of bars nor of ticks nor of quotes.
    #[error(
        "column `{missing}` is missing; bars have timestamp,open,high,low,close,volume, \
         ticks timestamp,price,size, quotes timestamp,bid,bid_size,ask,ask_size"
    )]
    MissingColumn {
        /// The first that is not there.
        missing: &'static str,
    },
    /// Fewer fields than the header has.
    #[error("column `{column}` has no value")]
    NoValue {
        /// Its name.
        column: &'static str,
    },
    /// Neither an instant nor a date.
    #[error(
        "timestamp `{text}` is neither an instant with its zone (2024-01-31T14:30:00Z) nor a date \
         (2024-01-31)"
    )]
    NotATime {
        /// As it stands there, cut short.
        text: String,
    },
    /// Text, NaN or infinity where a number must be.
    #[error("{column} `{text}` is not a finite number")]
    NotANumber {
        /// Its name.
        column: &'static str,
        /// As it stands there, cut short.
        text: String,
    },
    /// Nothing is ever had for nothing.
    #[error("{column} {value} must be above zero")]
    PriceNotPositive {
        /// Its name.
        column: &'static str,
        /// What stands there.
        value: f64,
    },
    /// Less than nothing was traded.
    #[error("{column} {value} must not be below zero")]
    NegativeSize {
        /// Its name.
        column: &'static str,
        /// What stands there.
        value: f64,
    },
    /// Numbers that cannot be a bar.
    #[error(transparent)]
    Fault(BarFault),
    /// Two rows of one instant.
    #[error("timestamp {at} stands in the row before already")]
    Duplicate {
        /// The instant.
        at: String,
    },
    /// Time goes backwards.
    #[error("timestamp {at} is before that of the row before, {before}; sort the file by time")]
    Unsorted {
        /// The row's.
        at: String,
        /// That of the row before.
        before: String,
    },
    /// More than is kept in memory.
    #[error(
        "makes more than {max} bars; take less with --from and --to, or longer ones with --timeframe"
    )]
    TooMany {
        /// Most bars of one file.
        max: usize,
    },
    /// The range leaves nothing over.
    #[error("has no bar between --from and --to")]
    NothingInRange,
    /// Weeks, months, or no regular distance.
    #[error(
        "most bars are {seconds} seconds apart, which is not the length of a bar: a whole part of \
         a day (1Min, 1H) or a day"
    )]
    StrangeSpacing {
        /// The commonest distance.
        seconds: i64,
    },
    /// Bars can be put together, not taken apart.
    #[error("has bars of {own}; bars of {wanted} cannot be put together from them")]
    NotAMultiple {
        /// What --timeframe asks for.
        wanted: Timeframe,
        /// What the file has.
        own: Timeframe,
    },
}

impl Reason {
    /// Stable name.
    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotText => "not_text",
            Self::Empty => "empty",
            Self::MissingColumn { .. } => "missing_column",
            Self::NoValue { .. } => "no_value",
            Self::NotATime { .. } => "not_a_time",
            Self::NotANumber { .. } => "not_a_number",
            Self::PriceNotPositive { .. } => "price_not_positive",
            Self::NegativeSize { .. } => "negative_size",
            Self::Fault(_) => "fault",
            Self::Duplicate { .. } => "duplicate_timestamp",
            Self::Unsorted { .. } => "unsorted_timestamp",
            Self::TooMany { .. } => "too_many",
            Self::NothingInRange => "nothing_in_range",
            Self::StrangeSpacing { .. } => "strange_spacing",
            Self::NotAMultiple { .. } => "not_a_multiple",
        }
    }
}

fn at_row(row: Option<u64>) -> String {
    row.map(|row| format!(", row {row}")).unwrap_or_default()
}
