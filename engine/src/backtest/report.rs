//! The JSON of a backtest: the document that `troupe backtest --format json` prints.

use super::data::Market;
use super::outcome::{OpenPosition, Outcome, Trade};
use crate::clock::Timestamp;
use crate::metrics::Metrics;
use crate::strategy::Params;
use crate::ticker::Ticker;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

/// A backtest with its names and metrics.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the strategy.
    pub strategy: String,
    /// All its parameters.
    #[serde(serialize_with = "plain_params")]
    pub params: Params,
    /// The ticker; several are separated by commas.
    pub ticker: String,
    /// Length of the bars: `1D`, `1H`, `5Min`, `30Sec`.
    pub timeframe: String,
    /// Bars of all tickers together.
    pub bars: usize,
    /// Start of the first bar.
    pub from: Option<Timestamp>,
    /// Start of the last bar.
    pub to: Option<Timestamp>,
    /// The metrics; `null` where one is not defined.
    pub metrics: Metrics,
    /// Closed trades.
    pub trades: Vec<Named<Trade>>,
    /// What is held after the last bar, `null` when nothing is; a list when there are several
    /// tickers.
    pub open_position: Open,
    /// Start of the bar and value at its close, US dollars.
    pub equity: Vec<(Timestamp, f64)>,
    /// Orders refused by our own checks.
    pub denied: u64,
    /// When everything was lost, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ruined_at: Option<Timestamp>,
    /// Whether the run was canceled before its last bar.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub canceled: bool,
}

/// What a report is called by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    /// Name of the strategy.
    pub strategy: String,
    /// All its parameters.
    pub params: Params,
}

/// Something of one ticker, named when there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named<T> {
    /// The ticker, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<Ticker>,
    /// What it is.
    #[serde(flatten)]
    pub value: T,
}

/// What is held after the last bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Open {
    /// Of one ticker.
    One(Option<OpenPosition>),
    /// Of several.
    Several(Vec<Named<OpenPosition>>),
}

impl Report {
    /// Puts names and metrics to an outcome.
    pub fn new(labels: Labels, market: &Market, metrics: Metrics, outcome: Outcome) -> Self {
        let legs = market.legs();
        let tickers: Vec<_> = legs.iter().map(|leg| leg.ticker().as_str()).collect();
        let name = |leg: usize| {
            let several = legs.len() > 1;
            legs.get(leg).filter(|_| several).map(|leg| leg.ticker().clone())
        };
        let trades = outcome.trades.into_iter();
        let trades = trades.map(|value| Named { ticker: name(value.leg), value }).collect();
        let mut open = outcome.open.into_iter();
        let open_position = if legs.len() > 1 {
            Open::Several(open.map(|value| Named { ticker: name(value.leg), value }).collect())
        } else {
            Open::One(open.next())
        };
        let times = market.times();
        Self {
            strategy: labels.strategy,
            params: labels.params,
            ticker: tickers.join(","),
            timeframe: timeframe(market.bar_seconds()),
            bars: market.bars(),
            from: times.first().copied(),
            to: times.last().copied(),
            metrics,
            trades,
            open_position,
            equity: times.iter().copied().zip(outcome.equity).collect(),
            denied: outcome.denied,
            ruined_at: outcome.ruined_at,
            canceled: outcome.canceled,
        }
    }
}

/// A bar length as Alpaca writes it: `1D`, `1H`, `5Min`, and `30Sec` for what Alpaca does not have.
pub fn timeframe(seconds: u32) -> String {
    for (unit_seconds, unit) in [(86_400, "D"), (3_600, "H"), (60, "Min"), (1, "Sec")] {
        let whole = seconds.checked_rem(unit_seconds) == Some(0);
        if let Some(count) = seconds.checked_div(unit_seconds).filter(|count| whole && *count > 0) {
            return format!("{count}{unit}");
        }
    }
    "0Sec".to_owned()
}

/// Parameters as a person writes them: whole numbers without a point.
pub(crate) fn plain_params<S: Serializer>(params: &Params, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Plain {
        Whole(i64),
        Number(f64),
    }
    to.collect_map(params.iter().map(|(name, value)| {
        let whole = value.to_i64().filter(|_| value.fract() == 0.0);
        (name, whole.map_or(Plain::Number(*value), Plain::Whole))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_written_as_a_person_writes_them() {
        #[derive(Serialize)]
        struct Only(#[serde(serialize_with = "plain_params")] Params);
        let params = [("fast", 10.0), ("entry", -2.0), ("exit", -0.5)];
        let params = params.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let json = serde_json::to_string(&Only(params)).unwrap();
        assert_eq!(json, r#"{"entry":-2,"exit":-0.5,"fast":10}"#);
    }

    #[test]
    fn a_bar_length_is_written_in_its_largest_whole_unit() {
        let written: Vec<_> = [86_400, 3_600, 300, 90].into_iter().map(timeframe).collect();
        assert_eq!(written, ["1D", "1H", "5Min", "90Sec"]);
    }
}
