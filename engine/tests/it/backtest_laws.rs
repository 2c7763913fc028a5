//! Laws of every backtest, whatever the market does.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::desk::{Scripted, decimal, follow, market, rich, with_orders};
use crate::support::{moves, wandering};
use engine::Timestamp;
use engine::backtest::{
    Costs, Direction, FRACTION_STEP, FillAt, Flow, Market, Monitor, Outcome, Protection,
    RunOptions, Sizing, Spec, Stances, Switch, run, run_tactic,
};
use engine::bar::Bar;
use engine::metrics::{Metric, Metrics};
use engine::order::Side;
use engine::strategy::{Stance, Strategy as _};
use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::sync::atomic::{AtomicU64, Ordering};

fn stances() -> impl Strategy<Value = Vec<Option<Stance>>> {
    let stance = prop_oneof![
        Just(None),
        Just(Some(Stance::Long)),
        Just(Some(Stance::Flat)),
        Just(Some(Stance::Short)),
    ];
    // Each opinion is held for a few bars.
    let held = (stance, 1..6_usize).prop_map(|(stance, bars)| vec![stance; bars]);
    prop::collection::vec(held, 1..40).prop_map(|parts| parts.concat())
}

fn fraction() -> impl Strategy<Value = Option<Decimal>> {
    prop::option::of((1..90_i64).prop_map(|percent| Decimal::new(percent, 3)))
}

fn specs() -> impl Strategy<Value = Spec> {
    let fill = prop_oneof![
        3 => Just(FillAt::NextOpen),
        1 => Just(FillAt::NextClose),
        1 => Just(FillAt::SameClose),
    ];
    let direction = prop_oneof![Just(Direction::Long), Just(Direction::LongShort)];
    let step = prop_oneof![Just(Decimal::ONE), Just(FRACTION_STEP)];
    let costs = (0..50_i64).prop_map(|rate| Costs::commission(Decimal::new(rate, 4)));
    let exits = (fraction(), fraction(), fraction());
    (fill, direction, step, costs, exits).prop_map(
        |(fill, direction, quantity_step, costs, exits)| {
            let (stop_loss, take_profit, trailing_stop) = exits;
            let protection = Protection { stop_loss, take_profit, trailing_stop };
            Spec { costs, fill, direction, quantity_step, protection, ..rich() }
        },
    )
}

/// Cash and quantities by the fills alone, valued at each close.
fn equity_by_fills(market: &Market, spec: &Spec, outcome: &Outcome) -> Vec<f64> {
    let legs = market.legs();
    let mut fills: Vec<_> = outcome
        .orders
        .iter()
        .filter_map(|order| Some((order.leg, order.side, order.fill?)))
        .collect();
    fills.sort_by_key(|(_, _, fill)| fill.at);
    let mut fills = fills.into_iter().peekable();
    let (mut cash, mut held) = (spec.cash.amount(), vec![Decimal::ZERO; legs.len()]);
    let mut values = Vec::new();
    for at in market.times() {
        while let Some((leg, side, fill)) = fills.next_if(|(_, _, fill)| fill.at <= *at) {
            let (quantity, price) = (fill.quantity.amount(), fill.price.amount());
            let sign = if side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
            cash -= sign * quantity * price + fill.fee.amount();
            held[leg] += sign * quantity;
        }
        let known = |bar: &&Bar| bar.at <= *at;
        let close =
            |leg: usize| legs[leg].bars().iter().rev().find(known).map_or(0.0, |bar| bar.close);
        let worth = |(leg, held): (usize, &Decimal)| held.to_f64().unwrap() * close(leg);
        values.push(cash.to_f64().unwrap() + held.iter().enumerate().map(worth).sum::<f64>());
    }
    values
}

fn assert_close(found: &[f64], expected: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (found - expected).abs();
        prop_assert!(apart <= 1e-6 * expected.abs().max(1.0), "{}: {} {}", index, found, expected);
    }
    Ok(())
}

