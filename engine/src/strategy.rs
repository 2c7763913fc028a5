//! What a strategy is: it sees closed bars and says which side it wants to be on.

use crate::bar::Bar;
use crate::market::Trade;
pub use crate::params::{ParamError, ParamSpec, Params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// Indicator values by name, as they were when a strategy decided.
pub type Indicators = BTreeMap<&'static str, f64>;

/// Most tickers that one strategy watches together.
pub const TICKERS_MAX: usize = 2;

/// The side of the market that a strategy wants to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Own the asset.
    Long,
    /// Own nothing.
    Flat,
    /// Owe the asset. Configs that trade long only take it as [`Stance::Flat`].
    Short,
}

/// A trading rule: pure, one instance per parameters and bar length, for one ticker or for a few
/// that it weighs against each other.
///
/// What it answers depends on the bars it was shown and on nothing else. Its state can be taken out
/// and put back: the copy goes on bit for bit as the original would have.
pub trait Strategy: Resumable + Send + fmt::Debug {
    /// Takes a closed bar; the side it wants to be on now, `None` while it has no opinion (still
    /// warming up, or nothing happened yet). Called for every bar of a backtest: no allocation.
    ///
    /// A strategy of several tickers sees its bars by [`on_bars`](Self::on_bars) instead.
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance>;

    /// The values behind its present stance, by name. Asked for when a signal is made or shown.
    fn indicators(&self) -> Indicators;

    /// Bars it must have seen, the newest included, before it can have an opinion.
    fn warmup_bars(&self) -> u32;

    /// Whether it also needs every bar since the session (the UTC day) began.
    fn wants_session(&self) -> bool {
        false
    }

    /// Tickers it watches together, 1 to [`TICKERS_MAX`].
    fn tickers(&self) -> usize {
        1
    }

    /// Takes the bars that closed at one instant, one place per ticker and `None` where a ticker
    /// has no bar, and writes the stance towards each ticker to the same place of `stances`.
    fn on_bars(&mut self, bars: &[Option<&Bar>], stances: &mut [Option<Stance>]) {
        if let ([Some(bar)], [stance]) = (bars, stances) {
            *stance = self.on_bar(bar);
        }
    }

    /// Takes many bars of one ticker and adds the stance after each to `stances`: what
    /// [`on_bar`](Self::on_bar) answers, without a virtual call per bar.
    fn on_history(&mut self, bars: &[Bar], stances: &mut Vec<Option<Stance>>) {
        stances.extend(bars.iter().map(|bar| self.on_bar(bar)));
    }

    /// Whether the strategy wants every print as well as closed bars.
    fn wants_trades(&self) -> bool {
        false
    }

    /// Takes a print, when asked for; `None` means no change of view.
    fn on_trade(&mut self, _trade: &Trade) -> Option<Stance> {
        None
    }
}

/// What can be taken out and put back. Every type that derives `Serialize` and `Deserialize` is.
pub trait Resumable {
    /// The state, whole.
    fn snapshot(&self) -> Result<Snapshot, SnapshotError>;

    /// Goes on from `snapshot`, which a strategy of the same name and parameters made. On an error
    /// nothing has changed.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError>;
}

/// A state that was taken out of a strategy. JSON; numbers come back bit for bit.
pub type Snapshot = serde_json::Value;

/// A state that cannot be taken out or put back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The state has no JSON form, such as a number that is not finite.
    #[error("the state cannot be written: {reason}")]
    Unwritable {
        /// What serde says.
        reason: String,
    },
    /// The snapshot is not one of this strategy.
    #[error("the snapshot cannot be read, start from history instead: {reason}")]
    Unreadable {
        /// What serde says.
        reason: String,
    },
    /// The snapshot was made by another strategy, parameters, ticker or bar length.
    #[error("the snapshot is of {found}, not of {wanted}")]
    Foreign {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
}

impl<State: Serialize + DeserializeOwned> Resumable for State {
    fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        serde_json::to_value(self)
            .map_err(|error| SnapshotError::Unwritable { reason: error.to_string() })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        *self = Self::deserialize(snapshot)
            .map_err(|error| SnapshotError::Unreadable { reason: error.to_string() })?;
        Ok(())
    }
}

impl Stance {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Flat => "flat",
            Self::Short => "short",
        }
    }

    /// The sign that `trade_history.signal` keeps: 1, 0 or -1.
    pub const fn sign(self) -> i32 {
        match self {
            Self::Long => 1,
            Self::Flat => 0,
            Self::Short => -1,
        }
    }
}
