//! Every kind of order, every way a bar can fill it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::desk::{Scripted, decimal, follow, market, place, rich};
use chrono::TimeDelta;
use engine::backtest::{
    Costs, Effect, Exits, Fees, FillAt, Level, OrderRecord, OrderRequest, Outcome, Protection,
    Size, Sizing, Spec,
};
use engine::bar::Bar;
use engine::order::{Kind, Side, Status, TimeInForce, Trail};
use engine::risk::Limits;
use engine::strategy::Stance;
use engine::{Price, Quantity, Timestamp, Usd};
use rust_decimal::Decimal;

fn bars(prices: &[[f64; 4]]) -> Vec<Bar> {
    let bar = |(day, [open, high, low, close]): (i64, &[f64; 4])| Bar {
        at: Timestamp::UNIX_EPOCH + TimeDelta::days(day),
        seconds: 86_400,
        open: *open,
        high: *high,
        low: *low,
        close: *close,
        volume: 1_000.0,
        trades: 1,
    };
    (0..).zip(prices).map(bar).collect()
}

fn price(text: &str) -> Price {
    Price::new(decimal(text)).unwrap()
}

fn buy(kind: Kind) -> OrderRequest {
    let size = Size::Exactly(Quantity::new(Decimal::TEN).unwrap());
    OrderRequest { kind, size, ..OrderRequest::open(0, Side::Buy) }
}

fn bracket(kind: Kind, stop: &str, target: &str) -> OrderRequest {
    let exits = Exits {
        stop_loss: Some(Level::At(price(stop))),
        take_profit: Some(Level::At(price(target))),
        trailing_stop: None,
    };
    OrderRequest { exits, ..buy(kind) }
}

/// Day, price and status of each order, by its number; day and price are of its fill.
fn told(outcome: &Outcome) -> Vec<(Status, Option<(i64, String)>)> {
    let mut orders: Vec<&OrderRecord> = outcome.orders.iter().collect();
    orders.sort_by_key(|order| order.id);
    let day = |at: Timestamp| at.signed_duration_since(Timestamp::UNIX_EPOCH).num_days();
    orders
        .iter()
        .map(|order| (order.status, order.fill.map(|fill| (day(fill.at), fill.price.to_string()))))
        .collect()
}

fn filled(day: i64, price: &str) -> (Status, Option<(i64, String)>) {
    (Status::Filled, Some((day, price.to_owned())))
}

const CANCELED: (Status, Option<(i64, String)>) = (Status::Canceled, None);
const CALM: [f64; 4] = [100.0, 101.0, 99.0, 100.0];

#[test]
fn a_bracket_is_filled_by_the_worse_of_two_exits_that_one_bar_reaches() {
    let wild = [100.0, 120.0, 80.0, 118.0];
    let market = market(&[("A", bars(&[CALM, CALM, wild]))]);
    let outcome = place(&market, &rich(), &[(0, bracket(Kind::Market, "90", "110"))]);
    assert_eq!(told(&outcome), [filled(1, "100"), filled(2, "90"), CANCELED]);
    assert_eq!(outcome.trades[0].pnl, decimal("-100"));
}

#[test]
fn an_exit_that_the_price_jumps_over_is_filled_at_the_open() {
    for (gap, exit) in [([85.0, 88.0, 84.0, 87.0], "85"), ([115.0, 116.0, 114.0, 115.0], "115")] {
        let market = market(&[("A", bars(&[CALM, CALM, gap]))]);
        let outcome = place(&market, &rich(), &[(0, bracket(Kind::Market, "90", "110"))]);
        assert_eq!(outcome.trades[0].exit_price, decimal(exit));
    }
}

#[test]
fn a_position_opened_inside_a_bar_may_be_stopped_there_and_wins_there_by_the_close_only() {
    let limit = Kind::Limit { limit_price: price("98") };
    let rows = [
        // The low of 80 comes after the entry at 98, or may: stopped.
        ([100.0, 105.0, 80.0, 100.0], vec![filled(1, "98"), filled(1, "90"), CANCELED]),
        // The high of 112 may have come before the entry: nothing yet.
        ([100.0, 112.0, 95.0, 100.0], vec![filled(1, "98"), CANCELED, CANCELED]),
        // The close of 111 came after: target.
        ([100.0, 112.0, 95.0, 111.0], vec![filled(1, "98"), CANCELED, filled(1, "110")]),
        // Opened at the open, so that all of the bar came after.
        ([97.0, 112.0, 95.0, 100.0], vec![filled(1, "97"), CANCELED, filled(1, "110")]),
    ];
    for (bar, expected) in rows {
        let market = market(&[("A", bars(&[CALM, bar]))]);
        let outcome = place(&market, &rich(), &[(0, bracket(limit, "90", "110"))]);
        assert_eq!(told(&outcome), expected, "{bar:?}");
    }
}

