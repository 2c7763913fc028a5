//! Trades, profits and equity of a broker that was written from the rules alone, in Python
//! (`scripts/reference/backtests.py`), on public-domain bars of Google.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use crate::desk::{ExactCross, decimal, market};
use crate::support::goog;
use engine::AssetClass;
use engine::backtest::{
    Costs, Direction, FRACTION_STEP, Fees, FillAt, Outcome, Protection, RunOptions, Spec,
    TradeSide, run,
};
use engine::metrics::{Metric, Metrics};
use rust_decimal::Decimal;

fn spec(case: &str) -> Spec {
    let both = Spec { direction: Direction::LongShort, ..Spec::default() };
    let costs = Costs::commission(decimal("0.002"));
    let protection = |stop: Option<&str>, target: Option<&str>, trail: Option<&str>| Protection {
        stop_loss: stop.map(decimal),
        take_profit: target.map(decimal),
        trailing_stop: trail.map(decimal),
    };
    match case {
        "long" => Spec::default(),
        "long_commission" => Spec { costs, ..Spec::default() },
        "both" => both,
        "both_commission" => Spec { costs, ..both },
        "long_fractional" => Spec { costs, quantity_step: FRACTION_STEP, ..Spec::default() },
        "both_same_close" => Spec { costs, fill: FillAt::SameClose, ..both },
        "both_slippage" => Spec {
            costs: Costs {
                fees: Fees::Rate { rate: decimal("0.001") },
                slippage_bps: decimal("5"),
            },
            ..both
        },
        "both_stop_and_target" => {
            Spec { costs, protection: protection(Some("0.05"), Some("0.12"), None), ..both }
        }
        "long_trailing" => {
            Spec { costs, protection: protection(None, None, Some("0.08")), ..Spec::default() }
        }
        other => panic!("the fixture has a case that this test does not know: {other}"),
    }
}

fn outcome(case: &str) -> Outcome {
    let market = market(&[("GOOG", goog())]);
    let strategy = Box::new(ExactCross::default());
    run(&market, &spec(case), vec![strategy], RunOptions::default()).unwrap()
}

fn near(found: Decimal, expected: &str, what: &str) {
    let apart = found - decimal(expected);
    assert!(apart.abs() < decimal("0.000001"), "{what}: {found}, the reference has {expected}");
}

/// The rows of the fixture, case by case.
fn cases() -> Vec<Vec<Vec<&'static str>>> {
    let text = include_str!("../fixtures/goog_1d_backtests.csv");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let cases: Vec<_> = rows.chunk_by(|one, other| one[0] == other[0]).map(<[_]>::to_vec).collect();
    assert_eq!(cases.len(), 9);
    cases
}

fn is_near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn every_trade_is_that_of_an_independent_broker() {
    for rows in cases() {
        let case = rows[0][0];
        let outcome = outcome(case);
        let trades: Vec<_> =
            rows.iter().filter(|row| ["long", "short"].contains(&row[1])).collect();
        assert_eq!(outcome.trades.len(), trades.len(), "{case}");
        for (trade, row) in outcome.trades.iter().zip(trades) {
            let what = format!("{case}, {} {}", row[1], row[3]);
            let side = if trade.side == TradeSide::Long { "long" } else { "short" };
            let day = |at: engine::Timestamp| at.format("%Y-%m-%d").to_string();
            assert_eq!([side, &day(trade.entry_time)], [row[1], row[3]], "{what}");
            assert_eq!(day(trade.exit_time), row[5], "{what}");
            near(trade.quantity, row[2], &what);
            near(trade.entry_price, row[4], &what);
            near(trade.exit_price, row[6], &what);
            near(trade.commission, row[7], &what);
            near(trade.pnl, row[8], &what);
        }
    }
}

#[test]
fn the_equity_and_every_metric_are_those_of_an_independent_broker() {
    let market = market(&[("GOOG", goog())]);
    for rows in cases() {
        let case = rows[0][0];
        let outcome = outcome(case);
        let metrics = Metrics::of(&outcome, &market, AssetClass::UsEquity);
        let mut compared = 0;
        for row in &rows {
            let found = match row[1] {
                "equity" => Some(outcome.equity[row[2].parse::<usize>().unwrap()]),
                "metric" => metrics.get(row[2].parse().unwrap()),
                _ => continue,
            };
            let expected: f64 = row[8].parse().unwrap();
            let found = found.unwrap();
            assert!(is_near(found, expected), "{case}, {}: {found}, not {expected}", row[2]);
            compared += 1;
        }
        assert_eq!(compared, 6 + Metric::ALL.len(), "{case}");
    }
}

#[test]
fn a_stop_and_a_target_lead_to_trades_that_a_turn_alone_does_not() {
    // The cases of the fixture would prove little if the exits never filled.
    let (plain, guarded) = (outcome("both_commission"), outcome("both_stop_and_target"));
    let exits = |outcome: &Outcome| -> Vec<_> {
        outcome.trades.iter().map(|trade| trade.exit_time).collect()
    };
    assert_ne!(exits(&plain), exits(&guarded));
}
