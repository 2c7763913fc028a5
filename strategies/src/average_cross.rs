//! What the moving-average crosses share: two averages of one kind and the side of the last crossing.

use crate::prelude::*;
use engine::indicator::{Ema, Sma};
use engine::params::{ParamError, Params};
use serde::de::DeserializeOwned;
use std::fmt;

/// A kind of average, and what its two lines are called.
pub(crate) trait Average: fmt::Debug + Send + Serialize + DeserializeOwned {
    /// The faster line.
    const FAST: &'static str;
    /// The slower line.
    const SLOW: &'static str;

    /// An average over so many bars.
    fn of(period: u16) -> Self;

    /// Takes a close; the average, once there is one.
    fn next(&mut self, close: f64) -> Option<f64>;
}

/// Long from a crossing above, short from a crossing below.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct AverageCross<Kind: Average> {
    warmup_bars: u32,
    fast: Kind,
    slow: Kind,
    averages: Option<(f64, f64)>,
    crossing: Crossing,
    stance: Option<Stance>,
}

impl<Kind: Average> AverageCross<Kind> {
    /// From the parameters `fast` and `slow`.
    pub(crate) fn new(params: &Params) -> Self {
        let (fast, slow) = (whole(params, "fast"), whole(params, "slow"));
        Self {
            warmup_bars: u32::from(slow).saturating_add(1),
            fast: Kind::of(fast),
            slow: Kind::of(slow),
            averages: None,
            crossing: Crossing::default(),
            stance: None,
        }
    }
}

impl<Kind: Average> Strategy for AverageCross<Kind> {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        let (fast, slow) = (self.fast.next(bar.close), self.slow.next(bar.close));
        self.averages = fast.zip(slow);
        let (fast, slow) = self.averages?;
        if let Some(turn) = self.crossing.next(fast, slow) {
            self.stance = Some(turn.stance());
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |(fast, slow)| Indicators::from([(Kind::FAST, fast), (Kind::SLOW, slow)]);
        self.averages.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

/// Refuses a fast average that is not the shorter one.
pub(crate) fn check(strategy: &'static str, params: &Params) -> Result<(), ParamError> {
    consistent(strategy, params, ("fast", "slow"), "`fast` must be less than `slow`")
}

impl Average for Sma {
    const FAST: &'static str = "sma_fast";
    const SLOW: &'static str = "sma_slow";

    fn of(period: u16) -> Self {
        Self::new(period)
    }

    fn next(&mut self, close: f64) -> Option<f64> {
        Self::next(self, close)
    }
}

impl Average for Ema {
    const FAST: &'static str = "ema_fast";
    const SLOW: &'static str = "ema_slow";

    fn of(period: u16) -> Self {
        Self::new(period)
    }

    fn next(&mut self, close: f64) -> Option<f64> {
        Self::next(self, close)
    }
}
