//! RSI mean reversion: long from oversold until overbought.
//!
//! J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.

use crate::registry::{Definition, number, whole};
use engine::bar::Bar;
use engine::indicator::Rsi;
use engine::strategy::{Indicators, ParamError, ParamSpec, Params, Stance, Strategy, View};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "rsi",
    description: "Long when Wilder's RSI falls below the oversold level, out when it rises above the overbought level.",
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
        Box::new(RsiReversion {
            rsi: Rsi::new(whole(params, "period")),
            oversold: number(params, "oversold"),
            overbought: number(params, "overbought"),
            stance: None,
        })
    },
};

#[derive(Debug)]
struct RsiReversion {
    rsi: Rsi,
    oversold: f64,
    overbought: f64,
    stance: Option<Stance>,
}

impl Strategy for RsiReversion {
    fn on_bar(&mut self, bar: &Bar) -> View {
        let Some(rsi) = self.rsi.next(bar.close) else {
            return View { stance: None, indicators: Indicators::new() };
        };
        if rsi < self.oversold {
            self.stance = Some(Stance::Long);
        } else if rsi > self.overbought {
            self.stance = Some(Stance::Flat);
        }
        View { stance: self.stance, indicators: Indicators::from([("rsi", rsi)]) }
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
                strategy.on_bar(&bar).stance
            })
            .collect();
        let (long, flat) = (Some(Stance::Long), Some(Stance::Flat));
        assert_eq!(stances, [None, None, long, long, flat, flat]);
    }
}
