//! How a price and a resting order become executions.

use chrono::{DateTime, Days, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;
use rust_decimal::prelude::FromPrimitive;

use crate::activities::Activity;
use crate::assets::AssetClass;
use crate::books::{Change, Executed};
use crate::exchange::{Fills, Inner, Step};
use crate::hash;
use crate::ids::Ids;
use crate::market::{Happening, MarketEvent};
use crate::matching::{MarketOrders, Reach};
use crate::orders::{Order, OrderStatus, QUANTITY_DECIMALS, Side, TimeInForce};
use crate::trade_hub::{Execution, TradeUpdate};

/// A change of an order without an execution, and its news.
pub(crate) fn step(ids: &mut Ids, order: &Order, event: &'static str, at: DateTime<Utc>) -> Step {
    let update = TradeUpdate {
        event,
        event_id: ids.next_event(at),
        execution_id: (event != "pending_new").then(|| ids.next()),
        execution: None,
        at,
    };
    Step { change: Change::Order { order: order.clone() }, update: Some(update) }
}

/// The order after its cancelation.
pub(crate) fn canceled(order: &Order, at: DateTime<Utc>) -> Order {
    Order { status: OrderStatus::Canceled, canceled_at: Some(at), updated_at: at, ..order.clone() }
}

/// The order after its time ran out.
pub(crate) fn expired(order: &Order, at: DateTime<Utc>) -> Order {
    Order { status: OrderStatus::Expired, expired_at: Some(at), updated_at: at, ..order.clone() }
}

/// Orders that were sent outside hours and whose symbol now has a quote again.
pub(crate) fn woken(inner: &Inner, event: &MarketEvent) -> Vec<u64> {
    match event.what {
        Happening::Quote(_) | Happening::Trade(_) => {
            inner.books.working.queued(&event.asset.symbol)
        }
        _ => Vec::new(),
    }
}

/// A waiting order starts to work.
pub(crate) fn woken_steps(inner: &mut Inner, sequence: u64, at: DateTime<Utc>) -> Vec<Step> {
    let Some(order) = inner.books.order(sequence) else { return Vec::new() };
    let order = Order { status: OrderStatus::New, updated_at: at, ..order.clone() };
    vec![step(&mut inner.ids, &order, "new", at)]
}

/// The price at which an order that arrives now trades at once, if there is one.
pub(crate) fn price_on_arrival(
    inner: &Inner,
    order: &Order,
    now: DateTime<Utc>,
) -> Option<Decimal> {
    let quote = inner.market.newest(&order.symbol)?.touch(now)?;
    let price = match order.side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    };
    let marketable = match (order.side, order.limit_price) {
        (_, None) => true,
        (Side::Buy, Some(limit)) => limit >= price,
        (Side::Sell, Some(limit)) => limit <= price,
    };
    marketable.then_some(price)
}

/// The resting orders that an event reaches, each with the price it trades at.
pub(crate) fn reached(inner: &Inner, event: &MarketEvent) -> Vec<(u64, Decimal)> {
    let symbol = event.asset.symbol.as_str();
    let quoted = inner.market.newest(symbol).is_some_and(|newest| newest.touch(event.at).is_some());
    let (reach, at_limit) = match (&event.what, inner.fills) {
        (Happening::Quote(quote), _) => {
            let market_orders = MarketOrders::Trade;
            (Reach { bid: quote.bid, ask: quote.ask, market_orders }, false)
        }
        (Happening::Trade(trade), Fills::Recorded) => {
            // Where quotes are recorded, market orders trade on them.
            let market_orders = if quoted { MarketOrders::Wait } else { MarketOrders::Trade };
            (Reach { bid: trade.price, ask: trade.price, market_orders }, false)
        }
        (Happening::OpenTrade(trade), _) => {
            let market_orders = MarketOrders::Trade;
            (Reach { bid: trade.price, ask: trade.price, market_orders }, false)
        }
        (Happening::PathTrade(trade), _) => {
            let market_orders = MarketOrders::Trade;
            (Reach { bid: trade.price, ask: trade.price, market_orders }, true)
        }
        (
            Happening::Trade(_) | Happening::BarOver(_) | Happening::Minute(_) | Happening::Day(_),
            _,
        ) => return Vec::new(),
    };
    let price_of = |sequence: u64| {
        let order = inner.books.order(sequence)?;
        let price = match order.side {
            Side::Buy => reach.ask,
            Side::Sell => reach.bid,
        };
        Some((sequence, if at_limit { order.limit_price.unwrap_or(price) } else { price }))
    };
    inner.books.working.reached(symbol, reach).into_iter().filter_map(price_of).collect()
}

/// Day orders for which this is the first trade since they came; a replay's day ends by it.
pub(crate) fn first_trades(inner: &Inner, event: &MarketEvent) -> Vec<u64> {
    match (&event.what, inner.fills) {
        (
            Happening::Trade(_) | Happening::OpenTrade(_) | Happening::PathTrade(_),
            Fills::Recorded,
        ) => inner.books.working.untraded(&event.asset.symbol),
        _ => Vec::new(),
    }
}

