//! RSI mean reversion: long from oversold until overbought, short from there.
//!
//! J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.

use crate::registry::Definition;
use engine::bar::Bar;
use engine::indicator::Rsi;
use engine::params::{number, whole};
use engine::strategy::{
    Indicators, ParamError, ParamSpec, Params, Snapshot, SnapshotError, Stance, Strategy,
    restore_to, snapshot_of,
};
use serde::{Deserialize, Serialize};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "rsi",
    description: "Long when Wilder's RSI falls below the oversold level, short when it rises above the overbought level.",
    tickers: 1,
    params: &[
        ParamSpec {
            name: "period",
            description: "Changes that the index averages.",
            unit: "bars",
            default: 14.0,
            min: 2.0,
            max: 1000.0,
            whole: true,
        },
        ParamSpec {
            name: "oversold",
            description: "Buy below this level.",
            unit: "points",
            default: 30.0,
            min: 0.0,
            max: 100.0,
            whole: false,
        },
        ParamSpec {
            name: "overbought",
            description: "Sell above this level.",
            unit: "points",
            default: 70.0,
            min: 0.0,
            max: 100.0,
            whole: false,
        },
    ],
    check,
    build: |params| {
        let period = whole(params, "period");
        Box::new(RsiReversion {
            warmup_bars: u32::from(period).saturating_add(1),
            rsi: Rsi::new(period),
            oversold: number(params, "oversold"),
            overbought: number(params, "overbought"),
            value: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RsiReversion {
    warmup_bars: u32,
    rsi: Rsi,
    oversold: f64,
    overbought: f64,
    /// The index after the newest bar.
    value: Option<f64>,
    stance: Option<Stance>,
}

impl Strategy for RsiReversion {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.value = self.rsi.next(bar.close);
        let rsi = self.value?;
        if rsi < self.oversold {
            self.stance = Some(Stance::Long);
        } else if rsi > self.overbought {
            self.stance = Some(Stance::Short);
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        self.value.map(|rsi| Indicators::from([("rsi", rsi)])).unwrap_or_default()
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
    if number(params, "oversold") < number(params, "overbought") {
        return Ok(());
    }
    let reason = "`oversold` must be less than `overbought`";
    Err(ParamError::Inconsistent { strategy: DEFINITION.name, reason })
}

#[cfg(test)]
mod tests {
    use crate::registry::build;
    use engine::bar::Bar;
    use engine::strategy::{Params, Stance};

    #[test]
    fn it_buys_the_fall_and_sells_the_rise() {
        let mut strategy = build("rsi", &Params::from([("period".to_owned(), 2.0)])).unwrap();
        let closes = [100.0, 99.0, 98.0, 98.5, 104.0, 105.0];
        let stances: Vec<_> = closes
            .iter()
            .zip(0_i64..)
            .map(|(close, index)| {
                let at = chrono::DateTime::from_timestamp(60 * index, 0).unwrap();
                let (open, high, low) = (*close, *close, *close);
                let bar =
                    Bar { at, seconds: 60, open, high, low, close: *close, volume: 1.0, trades: 1 };
                strategy.on_bar(&bar)
            })
            .collect();
        let (long, short) = (Some(Stance::Long), Some(Stance::Short));
        assert_eq!(stances, [None, None, long, long, short, short]);
    }
}
