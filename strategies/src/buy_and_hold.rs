//! Buy and hold: the yardstick.
//!
//! It decides on the second bar, as the reference runs do, so that a backtest of it and of any other rule begin
//! with the same bars.

use crate::prelude::*;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "buy_and_hold",
    description: "Long from the second bar on, for ever: what every other rule is measured against.",
    tickers: 1,
    params: &[],
    check: |_| Ok(()),
    build: |_| Box::new(BuyAndHold { bars: 0 }),
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct BuyAndHold {
    /// Bars seen, at most 2.
    bars: u32,
}

impl Strategy for BuyAndHold {
    fn on_bar(&mut self, _bar: &Bar) -> Option<Stance> {
        self.bars = self.bars.saturating_add(1).min(2);
        (self.bars == 2).then_some(Stance::Long)
    }

    fn indicators(&self) -> Indicators {
        Indicators::new()
    }

    fn warmup_bars(&self) -> u32 {
        2
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, of_closes};

    #[test]
    fn it_buys_and_holds() {
        assert_eq!(of_closes("buy_and_hold", &[10.0, 9.0, 1.0]), [None, LONG, LONG]);
    }
}
