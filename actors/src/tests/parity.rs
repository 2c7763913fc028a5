//! One recorded session twice: through the backtester, and through the live actors on the venue's
//! replay. Signals and orders are compared one by one.

use super::replay::Step;
use super::support::*;
use crate::{FeedTime, Troupe};
use engine::backtest::{
    Journal, Market, OrderRecord, RunOptions, Series, Sizing, Spec, run as run_backtest,
};
use engine::bar::Bar;
use engine::order::Side;
use engine::strategy::{Params, Stance};
use engine::{Ticker, Timestamp};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use storage::testing::TestDatabase;
use venue::{Pacer, ReplayOptions, Source, VenueOptions};

/// A change of mind: ticker, end of the bar, stance, close.
type SignalRow = (String, Timestamp, &'static str, f64);

/// An order: ticker, when it was decided, side, shares, when and at what price it was filled.
type OrderRow = (String, Timestamp, &'static str, String, Timestamp, String);

const DAY_SECONDS: u32 = 86_400;

const DAILY: [Rule; 4] = [
    ("AAA", "sma_cross", &[("fast", 3.0), ("slow", 8.0)]),
    ("BBB", "rsi", &[("period", 4.0), ("oversold", 35.0), ("overbought", 65.0)]),
    ("CCC", "donchian", &[("entry", 8.0), ("exit", 4.0)]),
    ("DDD", "supertrend", &[("period", 5.0), ("multiplier", 1.5)]),
];

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    /// From -1 to 1.
    fn throw(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(self.0 >> 32).expect("32 bits");
        f64::from(high) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

fn start() -> Timestamp {
    "2024-01-02T00:00:00Z".parse().expect("a time")
}

/// Days of a walk whose opens jump from the closes, so that a fill at the wrong one is seen.
fn daily_bars(seed: u64, days: i64) -> Vec<Bar> {
    let mut dice = Dice(seed);
    let mut close = 100.0;
    let bar = |day: i64| {
        let open = cents(close * (1.0 + 0.01 * dice.throw()));
        close = cents(open * (1.0 + 0.04 * dice.throw()));
        let high = cents(open.max(close) + 0.5);
        let low = cents(open.min(close) - 0.5);
        let at = start() + chrono::TimeDelta::days(day);
        Bar { at, seconds: DAY_SECONDS, open, high, low, close, volume: 1_000.0, trades: 0 }
    };
    (0..days).map(bar).collect()
}

fn write_bars(folder: &Path, ticker: &str, bars: &[Bar]) {
    let mut text = String::from("timestamp,open,high,low,close,volume\n");
    for Bar { at, open, high, low, close, volume, .. } in bars {
        let at = at.format("%Y-%m-%dT%H:%M:%SZ");
        writeln!(text, "{at},{open},{high},{low},{close},{volume}").expect("written");
    }
    std::fs::write(folder.join(format!("{ticker}_1d.csv")), text).expect("written");
}

/// Signals and orders of the backtester, by time.
fn tested(rules: &[Rule], bars: &[Vec<Bar>]) -> (Vec<SignalRow>, Vec<OrderRow>) {
    let mut strategies = Vec::new();
    let mut legs = Vec::new();
    let mut signals = Vec::new();
    for ((ticker, name, params), bars) in rules.iter().zip(bars) {
        let params: Params =
            params.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        let mut watcher = strategies::build(name, &params).expect("known");
        let mut held = None;
        for bar in bars {
            let stance = watcher.on_bar(bar);
            if stance.is_some() && stance != held {
                held = stance;
                let code = stance.map_or("", Stance::code);
                signals.push(((*ticker).to_owned(), bar.end(), code, bar.close));
            }
        }
        strategies.push(strategies::build(name, &params).expect("known"));
        let ticker = Ticker::new(ticker).expect("a ticker");
        legs.push(Series::new(ticker, bars.clone()).expect("good bars"));
    }
    let market = Market::new(legs).expect("one length");
    let sizing = Sizing::Live {
        risk_per_trade: "0.02".parse().expect("a decimal"),
        stop_fraction: "0.10".parse().expect("a decimal"),
    };
    let spec = Spec { sizing, ..Spec::default() };
    let options = RunOptions { journal: Journal::Orders, ..RunOptions::default() };
    let outcome = run_backtest(&market, &spec, strategies, options).expect("it runs");
    assert_eq!(outcome.denied, 0, "nothing is too small here");
    let row = |order: &OrderRecord| {
        let leg = market.legs().get(order.leg).expect("its ticker");
        let decided = leg.bars().iter().find(|bar| bar.at == order.decided_at).expect("its bar");
        let fill = order.fill?;
        let side = if order.side == Side::Buy { "buy" } else { "sell" };
        let quantity = fill.quantity.to_string();
        let price = fill.price.amount().normalize().to_string();
        Some((leg.ticker().to_string(), decided.end(), side, quantity, fill.at, price))
    };
    let mut orders: Vec<OrderRow> = outcome.orders.iter().filter_map(row).collect();
    sort(&mut signals, &mut orders);
    (signals, orders)
}

fn sort(signals: &mut [SignalRow], orders: &mut [OrderRow]) {
    signals.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    orders.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
}

/// Signals and orders of the live actors, by time.
async fn lived(rules: &[Rule], seconds: u32, folder: &Path) -> (Vec<SignalRow>, Vec<OrderRow>) {
    let database = TestDatabase::create().await;
    let pacer = Arc::new(Step::default());
    let venue = venue(VenueOptions {
        source: Source::Replay(ReplayOptions::new(folder)),
        pacer: Arc::clone(&pacer) as Arc<dyn Pacer>,
        ..VenueOptions::default()
    })
    .await;
    let user = user(&database).await;
    let config = config_of_rules(&database, user, rules, seconds).await;
    let mut connection = database.pool().acquire().await.expect("a connection");
    let active = storage::configs::Activity::Active;
    let now = venue.clock().now();
    let (owner, id) = (user.as_uuid(), config.as_uuid());
    storage::configs::set_active(&mut connection, owner, id, active, now).await.expect("written");
    let troupe: Troupe = troupe(&database, &venue, FeedTime::Events).await;
    pacer.set(troupe.clone());
    venue.replay_finished().await;
    troupe.settled().await;
    troupe.stop().await;
    venue.stop().await;
    let mut signals = Vec::new();
    for (ticker, ..) in rules {
        let found = storage::signals::newest(&mut connection, ticker, 10_000).await;
        signals.extend(
            found.expect("readable").into_iter().map(|signal| {
                (signal.ticker, signal.at, stance_code(&signal.stance), signal.price)
            }),
        );
    }
    let orders = {
        let all = storage::orders::OrderFilter::default();
        let page = storage::page::PageRequest { limit: 1_000, offset: 0 };
        let found = storage::orders::list(&mut connection, owner, &all, page).await;
        found.expect("readable").items
    };
    let signal_at = |order: &storage::orders::OrderRecord| order.signal_id;
    let mut rows = Vec::new();
    for trade in trades(&database, user).await {
        let trade = trade.record;
        let order =
            orders.iter().find(|order| Some(&order.client_order_id) == trade.order_id.as_ref());
        let signal = order.and_then(signal_at).expect("made by a signal");
        let signal = storage::signals::by_id(&mut connection, signal).await.expect("readable");
        let side = if trade.side == storage::Side::Buy { "buy" } else { "sell" };
        rows.push((
            trade.ticker,
            signal.expect("kept").at,
            side,
            trade.quantity.normalize().to_string(),
            trade.executed_at,
            trade.price.normalize().to_string(),
        ));
    }
    drop(connection);
    database.drop_database().await;
    sort(&mut signals, &mut rows);
    (signals, rows)
}

fn stance_code(text: &str) -> &'static str {
    let all = [Stance::Long, Stance::Flat, Stance::Short];
    all.into_iter().map(Stance::code).find(|code| *code == text).expect("a stance")
}

/// Compares row by row, so that the first difference is the one shown.
fn assert_same<T: PartialEq + std::fmt::Debug>(what: &str, live: &[T], tested: &[T]) {
    for (number, (live, tested)) in live.iter().zip(tested).enumerate() {
        assert_eq!(live, tested, "{what} {number}: live on the left, the backtester on the right");
    }
    assert_eq!(live.len(), tested.len(), "{what}: {:#?} {:#?}", live.last(), tested.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_four_strategies_give_the_same_signals_and_orders_live_and_in_the_backtest() {
    let folder = tempfile::tempdir().expect("a directory");
    let bars: Vec<Vec<Bar>> = [11, 22, 33, 44].map(|seed| daily_bars(seed, 90)).into();
    for ((ticker, ..), bars) in DAILY.iter().zip(&bars) {
        write_bars(folder.path(), ticker, bars);
    }
    let (signals, orders) = tested(&DAILY, &bars);
    let (live_signals, live_orders) = lived(&DAILY, DAY_SECONDS, folder.path()).await;
    assert!(signals.len() > 20 && orders.len() > 15, "{} {}", signals.len(), orders.len());
    for (ticker, ..) in DAILY {
        assert!(orders.iter().any(|order| order.0 == ticker), "{ticker} never traded");
    }
    assert_same("signal", &live_signals, &signals);
    assert_same("order", &live_orders, &orders);
}

#[tokio::test(flavor = "multi_thread")]
async fn minutes_of_a_session_put_together_to_longer_bars_give_the_same_live_and_in_the_backtest() {
    const BAR_SECONDS: u32 = 300;
    const MINUTES: usize = 5;
    let rules: [Rule; 1] = [("INTRA", "sma_cross", &[("fast", 2.0), ("slow", 5.0)])];
    let folder = tempfile::tempdir().expect("a directory");
    // A Wednesday, 14:30 UTC: the exchange has just opened, and is open for 390 minutes.
    let open: Timestamp = "2024-01-03T14:30:00Z".parse().expect("a time");
    let minute = |(number, bar): (i64, Bar)| {
        let at = open + chrono::TimeDelta::minutes(number);
        Bar { at, seconds: 60, ..bar }
    };
    let minutes: Vec<Bar> = (0..).zip(daily_bars(5, 380)).map(minute).collect();
    write_bars(folder.path(), "INTRA", &minutes);
    let bars: Vec<Bar> = minutes.chunks(MINUTES).map(together).collect();
    let (signals, orders) = tested(&rules, &[bars]);
    let (live_signals, live_orders) = lived(&rules, BAR_SECONDS, folder.path()).await;
    assert!(signals.len() > 8 && orders.len() > 8, "{} {}", signals.len(), orders.len());
    assert_same("signal", &live_signals, &signals);
    assert_same("order", &live_orders, &orders);
}

/// Minutes as one bar of five.
fn together(minutes: &[Bar]) -> Bar {
    let (first, last) = (minutes[0], minutes[minutes.len() - 1]);
    Bar {
        seconds: 300,
        high: minutes.iter().map(|bar| bar.high).fold(first.high, f64::max),
        low: minutes.iter().map(|bar| bar.low).fold(first.low, f64::min),
        close: last.close,
        ..first
    }
}
