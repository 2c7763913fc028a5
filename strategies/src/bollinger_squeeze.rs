//! Bollinger squeeze breakout: a close outside the bands shortly after they were at their narrowest.
//!
//! John Bollinger, *Bollinger on Bollinger Bands*, 2001: the squeeze is the bandwidth at its lowest for six
//! months (125 days). With `lookback=1` every bar is one, which leaves the plain breakout.

use crate::prelude::*;
use engine::indicator::{Bands, Bollinger, Extremum, Lowest};

/// Bars for which a squeeze counts, its own included.
const SQUEEZE_BARS: u32 = 5;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "bollinger_squeeze",
    description: "Long when the close breaks above the upper band within five bars of the narrowest bands of the lookback, until it is below the middle; short is the mirror.",
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
        ParamSpec::bars("lookback", "Bars that the bands must be the narrowest of.", 125.0, 1.0),
    ],
    check: |_| Ok(()),
    build: |params| {
        let (period, lookback) = (whole(params, "period"), whole(params, "lookback"));
        Box::new(BollingerSqueeze {
            warmup_bars: u32::from(period).saturating_add(u32::from(lookback)).saturating_sub(1),
            bollinger: Bollinger::new(period, number(params, "deviations")),
            narrowest: Lowest::new(lookback),
            squeeze_left: 0,
            bands: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct BollingerSqueeze {
    warmup_bars: u32,
    bollinger: Bollinger,
    narrowest: Lowest,
    /// Bars, this one included, for which the newest squeeze still counts.
    squeeze_left: u32,
    bands: Option<Bands>,
    stance: Option<Stance>,
}

impl Strategy for BollingerSqueeze {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.bands = self.bollinger.next(bar.close);
        let (bands, close) = (self.bands?, bar.close);
        let width = (bands.upper - bands.lower) / bands.middle;
        let narrowest = self.narrowest.next(width);
        self.squeeze_left = match narrowest {
            Some(Extremum { age: 0, .. }) => SQUEEZE_BARS,
            _ => self.squeeze_left.saturating_sub(1),
        };
        let enter = match self.squeeze_left {
            0 => None,
            _ if close > bands.upper => Some(Stance::Long),
            _ if close < bands.lower => Some(Stance::Short),
            _ => None,
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => close < bands.middle,
            Stance::Short => close > bands.middle,
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
                ("squeeze_left", f64::from(self.squeeze_left)),
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
    use crate::testing::{FLAT, LONG, of_closes};

    #[test]
    fn it_buys_the_break_out_of_a_squeeze_and_leaves_below_the_middle() {
        let closes = [10.0, 14.0, 10.0, 12.0, 11.0, 11.1, 11.0, 11.1, 15.0, 14.0, 9.0];
        let stances = of_closes("bollinger_squeeze period=4 deviations=1.5 lookback=3", &closes);
        assert_eq!(stances[..8], [None; 8]);
        assert_eq!(stances[8..], [LONG, LONG, FLAT]);
    }

    #[test]
    fn a_break_out_of_wide_bands_is_none() {
        // The bands only widen after the first three: the squeeze at their start is over.
        let closes = [10.0, 10.0, 10.0, 11.0, 9.0, 12.0, 8.0, 13.0, 7.0, 14.0, 6.0, 40.0];
        let stances = of_closes("bollinger_squeeze period=4 deviations=1.5 lookback=3", &closes);
        assert_eq!(stances[11], None);
    }
}
