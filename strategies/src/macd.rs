//! MACD cross: long while the difference of two averages is above its own average (Gerald Appel).

use crate::prelude::*;
use engine::indicator::{Macd, MacdLines};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "macd",
    description: "Long when the MACD crosses above its signal line, short when it crosses below.",
    tickers: 1,
    params: &[
        ParamSpec::bars("fast", "Length of the fast average.", 12.0, 2.0),
        ParamSpec::bars("slow", "Length of the slow average; more than the fast one.", 26.0, 2.0),
        ParamSpec::bars("signal", "Length of the signal line's average.", 9.0, 1.0),
    ],
    check: |params| consistent("macd", params, ("fast", "slow"), "`fast` must be less than `slow`"),
    build: |params| {
        let [fast, slow, signal] = ["fast", "slow", "signal"].map(|name| whole(params, name));
        Box::new(MacdCross {
            warmup_bars: u32::from(slow).saturating_add(u32::from(signal)),
            macd: Macd::new(fast, slow, signal),
            lines: None,
            crossing: Crossing::default(),
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MacdCross {
    warmup_bars: u32,
    macd: Macd,
    lines: Option<MacdLines>,
    crossing: Crossing,
    stance: Option<Stance>,
}

impl Strategy for MacdCross {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.lines = self.macd.next(bar.close);
        let lines = self.lines?;
        if let Some(turn) = self.crossing.next(lines.macd, lines.signal) {
            self.stance = Some(turn.stance());
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |lines: MacdLines| {
            Indicators::from([
                ("macd", lines.macd),
                ("signal", lines.signal),
                ("histogram", lines.histogram()),
            ])
        };
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
    fn it_is_long_from_a_cross_above_the_signal_until_a_cross_below() {
        // A fall that slows down lifts the MACD over its average; a new fall takes it below again.
        let closes = [20.0, 18.0, 15.0, 11.0, 10.9, 10.9, 11.5, 9.0, 6.0];
        let stances = of_closes("macd fast=2 slow=3 signal=2", &closes);
        assert_eq!(stances[..4], [None; 4]);
        assert_eq!(stances[4], LONG);
        assert_eq!(stances[8], SHORT);
    }
}