#[test]
fn resting_orders_wait_for_their_price() {
    let rising = bars(&[CALM, [100.0, 104.0, 99.5, 103.0], [103.0, 108.0, 102.0, 107.0], CALM]);
    let market = market(&[("A", rising)]);
    let rows = [
        (Kind::Limit { limit_price: price("99.5") }, filled(1, "99.5")),
        (Kind::Limit { limit_price: price("99.2") }, filled(3, "99.2")),
        (Kind::Stop { stop_price: price("106") }, filled(2, "106")),
        (Kind::Stop { stop_price: price("102") }, filled(1, "102")),
        // It jumps to 103 at the open of the third bar: above the limit, but the low reaches it.
        (
            Kind::StopLimit { stop_price: price("103.5"), limit_price: price("102.5") },
            filled(2, "102.5"),
        ),
        (Kind::StopLimit { stop_price: price("109"), limit_price: price("109") }, CANCELED),
        // Lowest price 99.5 since it was placed, 3 above it: the first bar closes at 103.
        (Kind::TrailingStop { trail: Trail::Price(price("3")) }, filled(1, "103")),
    ];
    for (kind, expected) in rows {
        let outcome = place(&market, &rich(), &[(0, buy(kind))]);
        assert_eq!(told(&outcome), [expected], "{kind:?}");
    }
}

#[test]
fn time_in_force_ends_an_order() {
    let market = market(&[("A", bars(&[CALM, CALM, [95.0, 96.0, 94.0, 95.0]]))]);
    let limit = buy(Kind::Limit { limit_price: price("97") });
    let rows = [
        (TimeInForce::Gtc, filled(2, "95")),
        (TimeInForce::Day, (Status::Expired, None)),
        (TimeInForce::Ioc, CANCELED),
        (TimeInForce::Fok, CANCELED),
    ];
    for (time_in_force, expected) in rows {
        let outcome = place(&market, &rich(), &[(0, OrderRequest { time_in_force, ..limit })]);
        assert_eq!(told(&outcome), [expected], "{time_in_force:?}");
    }
}

#[test]
fn the_open_fills_what_closes_before_what_opens() {
    let market = market(&[("A", bars(&[CALM, CALM, CALM, CALM]))]);
    let script = [Some(Stance::Long), Some(Stance::Short), Some(Stance::Short)];
    let outcome = follow(&market, &rich(), &[Scripted::new(&script)]);
    let sides: Vec<_> = outcome.orders.iter().map(|order| order.side).collect();
    assert_eq!(sides, [Side::Buy, Side::Sell, Side::Sell]);
    assert_eq!(told(&outcome), [filled(1, "100"), filled(2, "100"), filled(2, "100")]);
    assert_eq!(outcome.open[0].quantity, decimal("10000"));
}

#[test]
fn a_stop_that_filled_is_not_followed_by_a_new_entry_until_the_mind_changes() {
    let fall = [100.0, 100.0, 80.0, 85.0];
    let market = market(&[("A", bars(&[CALM, CALM, fall, CALM, CALM, CALM, CALM]))]);
    let spec = Spec {
        protection: Protection { stop_loss: Some(decimal("0.1")), ..Protection::default() },
        ..rich()
    };
    let (long, flat) = (Some(Stance::Long), Some(Stance::Flat));
    let script = [long, long, long, long, flat, long, long];
    let outcome = follow(&market, &spec, &[Scripted::new(&script)]);
    assert_eq!(
        told(&outcome),
        [filled(1, "100"), filled(2, "90"), filled(6, "100"), CANCELED],
        "the last one is the stop of the second entry"
    );
}

