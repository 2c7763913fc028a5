//! Moving-average cross: long while the fast average has crossed above the slow one.
//!
//! W. Brock, J. Lakonishok and B. Le Baron, *Simple Technical Trading Rules and the Stochastic Properties of
//! Stock Returns*, Journal of Finance 47(5), 1992. A cross is strict: below before, above now.

use crate::registry::Definition;
use engine::bar::Bar;
use engine::indicator::Sma;
use engine::params::whole;
use engine::strategy::{
    Indicators, ParamError, ParamSpec, Params, Snapshot, SnapshotError, Stance, Strategy,
    restore_to, snapshot_of,
};
use serde::{Deserialize, Serialize};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "sma_cross",
    description: "Long when the fast simple moving average crosses above the slow one, short when it crosses below.",
    tickers: 1,
    params: &[
        ParamSpec {
            name: "fast",
            description: "Length of the fast average.",
            unit: "bars",
            default: 10.0,
            min: 2.0,
            max: 1000.0,
            whole: true,
        },
        ParamSpec {
            name: "slow",
            description: "Length of the slow average; more than the fast one.",
            unit: "bars",
            default: 20.0,
            min: 2.0,
            max: 1000.0,
            whole: true,
        },
    ],
    check,
    build: |params| {
        let (fast, slow) = (whole(params, "fast"), whole(params, "slow"));
        Box::new(SmaCross {
            warmup_bars: u32::from(slow),
            fast: Sma::new(fast),
            slow: Sma::new(slow),
            averages: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SmaCross {
    warmup_bars: u32,
    fast: Sma,
    slow: Sma,
    /// Both averages after the newest bar.
    averages: Option<(f64, f64)>,
    stance: Option<Stance>,
}

impl Strategy for SmaCross {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        let (fast, slow) = (self.fast.next(bar.close), self.slow.next(bar.close));
        let (fast, slow) = (fast?, slow?);
        if let Some((fast_before, slow_before)) = self.averages.replace((fast, slow)) {
            if fast_before < slow_before && fast > slow {
                self.stance = Some(Stance::Long);
            } else if fast_before > slow_before && fast < slow {
                self.stance = Some(Stance::Short);
            }
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |(fast, slow)| Indicators::from([("sma_fast", fast), ("sma_slow", slow)]);
        self.averages.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }

    fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        snapshot_of(self)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        restore_to(self, snapshot)
    }
}

fn check(params: &Params) -> Result<(), ParamError> {
    if whole(params, "fast") < whole(params, "slow") {
        return Ok(());
    }
    let reason = "`fast` must be less than `slow`";
    Err(ParamError::Inconsistent { strategy: DEFINITION.name, reason })
}

#[cfg(test)]
mod tests {
    use crate::registry::build;
    use engine::bar::Bar;
    use engine::strategy::{Params, Stance};

    fn stances(closes: &[f64]) -> Vec<Option<Stance>> {
        let params = Params::from([("fast".to_owned(), 2.0), ("slow".to_owned(), 3.0)]);
        let mut strategy = build("sma_cross", &params).unwrap();
        let bar = |(index, close): (usize, &f64)| Bar {
            at: chrono::DateTime::from_timestamp(60 * i64::try_from(index).unwrap(), 0).unwrap(),
            seconds: 60,
            open: *close,
            high: *close,
            low: *close,
            close: *close,
            volume: 1.0,
            trades: 1,
        };
        closes.iter().enumerate().map(bar).map(|bar| strategy.on_bar(&bar)).collect()
    }

    #[test]
    fn it_is_long_from_a_cross_above_until_a_cross_below() {
        // Averages of 2 and 3: 8.5, 9 | 9.5, 9.33 (cross above) | 11, 10 | 8.5, 9.33 (below).
        let stances = stances(&[10.0, 9.0, 8.0, 11.0, 11.0, 6.0]);
        let (long, short) = (Some(Stance::Long), Some(Stance::Short));
        assert_eq!(stances, [None, None, None, long, long, short]);
    }

    #[test]
    fn touching_without_crossing_changes_nothing() {
        // From equal averages a move up is no cross: the fast one was not below before.
        assert_eq!(stances(&[10.0, 10.0, 10.0, 12.0, 13.0]), [None; 5]);
    }
}
