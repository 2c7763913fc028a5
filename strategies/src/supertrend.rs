//! Turns with the line that trails the price by average true ranges (Olivier Seban).

use crate::prelude::*;
use engine::indicator::{SuperTrend, SuperTrendLine};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "supertrend",
    description: "Long when the SuperTrend turns up, short when it turns down.",
    tickers: 1,
    params: &[
        ParamSpec::bars("period", "Ranges that the distance averages.", 10.0, 2.0),
        ParamSpec::number(
            "multiplier",
            "Average true ranges of distance.",
            "factor",
            3.0,
            (0.1, 100.0),
        ),
    ],
    check: |_| Ok(()),
    build: |params| {
        let period = whole(params, "period");
        Box::new(SuperTrendTurn {
            warmup_bars: u32::from(period).saturating_add(2),
            trend: SuperTrend::new(period, number(params, "multiplier")),
            line: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SuperTrendTurn {
    warmup_bars: u32,
    trend: SuperTrend,
    line: Option<SuperTrendLine>,
    stance: Option<Stance>,
}

impl Strategy for SuperTrendTurn {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        let before = self.line;
        self.line = self.trend.next(bar);
        match (before.map(|line| line.rising), self.line?.rising) {
            (Some(false), true) => self.stance = Some(Stance::Long),
            (Some(true), false) => self.stance = Some(Stance::Short),
            _ => {}
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let Some(line) = self.line else { return Indicators::new() };
        let direction = if line.rising { 1.0 } else { -1.0 };
        Indicators::from([("supertrend", line.value), ("direction", direction)])
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn only_a_turn_is_an_opinion() {
        // Ranges of 2, then larger: the line starts 2 below the close and is broken at 5, then at 20.
        let closes = [10.0, 12.0, 10.0, 12.0, 5.0, 6.0, 20.0];
        let stances = of_closes("supertrend period=2 multiplier=1", &closes);
        assert_eq!(stances[..4], [None; 4]);
        assert_eq!(stances[4..], [SHORT, SHORT, LONG]);
    }
}
