//! Moving-average cross: long while the fast average has crossed above the slow one.
//!
//! W. Brock, J. Lakonishok and B. Le Baron, *Simple Technical Trading Rules and the Stochastic Properties of
//! Stock Returns*, Journal of Finance 47(5), 1992. A cross is strict: below before, above now.

use crate::average_cross::{AverageCross, check};
use crate::prelude::*;
use engine::indicator::Sma;

/// The catalogue's entry.
pub(crate) const DEFINITION: Definition = Definition {
    name: "sma_cross",
    description: "Long when the fast simple moving average crosses above the slow one, short when it crosses below.",
    tickers: 1,
    params: &[
        ParamSpec::bars("fast", "Length of the fast average.", 10.0, 2.0),
        ParamSpec::bars("slow", "Length of the slow average; more than the fast one.", 20.0, 2.0),
    ],
    check: |params| check("sma_cross", params),
    build: |params| Box::new(AverageCross::<Sma>::new(params)),
};

#[cfg(test)]
mod tests {
    use crate::testing::{LONG, SHORT, of_closes};

    #[test]
    fn it_is_long_from_a_cross_above_until_a_cross_below() {
        // Averages of 2 and 3: 8.5, 9 | 9.5, 9.33 (cross above) | 11, 10 | 8.5, 9.33 (below).
        let stances = of_closes("sma_cross fast=2 slow=3", &[10.0, 9.0, 8.0, 11.0, 11.0, 6.0]);
        assert_eq!(stances, [None, None, None, LONG, LONG, SHORT]);
    }

    #[test]
    fn touching_without_crossing_changes_nothing() {
        // From equal averages a move up is no cross: the fast one was not below before.
        let stances = of_closes("sma_cross fast=2 slow=3", &[10.0, 10.0, 10.0, 12.0, 13.0]);
        assert_eq!(stances, [None; 5]);
    }
}
