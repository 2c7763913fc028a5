//! Bollinger mean reversion: what closes outside the bands comes back to their middle.
//!
//! John Bollinger, *Bollinger on Bollinger Bands*, 2001. Population standard deviation.

use crate::prelude::*;
use engine::indicator::{Bands, Bollinger};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "bollinger_reversion",
    description: "Long when the close falls below the lower band until it is above the middle; short is the mirror.",
    tickers: 1,
    params: &[
        ParamSpec::bars("period", "Bars of the average.", 20.0, 2.0),
        ParamSpec::number(
            "deviations",
            "Standard deviations to either side.",
            "factor",
            2.0,
            (0.1, 10.0),
        ),
    ],
    check: |_| Ok(()),
    build: |params| {
        let period = whole(params, "period");
        Box::new(BollingerReversion {
            warmup_bars: u32::from(period),
            bollinger: Bollinger::new(period, number(params, "deviations")),
            bands: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct BollingerReversion {
    warmup_bars: u32,
    bollinger: Bollinger,
    bands: Option<Bands>,
    stance: Option<Stance>,
}

impl Strategy for BollingerReversion {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.bands = self.bollinger.next(bar.close);
        let (bands, close) = (self.bands?, bar.close);
        let enter = if close < bands.lower {
            Some(Stance::Long)
        } else if close > bands.upper {
            Some(Stance::Short)
        } else {
            None
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => close > bands.middle,
            Stance::Short => close < bands.middle,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |bands: Bands| {
            Indicators::from([
                ("upper", bands.upper),
                ("middle", bands.middle),
                ("lower", bands.lower),
            ])
        };
        self.bands.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{FLAT, LONG, SHORT, of_closes};

    #[test]
    fn it_buys_below_the_band_and_leaves_above_the_middle() {
        // Of four values the odd one lies at most 1.73 deviations away.
        let closes = [10.0, 10.0, 10.0, 6.0, 7.0, 10.0, 10.0, 10.0, 14.0, 9.0];
        let stances = of_closes("bollinger_reversion period=4 deviations=1.5", &closes);
        assert_eq!(stances[..3], [None; 3]);
        assert_eq!(stances[3..], [LONG, LONG, FLAT, FLAT, FLAT, SHORT, FLAT]);
    }
}
