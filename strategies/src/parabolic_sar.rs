//! Parabolic stop and reverse: always on the side that the stop does not threaten.
//!
//! J. Welles Wilder, *New Concepts in Technical Trading Systems*, 1978.

use crate::prelude::*;
use engine::indicator::ParabolicSar;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "parabolic_sar",
    description: "Long while the stop is below the close, short while it is above.",
    tickers: 1,
    params: &[
        ParamSpec::number(
            "step",
            "Acceleration at first and added with every new extreme.",
            "fraction",
            0.02,
            (0.0001, 1.0),
        ),
        ParamSpec::number(
            "max",
            "Greatest acceleration; more than the step.",
            "fraction",
            0.2,
            (0.0001, 1.0),
        ),
    ],
    check: |params| {
        consistent("parabolic_sar", params, ("step", "max"), "`step` must be less than `max`")
    },
    build: |params| {
        Box::new(StopAndReverse {
            sar: ParabolicSar::new(number(params, "step"), number(params, "max")),
            value: None,
            stance: None,
        })
    },
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StopAndReverse {
    sar: ParabolicSar,
    value: Option<f64>,
    stance: Option<Stance>,
}

impl Strategy for StopAndReverse {
    fn on_bar(&mut self, bar: &Bar) -> Option<Stance> {
        self.value = self.sar.next(bar);
        let stop = self.value?;
        if stop < bar.close {
            self.stance = Some(Stance::Long);
        } else if stop > bar.close {
            self.stance = Some(Stance::Short);
        }
        self.stance
    }

    fn indicators(&self) -> Indicators {
        self.value.map(|stop| Indicators::from([("parabolic_sar", stop)])).unwrap_or_default()
    }

    fn warmup_bars(&self) -> u32 {
        2
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_turns_when_the_stop_is_touched() {
        let stances = of_closes("parabolic_sar", &[10.0, 11.0, 12.0, 13.0, 9.0, 8.0]);
        assert_eq!(stances, [None, LONG, LONG, LONG, SHORT, SHORT]);
    }
}
