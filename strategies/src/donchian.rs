//! Donchian breakout, the Turtles' first system: buy a new high of the entry channel, leave on a new low of the
//! exit channel. The channels are those of the bars before; this one's own extremes do not count.

use crate::prelude::*;
use engine::indicator::{Bands, Donchian};

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "donchian",
    description: "Long when the close breaks above the highest high of the bars before, out when it falls below the lowest low of the exit channel; short is the mirror.",
    tickers: 1,
    params: &[
        ParamSpec::bars("entry", "Bars of the channel to break out of.", 20.0, 2.0),
        ParamSpec::bars("exit", "Bars of the channel to leave by.", 10.0, 2.0),
    ],
    check: |_| Ok(()),
    build: |params| {
        let (entry, exit) = (whole(params, "entry"), whole(params, "exit"));
        Box::new(DonchianBreakout {
            warmup_bars: u32::from(entry.max(exit)).saturating_add(1),
            entry: Donchian::new(entry),
            exit: Donchian::new(exit),
            channels: None,
            channels_before: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct DonchianBreakout {
    warmup_bars: u32,
    entry: Donchian,
    exit: Donchian,
    /// Entry and exit channel, the newest bar included.
    channels: Option<(Bands, Bands)>,
    /// The same of the bar before.
    channels_before: Option<(Bands, Bands)>,
    stance: Option<Stance>,
}

impl Strategy for DonchianBreakout {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.channels_before = self.channels;
        self.channels = self.entry.next(bar).zip(self.exit.next(bar));
        let ((entry, exit), close) = (self.channels_before?, bar.close);
        let enter = if close > entry.upper {
            Some(Stance::Long)
        } else if close < entry.lower {
            Some(Stance::Short)
        } else {
            None
        };
        self.stance = after(self.stance, enter, |side| match side {
            Stance::Long => close < exit.lower,
            Stance::Short => close > exit.upper,
            Stance::Flat => false,
        });
        self.stance
    }

    fn indicators(&self) -> Indicators {
        let values = |(entry, exit): (Bands, Bands)| {
            Indicators::from([
                ("entry_upper", entry.upper),
                ("entry_lower", entry.lower),
                ("exit_upper", exit.upper),
                ("exit_lower", exit.lower),
            ])
        };
        self.channels_before.map(values).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{FLAT, LONG, SHORT, of_closes};

    #[test]
    fn it_buys_a_new_high_and_leaves_on_a_new_low_of_the_shorter_channel() {
        let closes = [10.0, 12.0, 11.0, 13.0, 12.0, 11.5, 10.5];
        let stances = of_closes("donchian entry=3 exit=2", &closes);
        assert_eq!(stances, [None, None, None, LONG, LONG, FLAT, SHORT]);
    }

    #[test]
    fn the_high_of_the_bar_itself_is_not_broken() {
        assert_eq!(of_closes("donchian entry=3 exit=2", &[10.0, 12.0, 11.0, 12.0])[3], None);
    }
}
