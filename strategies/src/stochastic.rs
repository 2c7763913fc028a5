//! Stochastic reversal: %K crosses %D in the outer fifth of the range (George Lane).

use crate::prelude::*;
use engine::indicator::{Stochastic, StochasticLines};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "stochastic",
    description: "Long when %K crosses above %D while oversold, short when it crosses below while overbought.",
    tickers: 1,
    params: &[
        ParamSpec::bars("k", "Bars of the range.", 14.0, 1.0),
        ParamSpec::bars("smooth", "Bars that %K is averaged over.", 3.0, 1.0),
        ParamSpec::bars("d", "Bars that %D averages %K over.", 3.0, 1.0),
        ParamSpec::number(
            "oversold",
            "Buy crossings below this level.",
            "points",
            20.0,
            (0.0, 100.0),
        ),
        ParamSpec::number(
            "overbought",
            "Sell crossings above this level.",
            "points",
            80.0,
            (0.0, 100.0),
        ),
    ],
    check: |params| {
        let reason = "`oversold` must be less than `overbought`";
        consistent("stochastic", params, ("oversold", "overbought"), reason)
    },
    build: |params| {
        let [k, smooth, d] = ["k", "smooth", "d"].map(|name| whole(params, name));
        let bars = [k, smooth, d].into_iter().map(u32::from).fold(0, u32::saturating_add);
        Box::new(StochasticReversal {
            // Each window shares a bar with the one before, and a crossing takes two.
            warmup_bars: bars.saturating_sub(1),
            stochastic: Stochastic::new(k, smooth, d),
            oversold: number(params, "oversold"),
            overbought: number(params, "overbought"),
            lines: None,
            crossing: Crossing::default(),
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StochasticReversal {
    warmup_bars: u32,
    stochastic: Stochastic,
    oversold: f64,
    overbought: f64,
    lines: Option<StochasticLines>,
    crossing: Crossing,
    stance: Option<Stance>,
}

impl Strategy for StochasticReversal {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.lines = self.stochastic.next(bar);
        let StochasticLines { k, d } = self.lines?;
        match self.crossing.next(k, d) {
            Some(Turn::Up) if k < self.oversold => self.stance = Some(Stance::Long),
            Some(Turn::Down) if k > self.overbought => self.stance = Some(Stance::Short),
            Some(Turn::Up | Turn::Down) | None => {}
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |lines: StochasticLines| Indicators::from([("k", lines.k), ("d", lines.d)]);
        self.lines.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_turns_in_the_outer_ranges_only() {
        // %K and %D: 0, 10 | 8, 4 (up, low) | 100, 54 | 94, 97 (down, high) | 0, 47 | 56, 28 (up, in
        // the middle).
        let closes = [20.0, 15.0, 16.0, 10.0, 10.5, 14.0, 13.8, 12.0, 13.0];
        let stances = of_closes("stochastic k=3 smooth=1 d=2", &closes);
        assert_eq!(stances[..4], [None; 4]);
        assert_eq!(stances[4..], [LONG, LONG, SHORT, SHORT, SHORT]);
    }
}
