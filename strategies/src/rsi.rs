//! RSI mean reversion: long from oversold until overbought, short from there.
//!
//! J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.

use crate::prelude::*;
use engine::indicator::Rsi;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "rsi",
    description: "Long when Wilder's RSI falls below the oversold level, short when it rises above the overbought level.",
    tickers: 1,
    params: &[
        ParamSpec::bars("period", "Changes that the index averages.", 14.0, 2.0),
        ParamSpec::number("oversold", "Buy below this level.", "points", 30.0, (0.0, 100.0)),
        ParamSpec::number("overbought", "Sell above this level.", "points", 70.0, (0.0, 100.0)),
    ],
    check: |params| {
        let reason = "`oversold` must be less than `overbought`";
        consistent("rsi", params, ("oversold", "overbought"), reason)
    },
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
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_buys_the_fall_and_sells_the_rise() {
        let stances = of_closes("rsi period=2", &[100.0, 99.0, 98.0, 98.5, 104.0, 105.0]);
        assert_eq!(stances, [None, None, LONG, LONG, SHORT, SHORT]);
    }
}
