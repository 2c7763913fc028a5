//! Directional movement: with the trend while it is strong.
//!
//! J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.

use crate::prelude::*;
use engine::indicator::{Adx, DirectionalLines};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "adx",
    description: "Long when the ADX is above the threshold and +DI above -DI, until +DI is below -DI; short is the mirror.",
    tickers: 1,
    params: &[
        ParamSpec::bars("period", "Movements that the indices average.", 14.0, 2.0),
        ParamSpec::number(
            "threshold",
            "Least strength of the trend to enter.",
            "points",
            25.0,
            (0.0, 100.0),
        ),
    ],
    check: |_| Ok(()),
    build: |params| {
        let period = whole(params, "period");
        Box::new(AdxTrend {
            warmup_bars: u32::from(period).saturating_mul(2),
            adx: Adx::new(period),
            threshold: number(params, "threshold"),
            lines: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct AdxTrend {
    warmup_bars: u32,
    adx: Adx,
    threshold: f64,
    lines: Option<DirectionalLines>,
    stance: Option<Stance>,
}

impl Strategy for AdxTrend {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.lines = self.adx.next(bar);
        let DirectionalLines { adx, plus, minus } = self.lines?;
        let is_strong = adx? > self.threshold;
        let enter = if is_strong && plus > minus {
            Some(Stance::Long)
        } else if is_strong && minus > plus {
            Some(Stance::Short)
        } else {
            None
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => plus < minus,
            Stance::Short => minus < plus,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let Some(lines) = self.lines else { return Indicators::new() };
        let mut values = Indicators::from([("plus_di", lines.plus), ("minus_di", lines.minus)]);
        values.extend(lines.adx.map(|adx| ("adx", adx)));
        values
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_goes_with_a_strong_trend_and_turns_with_it() {
        let rise = (0..8).map(|step| 10.0 + f64::from(step));
        let fall = (1..8).map(|step| 17.0 - 2.0 * f64::from(step));
        let stances = of_closes("adx period=3", &rise.chain(fall).collect::<Vec<_>>());
        assert_eq!(stances[..5], [None; 5], "the index is there after six bars");
        assert_eq!(stances[5], LONG);
        assert_eq!(stances[14], SHORT);
    }
}