fn ends_at(bars: &[Bar]) -> Timestamp {
    bars[bars.len() - 1].at
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_equity_is_cash_plus_positions_at_every_bar(
        moves in moves(2..120), script in stances(), spec in specs(),
    ) {
        let market = market(&[("A", wandering(&moves))]);
        let outcome = follow(&market, &spec, &[Scripted::new(&script)]);
        assert_close(&outcome.equity, &equity_by_fills(&market, &spec, &outcome))?;
        for metric in Metric::ALL {
            let value = Metrics::of(&outcome, &market, spec.class).get(*metric);
            prop_assert!(value.is_none_or(f64::is_finite), "{} {:?}", metric, value);
        }
    }

    #[test]
    fn the_equity_of_tickers_with_gaps_is_cash_plus_positions_too(
        moves in moves(20..90), gaps in prop::collection::vec(any::<bool>(), 90),
        scripts in (stances(), stances()), spec in specs(),
    ) {
        let all = wandering(&moves);
        let kept = all.iter().zip(&gaps).filter(|(_, gap)| !**gap).map(|(bar, _)| *bar);
        let mut second: Vec<Bar> = kept.collect();
        second.push(Bar { at: ends_at(&all) + chrono::TimeDelta::hours(1), ..all[0] });
        let market = market(&[("A", all), ("B", second)]);
        let scripts = [Scripted::new(&scripts.0), Scripted::new(&scripts.1)];
        let outcome = follow(&market, &spec, &scripts);
        assert_close(&outcome.equity, &equity_by_fills(&market, &spec, &outcome))?;
    }

    #[test]
    fn no_fill_is_outside_the_range_of_its_bar(
        moves in moves(2..120), script in stances(), spec in specs(),
    ) {
        let bars = wandering(&moves);
        let market = market(&[("A", bars.clone())]);
        let outcome = follow(&market, &spec, &[Scripted::new(&script)]);
        for order in &outcome.orders {
            let Some(fill) = order.fill else { continue };
            let bar = bars.iter().find(|bar| bar.at == fill.at).unwrap();
            let price = fill.price.amount().to_f64().unwrap();
            prop_assert!(price >= bar.low - 1e-9 && price <= bar.high + 1e-9, "{:?} {:?}", order, bar);
            if spec.fill != FillAt::SameClose {
                prop_assert!(fill.at >= order.decided_at);
            }
        }
    }

    #[test]
    fn the_same_trades_earn_less_with_more_commission(
        moves in moves(2..120), script in stances(), spec in specs(), more in 1..50_i64,
    ) {
        // A fixed size and enough cash, so that the trades stay the same.
        let sizing = Sizing::Quantity { quantity: Decimal::TEN };
        let cheap = Spec { sizing, ..spec };
        let rate = match cheap.costs.fees {
            engine::backtest::Fees::Rate { rate } => rate + Decimal::new(more, 4),
            _ => Decimal::new(more, 4),
        };
        let dear = Spec { costs: Costs::commission(rate), ..cheap.clone() };
        let market = market(&[("A", wandering(&moves))]);
        let [cheap, dear] =
            [cheap, dear].map(|spec| follow(&market, &spec, &[Scripted::new(&script)]));
        prop_assert_eq!(cheap.trades.len(), dear.trades.len());
        prop_assert!(dear.equity_final() <= cheap.equity_final());
        for (cheap, dear) in cheap.trades.iter().zip(&dear.trades) {
            prop_assert_eq!(cheap.exit_price, dear.exit_price);
            prop_assert!(dear.pnl < cheap.pnl);
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_of_what_was(
        moves in moves(3..120), script in stances(), spec in specs(), cut in 1..100_usize,
    ) {
        let bars = wandering(&moves);
        let cut = 1 + cut % (bars.len() - 1);
        let script = [Scripted::new(&script)];
        let whole = follow(&market(&[("A", bars.clone())]), &spec, &script);
        let part = follow(&market(&[("A", bars[..cut].to_vec())]), &spec, &script);
        prop_assert_eq!(&part.equity, &whole.equity[..cut]);
        let until = ends_at(&bars[..cut]);
        let known: Vec<_> =
            whole.trades.iter().filter(|trade| trade.exit_time <= until).cloned().collect();
        prop_assert_eq!(part.trades, known);
    }

    #[test]
    fn the_short_way_for_one_ticker_gives_what_the_long_way_gives_and_gives_it_twice(
        moves in moves(2..120), script in stances(), spec in specs(),
    ) {
        let market = market(&[("A", wandering(&moves))]);
        let script = Scripted::new(&script);
        let short = follow(&market, &spec, std::slice::from_ref(&script));
        let mut stances = Stances::new(vec![Box::new(script.clone())], &market).unwrap();
        let long = run_tactic(&market, &spec, &mut stances, with_orders()).unwrap();
        prop_assert_eq!(&short, &long);
        prop_assert_eq!(&short, &follow(&market, &spec, &[script]));
    }
}

/// Stops a run after a number of questions.
#[derive(Debug)]
struct Impatient {
    bars: AtomicU64,
    most: u64,
}

impl Monitor for Impatient {
    fn advanced(&self, bars: u64) -> Flow {
        let sum = self.bars.fetch_add(bars, Ordering::Relaxed) + bars;
        if sum >= self.most { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn a_run_tells_its_progress_and_stops_when_told_to() {
    let moves = vec![(1, 1, 1); 20_000];
    let market = market(&[("A", wandering(&moves))]);
    let strategy = || vec![Box::new(Scripted::new(&[Some(Stance::Long)])) as Box<_>];
    let switch = Switch::default();
    let options = || RunOptions { monitor: Some(&switch), ..RunOptions::default() };
    let whole = run(&market, &Spec::default(), strategy(), options()).unwrap();
    assert_eq!((whole.canceled, switch.bars.load(Ordering::Relaxed)), (false, 20_000));
    let impatient = Impatient { bars: AtomicU64::new(0), most: 8_000 };
    let options = RunOptions { monitor: Some(&impatient), ..RunOptions::default() };
    let part = run(&market, &Spec::default(), strategy(), options).unwrap();
    assert!(part.canceled);
    assert_eq!(part.equity, whole.equity[..part.equity.len()]);
    assert!(part.equity.len() < 20_000);
}

#[test]
fn the_short_way_is_the_long_way_over_many_stretches_too() {
    let moves: Vec<_> =
        (0..10_000_i32).map(|step| (i8::try_from(step * 7919 % 61 - 30).unwrap(), 9, 11)).collect();
    let market = market(&[("A", wandering(&moves))]);
    let sides = [Some(Stance::Long), None, Some(Stance::Short), Some(Stance::Flat)];
    let script: Vec<_> = (0..10_000_usize).map(|step| sides[step / 37 % 4]).collect();
    let exits = Protection { stop_loss: Some(decimal("0.02")), ..Protection::default() };
    let spec = Spec { protection: exits, ..rich() };
    let short = follow(&market, &spec, &[Scripted::new(&script)]);
    let strategy = Box::new(Scripted::new(&script));
    let mut stances = Stances::new(vec![strategy], &market).unwrap();
    let long = run_tactic(&market, &spec, &mut stances, with_orders()).unwrap();
    assert!(short.trades.len() > 100, "{} trades", short.trades.len());
    assert_eq!(short, long);
}

#[test]
fn memory_that_is_used_again_leaves_no_trace() {
    let moves: Vec<_> = (0..200).map(|step| (if step % 7 < 4 { 9 } else { -8 }, 3, 5)).collect();
    let market = market(&[("A", wandering(&moves))]);
    let script: Vec<_> = (0..200)
        .map(|step| Some(if step % 9 < 5 { Stance::Long } else { Stance::Short }))
        .collect();
    let strategy = || vec![Box::new(Scripted::new(&script)) as Box<_>];
    let fresh = run(&market, &rich(), strategy(), with_orders()).unwrap();
    let options = RunOptions { reuse: fresh.clone(), ..with_orders() };
    assert_eq!(run(&market, &rich(), strategy(), options).unwrap(), fresh);
}

#[test]
fn too_few_bars_or_strategies_are_refused() {
    let market = market(&[("A", wandering(&[(1, 1, 1); 20]))]);
    let cross = Box::new(crate::desk::ExactCross::default());
    assert_eq!(cross.warmup_bars(), 21);
    let refused = run(&market, &Spec::default(), vec![cross], RunOptions::default());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "A has 20 bars, the strategy needs 21 before its first opinion"
    );
    let refused = run(&market, &Spec::default(), vec![], RunOptions::default());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the strategies watch 0 tickers, the market has 1"
    );
    let senseless = Spec { quantity_step: decimal("0"), ..Spec::default() };
    let strategy = Box::new(Scripted::new(&[]));
    let refused = run(&market, &senseless, vec![strategy], RunOptions::default());
    assert_eq!(refused.unwrap_err().to_string(), "quantity step must be above 0, not 0");
}
