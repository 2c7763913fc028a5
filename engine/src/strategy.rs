//! What a strategy is: it sees closed bars and says which side it wants to be on.

use crate::bar::Bar;
use crate::market::Trade;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// Parameter values by name, such as `fast` = 10.
pub type Params = BTreeMap<String, f64>;

/// Indicator values by name, as they were when a strategy decided.
pub type Indicators = BTreeMap<&'static str, f64>;

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

/// What a strategy thinks after a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its side; `None` while it has no opinion (still warming up, or nothing happened yet).
    pub stance: Option<Stance>,
    /// The values that made it think so.
    pub indicators: Indicators,
}

/// A trading rule: pure, one instance per ticker, parameters and bar length.
pub trait Strategy: Send + fmt::Debug {
    /// Takes a closed bar.
    fn on_bar(&mut self, bar: &Bar) -> View;

    /// Whether the strategy wants every print as well as closed bars.
    fn wants_trades(&self) -> bool {
        false
    }

    /// Takes a print, when asked for; `None` means no change of view.
    fn on_trade(&mut self, _trade: &Trade) -> Option<View> {
        None
    }
}

/// A parameter as data: the API's validation and the UI's form are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ParamSpec {
    /// Name in requests and on the command line.
    pub name: &'static str,
    /// What it does, one sentence.
    pub description: &'static str,
    /// `bars`, `points`, ….
    pub unit: &'static str,
    /// Value when none is given.
    pub default: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Whether only whole numbers make sense.
    pub whole: bool,
}

/// Parameters that a strategy cannot work with.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ParamError {
    /// No strategy has this name.
    #[error("there is no strategy `{name}`; there are: {known}")]
    UnknownStrategy {
        /// What was asked for.
        name: String,
        /// What there is, separated by commas.
        known: String,
    },
    /// The strategy has no such parameter.
    #[error("{strategy} has no parameter `{name}`; it has: {known}")]
    UnknownParam {
        /// The strategy.
        strategy: &'static str,
        /// What was given.
        name: String,
        /// What it takes, separated by commas.
        known: String,
    },
    /// A value out of bounds, or a fraction where only whole numbers make sense.
    #[error("{strategy}: `{name}` = {value} must be {kind} from {min} to {max}")]
    OutOfBounds {
        /// The strategy.
        strategy: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// `a whole number` or `a number`.
        kind: &'static str,
        /// Least value.
        min: f64,
        /// Greatest value.
        max: f64,
    },
    /// Each value is fine, together they are not.
    #[error("{strategy}: {reason}")]
    Inconsistent {
        /// The strategy.
        strategy: &'static str,
        /// What must hold.
        reason: &'static str,
    },
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

impl ParamSpec {
    /// Checks one value.
    pub fn check(&self, strategy: &'static str, value: f64) -> Result<(), ParamError> {
        let whole_ok = !self.whole || value.fract() == 0.0;
        if value.is_finite() && value >= self.min && value <= self.max && whole_ok {
            return Ok(());
        }
        Err(ParamError::OutOfBounds {
            strategy,
            name: self.name,
            value,
            kind: if self.whole { "a whole number" } else { "a number" },
            min: self.min,
            max: self.max,
        })
    }
}