#[test]
fn costs_are_taken_from_both_sides_and_slippage_spares_limits() {
    let market = market(&[("A", bars(&[CALM, CALM, CALM]))]);
    let costs = Costs { fees: Fees::Rate { rate: decimal("0.001") }, slippage_bps: decimal("10") };
    let spec = Spec { costs, ..rich() };
    let close = OrderRequest { ..OrderRequest::close(0, Side::Sell) };
    let outcome = place(&market, &spec, &[(0, buy(Kind::Market)), (1, close)]);
    let trade = &outcome.trades[0];
    assert_eq!((trade.entry_price, trade.exit_price), (decimal("100.1"), decimal("99.9")));
    assert_eq!(trade.commission, decimal("2"), "0.1 % of 1001 and of 999");
    assert_eq!(trade.pnl, decimal("-4"));
    let limit = buy(Kind::Limit { limit_price: price("99.5") });
    assert_eq!(told(&place(&market, &spec, &[(0, limit)])), [filled(1, "99.5")]);
}

#[test]
fn a_plan_buys_whole_shares_that_the_cash_pays_commission_included() {
    let market = market(&[("A", bars(&[CALM, [101.0, 102.0, 100.0, 101.0]]))]);
    let spec = Spec { costs: Costs::commission(decimal("0.01")), ..Spec::default() };
    let outcome = follow(&market, &spec, &[Scripted::new(&[Some(Stance::Long)])]);
    // 10 000 / (101 × 1.01) = 98.03.
    assert_eq!(outcome.open[0].quantity, decimal("98"));
    let sized_before = Spec { sizing: Sizing::EquityAtDecision { fraction: Decimal::ONE }, ..spec };
    let outcome = follow(&market, &sized_before, &[Scripted::new(&[Some(Stance::Long)])]);
    // 10 000 / (100 × 1.01) = 99.01, and the open of 101 pays 98 of them.
    assert_eq!(outcome.open[0].quantity, decimal("98"));
}

#[test]
fn live_sizing_is_that_of_live_trading() {
    let market = market(&[("A", bars(&[[50.0, 50.0, 50.0, 50.0], CALM]))]);
    let sizing = Sizing::Live { risk_per_trade: decimal("0.02"), stop_fraction: decimal("0.10") };
    let spec = Spec { sizing, ..Spec::default() };
    let outcome = follow(&market, &spec, &[Scripted::new(&[Some(Stance::Long)])]);
    // The example of `sizing::entry_quantity`: 10 000 × 0.02 ÷ 0.10 ÷ 50.
    assert_eq!(outcome.open[0].quantity, decimal("40"));
}

#[test]
fn several_tickers_share_the_cash_in_equal_parts() {
    let prices = [CALM, CALM, CALM];
    let market = market(&[("A", bars(&prices)), ("B", bars(&prices))]);
    let long = Scripted::new(&[Some(Stance::Long)]);
    let outcome = follow(&market, &Spec::default(), &[long.clone(), long]);
    let held: Vec<_> = outcome.open.iter().map(|open| open.quantity.to_string()).collect();
    assert_eq!(held, ["50", "50"]);
    assert!((outcome.equity[2] - 10_000.0).abs() < 1e-9);
}

#[test]
fn what_is_owed_is_covered_by_as_much_again_before_anything_is_bought() {
    let market = market(&[("A", bars(&[CALM; 3])), ("B", bars(&[CALM; 3]))]);
    let spec = Spec { cash: Usd::new(Decimal::from(10_000)), ..rich() };
    let exactly = |quantity| Size::Exactly(Quantity::new(decimal(quantity)).unwrap());
    let short = OrderRequest { size: exactly("60"), ..OrderRequest::open(0, Side::Sell) };
    let long = OrderRequest { size: exactly("100"), ..OrderRequest::open(1, Side::Buy) };
    let outcome = place(&market, &spec, &[(0, short), (1, long)]);
    // Cash of 16 000, of which 6 000 are owed and 6 000 are collateral.
    let held: Vec<_> = outcome.open.iter().map(|open| open.quantity.to_string()).collect();
    assert_eq!(held, ["60", "40"]);
}

