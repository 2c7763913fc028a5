//! Time-series momentum: on the side of the change since so many bars ago.
//!
//! T. J. Moskowitz, Y. H. Ooi and L. H. Pedersen, *Time Series Momentum*, Journal of Financial Economics
//! 104(2), 2012.

use crate::prelude::*;
use engine::indicator::Roc;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "momentum",
    description: "Long while the rate of change is above zero, short while it is below.",
    tickers: 1,
    params: &[ParamSpec::bars("period", "Bars to look back.", 20.0, 1.0)],
    check: |_| Ok(()),
    build: |params| {
        let period = whole(params, "period");
        Box::new(Momentum {
            warmup_bars: u32::from(period).saturating_add(1),
            roc: Roc::new(period),
            value: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Momentum {
    warmup_bars: u32,
    roc: Roc,
    value: Option<f64>,
    stance: Option<Stance>,
}

impl Strategy for Momentum {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.value = self.roc.next(bar.close);
        let roc = self.value?;
        if roc > 0.0 {
            self.stance = Some(Stance::Long);
        } else if roc < 0.0 {
            self.stance = Some(Stance::Short);
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        self.value.map(|roc| Indicators::from([("roc", roc)])).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_is_on_the_side_of_the_change_and_stays_there_when_there_is_none() {
        let stances = of_closes("momentum period=2", &[10.0, 12.0, 11.0, 12.0, 10.0]);
        assert_eq!(stances, [None, None, LONG, LONG, SHORT]);
    }
}