/// Notes the day of the first trade, at whose end the order expires. No news: nothing that a client
/// sees of the order has changed but its expiry.
pub(crate) fn first_trade_steps(inner: &mut Inner, sequence: u64, at: DateTime<Utc>) -> Vec<Step> {
    let Some(order) = inner.books.order(sequence) else { return Vec::new() };
    let day = at.date_naive();
    let end = (day + Days::new(1)).and_time(NaiveTime::MIN).and_utc();
    let order = Order { first_traded_day: Some(day), expires_at: Some(end), ..order.clone() };
    vec![Step { change: Change::Order { order }, update: None }]
}

/// The executions that follow when an order meets a price.
pub(crate) fn fill_steps(
    inner: &mut Inner,
    sequence: u64,
    price: Decimal,
    at: DateTime<Utc>,
) -> Vec<Step> {
    let Some(order) = inner.books.order(sequence).filter(|order| order.status.is_open()) else {
        return Vec::new();
    };
    let order = order.clone();
    let qty = execution_qty(inner, &order, price);
    if qty <= Decimal::ZERO || !affordable(inner, &order, price, qty) {
        return vec![given_up(inner, &order, at)];
    }
    let Some(account) = inner.books.account(order.account_id) else { return Vec::new() };
    let (cash, position) = account.after_execution(&order, price, qty);
    let position_qty = position.as_ref().map_or(Decimal::ZERO, |position| position.qty);
    let after = executed(&order, price, qty, at);
    let activity = activity(&mut inner.ids, &after, price, qty, at);
    let update = TradeUpdate {
        event: if after.status == OrderStatus::Filled { "fill" } else { "partial_fill" },
        event_id: inner.ids.next_event(at),
        execution_id: Some(inner.ids.next()),
        execution: Some(Execution { price, qty, position_qty }),
        at,
    };
    let executed = Executed { order: after, cash, position, activity };
    let change = Change::Execution(Box::new(executed));
    vec![Step { change, update: Some(update) }]
}

/// How much trades now: all of it, or in paper trading sometimes a random part.
fn execution_qty(inner: &Inner, order: &Order, price: Decimal) -> Decimal {
    let mut remaining = order.remaining_at(price);
    if order.side == Side::Sell {
        // A sell over dollars may come out larger than the position when the price fell.
        remaining = remaining.min(inner.position_qty(order.account_id, &order.symbol));
    }
    let Fills::Paper { seed, partial_chance } = inner.fills else { return remaining };
    if order.notional.is_some() || order.time_in_force == TimeInForce::Fok {
        return remaining;
    }
    let word = hash::mix(hash::mix(seed, order.sequence), u64::from(order.executions));
    if hash::unit(word) >= partial_chance {
        return remaining;
    }
    let share = 0.05 + 0.9 * hash::unit(hash::mix(word, 1));
    let places = if remaining.fract().is_zero() { 0 } else { QUANTITY_DECIMALS };
    let part = remaining * Decimal::from_f64(share).unwrap_or(Decimal::ONE);
    let part = part.round_dp_with_strategy(places, RoundingStrategy::ToZero);
    if part.is_zero() { remaining } else { part }
}

/// A buy must be paid for at the price that it really gets.
fn affordable(inner: &Inner, order: &Order, price: Decimal, qty: Decimal) -> bool {
    let Some(account) = inner.books.account(order.account_id) else { return false };
    if order.side == Side::Sell {
        return true;
    }
    let value = inner.value(account, Some(order.sequence));
    let available = match order.asset_class {
        AssetClass::UsEquity => value.buying_power,
        AssetClass::Crypto => value.non_marginable.min(value.buying_power),
    };
    price * qty <= available
}

/// An order that met its price and cannot trade: rejected, or canceled when a part has traded.
fn given_up(inner: &mut Inner, order: &Order, at: DateTime<Utc>) -> Step {
    tracing::warn!(
        order.id = %order.id, symbol = %order.symbol,
        "an order met its price and could not be paid for"
    );
    if order.executions > 0 {
        return step(&mut inner.ids, &canceled(order, at), "canceled", at);
    }
    let rejected = Order {
        status: OrderStatus::Rejected,
        failed_at: Some(at),
        updated_at: at,
        ..order.clone()
    };
    step(&mut inner.ids, &rejected, "rejected", at)
}

fn executed(order: &Order, price: Decimal, qty: Decimal, at: DateTime<Utc>) -> Order {
    let filled_qty = order.filled_qty + qty;
    let complete = order.qty.is_none_or(|ordered| filled_qty >= ordered);
    Order {
        filled_qty,
        filled_value: order.filled_value + price * qty,
        executions: order.executions + 1,
        status: if complete { OrderStatus::Filled } else { OrderStatus::PartiallyFilled },
        filled_at: complete.then_some(at),
        updated_at: at,
        ..order.clone()
    }
}

fn activity(
    ids: &mut Ids,
    order: &Order,
    price: Decimal,
    qty: Decimal,
    at: DateTime<Utc>,
) -> Activity {
    let sequence = ids.next_sequence();
    let leaves = order.qty.map_or(Decimal::ZERO, |ordered| ordered - order.filled_qty);
    Activity {
        id: Activity::id(at, sequence, ids.next()),
        account_id: order.account_id,
        at,
        order_id: order.id,
        symbol: order.symbol.clone(),
        side: order.side,
        price,
        qty,
        cumulative_qty: order.filled_qty,
        leaves_qty: leaves,
        order_status: order.status,
    }
}
