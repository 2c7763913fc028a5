//! What an order is paid with: buying power when it opens a position, the position when it closes.

use rust_decimal::Decimal;

use super::Desk;
use crate::number;
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderType, PositionIntent, QUANTITY_DECIMALS, Side};
use crate::phases::Phase;
use crate::refusal::Refusal;

/// Above the ask, what a short sale must be backed with: 1.03 of it.
const SHORT_COLLAR: Decimal = Decimal::from_parts(103, 0, 0, false, 2);
/// Above the stop, what a buy stop must be paid with: below this price one factor, from it another.
const STOP_PRICE_LIMIT: Decimal = Decimal::from_parts(50, 0, 0, false, 0);
const STOP_COLLAR_BELOW: Decimal = Decimal::from_parts(104, 0, 0, false, 2);
const STOP_COLLAR_FROM: Decimal = Decimal::from_parts(1_025, 0, 0, false, 3);

/// What an order that opens a position must be backed with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backing {
    /// Per share or coin; `None` where no price is known.
    pub(super) price: Option<Decimal>,
    /// In all, in USD.
    pub(super) cost: Decimal,
}

impl Backing {
    /// What the request would take of the account's buying power.
    pub(super) fn of(desk: Desk<'_>, request: &OrderRequest) -> Self {
        let price = match request.side {
            Side::Buy => buy_price(desk, request),
            Side::Sell => short_price(desk, request),
        };
        let cost = match request.amount {
            Amount::Notional(notional) => notional,
            // Without a price nothing can be said yet; the execution is checked again.
            Amount::Quantity(qty) => price.map_or(Decimal::ZERO, |price| price * qty),
        };
        Self { price, cost }
    }
}

/// Shares are lent whole, and so they are given back.
pub(super) fn check_whole(intent: PositionIntent, request: &OrderRequest) -> Result<(), Refusal> {
    if !request.amount.is_fractional() {
        return Ok(());
    }
    match intent {
        PositionIntent::SellToOpen => {
            Err(Refusal::unprocessable("fractional orders cannot be sold short"))
        }
        PositionIntent::BuyToClose => {
            Err(Refusal::unprocessable("fractional orders cannot cover a short position"))
        }
        PositionIntent::BuyToOpen | PositionIntent::SellToClose => Ok(()),
    }
}

/// The account can pay for the position that the order opens.
pub(super) fn check_opening(
    desk: Desk<'_>,
    request: &OrderRequest,
    backing: Backing,
) -> Result<(), Refusal> {
    if request.side == Side::Sell {
        may_short(desk)?;
    }
    one_direction(desk, request.side)?;
    notional_beside_closing(desk, request)?;
    smallest_order(desk, request, backing)?;
    let value = desk.value();
    let available = if desk.asset.is_crypto() {
        value.non_marginable.min(value.buying_power)
    } else {
        value.buying_power
    };
    if backing.cost > available {
        return Err(Refusal::forbidden("insufficient buying power")
            .with("buying_power", number::text(available.round_dp(2)))
            .with("cost_basis", number::text(backing.cost)));
    }
    Ok(())
}

/// The account has what the order gives away, or owes what it brings back.
pub(super) fn check_closing(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let existing = desk.position();
    let price = desk.price();
    let symbol = &desk.asset.symbol;
    let held = desk.books.held(desk.account.id, (symbol, request.side), price, desk.replaced);
    let available = (existing.abs() - held).max(Decimal::ZERO);
    let requested = match (request.amount, request.limit_price.or(price)) {
        (Amount::Quantity(qty), _) => qty,
        (Amount::Notional(notional), Some(price)) => {
            notional.checked_div(price).unwrap_or_default().round_dp(QUANTITY_DECIMALS)
        }
        (Amount::Notional(_), None) => Decimal::ZERO,
    };
    if requested <= available && !available.is_zero() {
        return Ok(());
    }
    let (requested_text, available_text) = (number::text(requested), number::text(available));
    let what = if desk.asset.is_crypto() {
        format!("insufficient balance for {}", desk.asset.base())
    } else {
        "insufficient qty available for order".to_owned()
    };
    let message = format!("{what} (requested: {requested_text}, available: {available_text})");
    Err(Refusal::forbidden(message)
        .with("available", available_text)
        .with("existing_qty", number::text(existing.abs()))
        .with("held_for_orders", number::text(held))
        .with("symbol", symbol.clone()))
}

