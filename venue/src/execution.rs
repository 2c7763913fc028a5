//! What becomes of an order: the steps that book a fill, an expiry, a cancelation.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::activities::Activity;
use crate::assets::AssetClass;
use crate::books::{Change, Executed};
use crate::exchange::{Inner, Step};
use crate::fills::{self, Fill, Left};
use crate::groups;
use crate::ids::Ids;
use crate::orders::{Order, OrderStatus, PositionIntent, Side};
use crate::trade_hub::{Execution, TradeUpdate};

/// A change of an order without an execution, and its news.
pub(crate) fn step(ids: &mut Ids, order: &Order, event: &'static str, at: DateTime<Utc>) -> Step {
    let update = TradeUpdate {
        event,
        event_id: ids.next_event(at),
        execution_id: (!event.starts_with("pending_")).then(|| ids.next()),
        execution: None,
        at,
    };
    Step { change: Change::Order { order: Box::new(order.clone()) }, update: Some(update) }
}

/// A change of an order that no client hears of.
pub(crate) fn silent(order: Order) -> Step {
    Step { change: Change::Order { order: Box::new(order) }, update: None }
}

/// The order after its cancelation.
pub(crate) fn canceled(order: &Order, at: DateTime<Utc>) -> Order {
    Order { status: OrderStatus::Canceled, canceled_at: Some(at), updated_at: at, ..order.clone() }
}

/// The order while its cancelation travels to the book.
pub(crate) fn pending_cancel(order: &Order, at: DateTime<Utc>) -> Order {
    Order {
        status: OrderStatus::PendingCancel,
        cancel_requested_at: Some(at),
        updated_at: at,
        ..order.clone()
    }
}

/// The order after its time ran out.
pub(crate) fn expired(order: &Order, at: DateTime<Utc>) -> Order {
    Order { status: OrderStatus::Expired, expired_at: Some(at), updated_at: at, ..order.clone() }
}

/// The order after the market has rejected it.
pub(crate) fn rejected(order: &Order, at: DateTime<Utc>) -> Order {
    Order { status: OrderStatus::Rejected, failed_at: Some(at), updated_at: at, ..order.clone() }
}

/// The order after its owner canceled it.
pub(crate) fn canceled_by_owner(order: &Order, at: DateTime<Utc>) -> Order {
    Order { cancel_requested_at: Some(at), ..canceled(order, at) }
}

/// An end of an order, and of those that end with it.
pub(crate) fn end_steps(
    inner: &mut Inner,
    ended: &Order,
    event: &'static str,
    at: DateTime<Utc>,
) -> Vec<Step> {
    let mut steps = vec![step(&mut inner.ids, ended, event, at)];
    steps.extend(groups::consequences(inner, ended, at));
    steps
}

/// A waiting order starts to work.
pub(crate) fn woken_steps(inner: &mut Inner, sequence: u64, at: DateTime<Utc>) -> Vec<Step> {
    let Some(order) = inner.books.order(sequence) else { return Vec::new() };
    let order = Order { status: OrderStatus::New, updated_at: at, ..order.clone() };
    vec![step(&mut inner.ids, &order, "new", at)]
}

/// The execution that a fill becomes and what follows from it, or what becomes of an order that
/// cannot have it.
pub(crate) fn fill_steps(inner: &mut Inner, fill: Fill, at: DateTime<Utc>) -> Vec<Step> {
    let open = inner.books.order(fill.sequence).filter(|order| order.status.is_open());
    let Some(order) = open.cloned() else { return Vec::new() };
    let price = fill.price;
    let qty = bookable(inner, &order, fill);
    if qty <= Decimal::ZERO || !affordable(inner, &order, price, qty) {
        return given_up(inner, &order, at);
    }
    let Some(account) = inner.books.account(order.account_id) else { return Vec::new() };
    let execution =
        fills::Execution { order: &order, price, quantity: qty, liquidity: fill.liquidity };
    let fee = inner.fees.map(|rates| rates.of(&execution));
    let (cash, position) = account.after_execution(&order, price, qty, fee);
    let accrued_fees = account.accrued_fees.after(fee);
    let position_qty = position.as_ref().map_or(Decimal::ZERO, |position| position.qty);
    // An order over dollars is done when it was offered all that its dollars buy.
    let offered_all = fill.quantity >= order.left().at(price);
    let after = executed(&order, price, qty, (offered_all, at));
    let activity = activity(&mut inner.ids, &after, price, qty, at);
    let update = TradeUpdate {
        event: if after.status == OrderStatus::Filled { "fill" } else { "partial_fill" },
        event_id: inner.ids.next_event(at),
        execution_id: Some(inner.ids.next()),
        execution: Some(Execution { price, qty, position_qty }),
        at,
    };
    let fee = fee.and_then(|fee| fee.activity(&mut inner.ids, &after, price, at)).map(Box::new);
    let executed = Executed { order: after.clone(), cash, position, activity, accrued_fees, fee };
    let change = Change::Execution(Box::new(executed));
    let mut steps = vec![Step { change, update: Some(update) }];
    steps.extend(groups::consequences(inner, &after, at));
    steps
}

/// How much of a fill is booked: never more than what is left of the order, or of the position
/// that it closes.
fn bookable(inner: &Inner, order: &Order, fill: Fill) -> Decimal {
    let quantity = fill.quantity.min(order.left_at(Some(fill.price)));
    if order.intent().opens() {
        return quantity;
    }
    // An order over dollars may come out larger than the position when the price fell.
    let position = inner.position_qty(order.account_id, &order.symbol);
    quantity.min(match order.side {
        Side::Sell => position,
        Side::Buy => -position,
    })
}

/// What opens a position must be paid for at the price that it really gets.
fn affordable(inner: &Inner, order: &Order, price: Decimal, qty: Decimal) -> bool {
    let Some(account) = inner.books.account(order.account_id) else { return false };
    if !order.intent().opens() {
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
fn given_up(inner: &mut Inner, order: &Order, at: DateTime<Utc>) -> Vec<Step> {
    tracing::warn!(
        order.id = %order.id, symbol = %order.symbol,
        "an order met its price and could not be paid for"
    );
    if order.executions > 0 {
        return end_steps(inner, &canceled(order, at), "canceled", at);
    }
    let rejected = rejected(order, at);
    end_steps(inner, &rejected, "rejected", at)
}

fn executed(
    order: &Order,
    price: Decimal,
    qty: Decimal,
    (offered_all, at): (bool, DateTime<Utc>),
) -> Order {
    let mut after = Order {
        filled_qty: order.filled_qty + qty,
        filled_value: order.filled_value + price * qty,
        executions: order.executions + 1,
        updated_at: at,
        ..order.clone()
    };
    let complete = match after.left() {
        Left::Quantity(left) => left <= Decimal::ZERO,
        Left::Dollars(_) => offered_all || after.left().is_met_at(price),
    };
    after.status = match order.status {
        _ if complete => OrderStatus::Filled,
        // The cancelation is still on its way.
        OrderStatus::PendingCancel => OrderStatus::PendingCancel,
        _ => OrderStatus::PartiallyFilled,
    };
    after.filled_at = complete.then_some(at);
    after
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
        short: order.intent() == PositionIntent::SellToOpen,
        price,
        qty,
        cumulative_qty: order.filled_qty,
        leaves_qty: leaves,
        order_status: order.status,
    }
}
