//! Exponential moving-average cross: as `sma_cross`, with averages that weigh the newest bars most.

use crate::average_cross::{AverageCross, check};
use crate::prelude::*;
use engine::indicator::Ema;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "ema_cross",
    description: "Long when the fast exponential moving average crosses above the slow one, short when it crosses below.",
    tickers: 1,
    params: &[
        ParamSpec::bars("fast", "Length of the fast average.", 12.0, 2.0),
        ParamSpec::bars("slow", "Length of the slow average; more than the fast one.", 26.0, 2.0),
    ],
    check: |params| check("ema_cross", params),
    build: |params| Box::new(AverageCross::<Ema>::new(params)),
};

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_is_long_from_a_cross_above_until_a_cross_below() {
        // Averages of 2 (weight 2/3) and 3 (weight 1/2), seeded with 9.5 and 9:
        // 8.5, 9 | 10.17, 10 (cross above) | 7.39, 8 (below).
        let stances = of_closes("ema_cross fast=2 slow=3", &[10.0, 9.0, 8.0, 11.0, 6.0]);
        assert_eq!(stances, [None, None, None, LONG, SHORT]);
    }
}