fn may_short(desk: Desk<'_>) -> Result<(), Refusal> {
    if !desk.account.may_short(desk.value()) {
        return Err(Refusal::forbidden("account is not allowed to short"));
    }
    if !desk.asset.is_shortable() {
        let symbol = &desk.asset.symbol;
        return Err(Refusal::unprocessable(format!("asset \"{symbol}\" cannot be sold short")));
    }
    Ok(())
}

/// A position is opened in one direction at a time.
fn one_direction(desk: Desk<'_>, side: Side) -> Result<(), Refusal> {
    let opposite = PositionIntent::opening(side.opposite());
    let conflict = desk
        .books
        .open_orders_of(desk.account.id)
        .filter(|order| Some(order.sequence) != desk.replaced)
        .any(|order| order.symbol == desk.asset.symbol && order.intent() == opposite);
    if !conflict {
        return Ok(());
    }
    Err(Refusal::forbidden(match side {
        Side::Buy => "cannot open a long buy while a short sell order is open",
        Side::Sell => "cannot open a short sell while a long buy order is open",
    }))
}

fn notional_beside_closing(desk: Desk<'_>, request: &OrderRequest) -> Result<(), Refusal> {
    let Amount::Notional(_) = request.amount else { return Ok(()) };
    let closing = desk
        .books
        .open_orders_of(desk.account.id)
        .any(|order| order.symbol == desk.asset.symbol && !order.intent().opens());
    if closing && !desk.asset.is_crypto() {
        return Err(Refusal::unprocessable(
            "unable to open new notional orders while having open closing position orders",
        ));
    }
    Ok(())
}

fn smallest_order(desk: Desk<'_>, request: &OrderRequest, backing: Backing) -> Result<(), Refusal> {
    let crypto = desk.asset.is_crypto();
    if crypto && backing.cost > desk.rules.crypto_cost_max {
        return Err(Refusal::forbidden(format!(
            "cost basis must be <= maximal amount of order {}",
            number::text(desk.rules.crypto_cost_max)
        )));
    }
    let minimum = if crypto { desk.rules.crypto_cost_min } else { Decimal::ONE };
    let counts = crypto || request.amount.is_fractional();
    if counts && backing.price.is_some() && backing.cost < minimum {
        return Err(Refusal::forbidden(format!(
            "cost basis must be >= minimal amount of order {}",
            number::text(minimum)
        )));
    }
    match request.amount {
        Amount::Quantity(qty) if crypto && qty < desk.asset.order_size_min => {
            Err(Refusal::forbidden(format!(
                "cost basis must be >= minimal amount of order {} (qty >= {})",
                number::text(minimum),
                number::text(desk.asset.order_size_min)
            )))
        }
        Amount::Quantity(_) | Amount::Notional(_) => Ok(()),
    }
}

fn buy_price(desk: Desk<'_>, request: &OrderRequest) -> Option<Decimal> {
    match request.order_type {
        OrderType::Limit | OrderType::StopLimit => request.limit_price,
        OrderType::Stop => request.stop_price.map(above_stop),
        OrderType::TrailingStop => {
            let best = desk.price()?;
            request.trail.map(|trail| above_stop(trail.stop(Side::Buy, best)))
        }
        OrderType::Market => {
            let price = market_price(desk)?;
            let collar =
                if desk.asset.is_crypto() { desk.rules.crypto_collar } else { Decimal::ZERO };
            Some(price * (Decimal::ONE + collar))
        }
    }
}

/// The ask in the session, the middle of the quote around it, the last price when all is closed.
fn market_price(desk: Desk<'_>) -> Option<Decimal> {
    let touch = desk.touch();
    let quoted = match desk.phase {
        Phase::Regular => touch.map(|quote| quote.ask),
        Phase::Extended => touch.map(|quote| (quote.bid + quote.ask) / Decimal::TWO),
        Phase::Closed => None,
    };
    quoted.or_else(|| desk.price())
}

fn short_price(desk: Desk<'_>, request: &OrderRequest) -> Option<Decimal> {
    let ask = desk.touch().map(|quote| quote.ask).or_else(|| desk.price());
    let collared = ask.map(|ask| ask * SHORT_COLLAR);
    let own = request.limit_price.or(request.stop_price);
    own.into_iter().chain(collared).max()
}

fn above_stop(stop: Decimal) -> Decimal {
    stop * if stop < STOP_PRICE_LIMIT { STOP_COLLAR_BELOW } else { STOP_COLLAR_FROM }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buy_stop_is_paid_for_above_its_price() {
        assert_eq!(above_stop(Decimal::from(40)), Decimal::new(416, 1));
        assert_eq!(above_stop(Decimal::from(100)), Decimal::new(1_025, 1));
    }
}
