//! My strategy: long while the close is above its average. Write the rule and where it comes from here.

use crate::prelude::*;
use engine::indicator::Sma;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "my_strategy",
    description: "Long while the close is above its simple moving average, short while it is below.",
    tickers: 1,
    // Checks, error messages, forms and documentation are made from this; nothing else lists parameters.
    params: &[ParamSpec::bars("period", "Length of the average.", 20.0, 2.0)],
    // What must hold between parameters: see `consistent` in rsi.rs.
    check: |_| Ok(()),
    build: |params| {
        let period = whole(params, "period");
        Box::new(MyStrategy {
            warmup_bars: u32::from(period),
            average: Sma::new(period),
            value: None,
            stance: None,
        })
    },
};

/// Everything it remembers: it comes back from a snapshot bit for bit.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MyStrategy {
    warmup_bars: u32,
    average: Sma,
    /// The average after the newest bar.
    value: Option<f64>,
    stance: Option<Stance>,
}

impl Strategy for MyStrategy {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.value = self.average.next(bar.close);
        let average = self.value?;
        if bar.close > average {
            self.stance = Some(Stance::Long);
        } else if bar.close < average {
            self.stance = Some(Stance::Short);
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        self.value.map(|average| Indicators::from([("average", average)])).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        self.warmup_bars
    }
}

#[cfg(test)]
mod tests {
    use super::DEFINITION;
    use crate::testing::{LONG, SHORT, bars, stances_of};

    #[test]
    fn it_is_on_the_side_of_the_average_on_which_the_close_is() {
        // Averages of 2: 11 (close 12 above), 12 (12, as before), 11 (10 below).
        let stances = stances_of(&DEFINITION, "period=2", &bars(&[10.0, 12.0, 12.0, 10.0]));
        assert_eq!(stances, [None, LONG, LONG, SHORT]);
    }
}
