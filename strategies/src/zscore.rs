//! Z-score mean reversion: what lies far from its average comes back to it.

use crate::prelude::*;
use engine::indicator::ZScore;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "zscore",
    description: "Long when the close lies below its average by the entry score until it is above the exit score; short is the mirror.",
    tickers: 1,
    params: &[
        ParamSpec::bars("period", "Bars of the average.", 20.0, 2.0),
        ParamSpec::number("entry", "Buy below this score.", "deviations", -2.0, (-10.0, 0.0)),
        ParamSpec::number(
            "exit",
            "Leave above this score; more than the entry.",
            "deviations",
            -0.5,
            (-10.0, 10.0),
        ),
    ],
    check: |params| {
        consistent("zscore", params, ("entry", "exit"), "`entry` must be less than `exit`")
    },
    build: |params| {
        let period = whole(params, "period");
        Box::new(ZScoreReversion {
            warmup_bars: u32::from(period),
            score: ZScore::new(period),
            entry: number(params, "entry"),
            exit: number(params, "exit"),
            value: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ZScoreReversion {
    warmup_bars: u32,
    score: ZScore,
    entry: f64,
    exit: f64,
    value: Option<f64>,
    stance: Option<Stance>,
}

impl Strategy for ZScoreReversion {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.value = self.score.next(bar.close);
        let Some(score) = self.value else { return self.stance };
        let enter = if score < self.entry {
            Some(Stance::Long)
        } else if score > -self.entry {
            Some(Stance::Short)
        } else {
            None
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => score > self.exit,
            Stance::Short => score < -self.exit,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        self.value.map(|score| Indicators::from([("zscore", score)])).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{FLAT, LONG, SHORT, of_closes};

    #[test]
    fn it_buys_far_below_the_average_and_leaves_near_it() {
        let closes = [10.0, 10.0, 10.0, 6.0, 6.0, 9.0, 9.0, 9.0, 15.0];
        let stances = of_closes("zscore period=4 entry=-1.5 exit=0", &closes);
        assert_eq!(stances, [None, None, None, LONG, LONG, FLAT, FLAT, FLAT, SHORT]);
    }

    #[test]
    fn prices_that_stand_still_change_nothing() {
        assert_eq!(of_closes("zscore period=2", &[5.0, 5.0, 5.0]), [None; 3]);
    }
}