#[test]
fn what_cannot_be_paid_or_is_not_allowed_is_denied_with_its_reason_and_the_run_goes_on() {
    let market = market(&[("A", bars(&[CALM, CALM, CALM]))]);
    let poor = Spec { cash: Usd::new(Decimal::from(50)), ..Spec::default() };
    let outcome = follow(&market, &poor, &[Scripted::new(&[Some(Stance::Long)])]);
    assert_eq!(outcome.denials[0].reason.code(), "quantity_too_small");
    assert_eq!(outcome.equity, [50.0, 50.0, 50.0]);
    let short = OrderRequest::open(0, Side::Sell);
    let outcome = place(&market, &Spec::default(), &[(0, short)]);
    assert_eq!(outcome.denials[0].reason.code(), "insufficient_position");
    let limits = Limits {
        order_notional_max: Usd::new(Decimal::from(500)),
        orders_per_minute_max: 1,
        open_orders_max: 10,
        positions_max: 1,
        price_age_max_bars: 1,
        price_age_min_s: 60,
    };
    let limited = Spec { limits: Some(limits), ..rich() };
    let limit = buy(Kind::Limit { limit_price: price("99.5") });
    let outcome = place(&market, &limited, &[(0, limit), (0, limit), (1, buy(Kind::Market))]);
    let codes: Vec<_> = outcome.denials.iter().map(|denial| denial.reason.code()).collect();
    assert_eq!(codes, ["order_rate_exceeded", "notional_above_limit", "notional_above_limit"]);
}

#[test]
fn a_close_never_closes_more_than_is_there() {
    let market = market(&[("A", bars(&[CALM, CALM, CALM, CALM]))]);
    let size = Size::Exactly(Quantity::new(decimal("25")).unwrap());
    let close = OrderRequest { size, effect: Effect::Close, ..OrderRequest::close(0, Side::Sell) };
    let outcome = place(&market, &rich(), &[(0, buy(Kind::Market)), (1, close), (2, close)]);
    assert_eq!(told(&outcome), [filled(1, "100"), filled(2, "100"), CANCELED]);
    assert_eq!(outcome.trades[0].quantity, Decimal::TEN);
}

#[test]
fn a_part_of_a_position_is_a_trade_of_its_own_with_its_part_of_the_fees() {
    let market = market(&[("A", bars(&[CALM, CALM, [110.0; 4], [120.0; 4]]))]);
    let spec = Spec { costs: Costs::commission(decimal("0.01")), ..rich() };
    let part = OrderRequest {
        size: Size::Exactly(Quantity::new(decimal("4")).unwrap()),
        ..OrderRequest::close(0, Side::Sell)
    };
    let rest = OrderRequest::close(0, Side::Sell);
    let outcome = place(&market, &spec, &[(0, buy(Kind::Market)), (1, part), (2, rest)]);
    let told: Vec<_> = outcome
        .trades
        .iter()
        .map(|trade| (trade.quantity, trade.commission.normalize(), trade.pnl.normalize()))
        .collect();
    // Entry fee 10, of which 4 belong to the first part.
    let row = |quantity, commission, pnl| (decimal(quantity), decimal(commission), decimal(pnl));
    assert_eq!(told, [row("4", "8.4", "31.6"), row("6", "13.2", "106.8")]);
}

#[test]
fn a_short_position_that_loses_everything_is_closed_and_nothing_is_traded_after() {
    let market = market(&[("A", bars(&[CALM, CALM, [150.0, 260.0, 150.0, 250.0], CALM, CALM]))]);
    let script =
        [Some(Stance::Short), Some(Stance::Short), Some(Stance::Short), Some(Stance::Long)];
    let outcome = follow(&market, &rich(), &[Scripted::new(&script)]);
    assert_eq!(outcome.ruined_at, Some(Timestamp::UNIX_EPOCH + TimeDelta::days(2)));
    assert_eq!(outcome.denials[0].reason.code(), "account_not_trading");
    assert!(outcome.open.is_empty());
    assert_eq!(outcome.equity, [1_000_000.0, 1_000_000.0, -500_000.0, -500_000.0, -500_000.0]);
}

#[test]
fn a_close_of_today_can_be_traded_at_only_when_that_is_asked_for() {
    let market = market(&[("A", bars(&[CALM, [105.0, 106.0, 104.0, 105.5], CALM]))]);
    for (fill, expected) in [
        (FillAt::SameClose, filled(0, "100")),
        (FillAt::NextOpen, filled(1, "105")),
        (FillAt::NextClose, filled(1, "105.5")),
    ] {
        let spec = Spec { fill, ..rich() };
        let outcome = follow(&market, &spec, &[Scripted::new(&[Some(Stance::Long)])]);
        assert_eq!(told(&outcome), [expected], "{fill:?}");
    }
}
