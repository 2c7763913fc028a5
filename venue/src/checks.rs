//! What must hold for an order to be accepted: one refusal per line, cheapest first.

mod funds;
mod prices;
mod shape;
mod wash;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::accounts::{Account, Valuation};
use crate::assets::Asset;
use crate::books::{Books, ORDERS_MAX};
use crate::calendar::Hours;
use crate::day_trades;
use crate::market::{Market, Newest, Quote};
use crate::order_request::OrderRequest;
use crate::orders::{Order, OrderClass, PositionIntent, Side};
use crate::phases::Phase;
use crate::refusal::Refusal;
use crate::rules::Rules;

/// What the checks look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) books: &'a Books,
    pub(crate) market: &'a Market,
    pub(crate) account: &'a Account,
    pub(crate) asset: &'a Asset,
    pub(crate) rules: &'a Rules,
    pub(crate) hours: Hours,
    /// The part of the day that stocks are in; for coins it is always regular.
    pub(crate) phase: Phase,
    pub(crate) now: DateTime<Utc>,
    /// The order that this one is to replace: what it holds back counts as free.
    pub(crate) replaced: Option<u64>,
}

/// What an accepted order does to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) intent: PositionIntent,
    /// The price at which it holds buying power back, when it opens a position and a price is
    /// known.
    pub(crate) reserved_price: Option<Decimal>,
}

/// Decides whether an order is accepted; changes nothing.
pub(crate) fn admit(desk: Desk<'_>, request: &OrderRequest) -> Result<Admission, Refusal> {
    tradable(desk)?;
    shape::check(desk, request)?;
    prices::check(desk, request)?;
    unique_client_order_id(desk, request.client_order_id.as_deref())?;
    let intent = intent(desk, request)?;
    wash::check(desk, request)?;
    pattern_day_trader(desk, request, intent)?;
    funds::check_whole(intent, request)?;
    let backing = funds::Backing::of(desk, request);
    let reserved_price = if intent.opens() {
        funds::check_opening(desk, request, backing)?;
        backing.price
    } else {
        funds::check_closing(desk, request)?;
        None
    };
    Ok(Admission { intent, reserved_price })
}

/// Decides whether a request may take the place of an order; changes nothing. The answer is the
/// price at which it holds buying power back.
///
/// What its group was checked for when it came is not checked again, and neither is what the
/// order does to the position: a replacement does the same.
pub(crate) fn admit_replacement(
    desk: Desk<'_>,
    old: &Order,
    request: &OrderRequest,
) -> Result<Option<Decimal>, Refusal> {
    tradable(desk)?;
    let alone = old.membership.is_none();
    if alone {
        shape::check(desk, request)?;
    }
    prices::check_changed(desk, old, request)?;
    unique_client_order_id(desk, request.client_order_id.as_deref())?;
    if alone {
        wash::check(desk, request)?;
    }
    funds::check_whole(old.intent(), request)?;
    if old.intent().opens() {
        let backing = funds::Backing::of(desk, request);
        // What the old order holds is enough for a smaller one, wherever the price is by now.
        if backing.cost > old.reserved_value() {
            funds::check_opening(desk, request, backing)?;
        }
        return Ok(backing.price);
    }
    if alone {
        funds::check_closing(desk, request)?;
    }
    Ok(None)
}

/// The client's id of an order must be its own.
pub(crate) fn unique_client_order_id(desk: Desk<'_>, id: Option<&str>) -> Result<(), Refusal> {
    let Some(id) = id else { return Ok(()) };
    if id.chars().count() > desk.rules.client_order_id_length_max {
        return Err(Refusal::invalid(format!(
            "client_order_id must be no more than {} characters",
            desk.rules.client_order_id_length_max
        )));
    }
    match desk.books.order_by_client_id(desk.account.id, id) {
        None => Ok(()),
        Some(_) => Err(Refusal {
            code: desk.rules.duplicate_client_order_id_code,
            ..Refusal::invalid("client_order_id must be unique")
        }),
    }
}

impl<'a> Desk<'a> {
    fn newest(&self) -> Option<&'a Newest> {
        self.market.newest(&self.asset.symbol)
    }

    /// The newest price of any kind.
    pub(crate) fn price(&self) -> Option<Decimal> {
        self.newest().and_then(Newest::price)
    }

    /// The quote on which an order that arrives now could trade.
    fn touch(&self) -> Option<&'a Quote> {
        self.newest().and_then(|newest| newest.touch(self.now))
    }

    /// What the account holds of the symbol; below zero when it is short.
    pub(crate) fn position(&self) -> Decimal {
        let position = self.account.positions.get(&self.asset.symbol);
        position.map_or(Decimal::ZERO, |position| position.qty)
    }

    /// What the account can spend.
    pub(crate) fn value(&self) -> Valuation {
        let reserved = self.books.reserved(self.account.id, self.replaced);
        self.account.value(|symbol| self.market.price(symbol), reserved)
    }
}

fn tradable(desk: Desk<'_>) -> Result<(), Refusal> {
    if desk.asset.test_only {
        let symbol = &desk.asset.symbol;
        return Err(Refusal::unprocessable(format!("asset \"{symbol}\" is not tradable")));
    }
    if desk.account.configuration.suspend_trade {
        return Err(Refusal::forbidden("new orders are rejected by user request"));
    }
    if desk.books.order_count() >= ORDERS_MAX {
        return Err(Refusal::forbidden(
            "the venue's books are full: start it with a fresh data directory",
        ));
    }
    Ok(())
}

/// What the order does to the position, which must be what its sender thinks it does.
fn intent(desk: Desk<'_>, request: &OrderRequest) -> Result<PositionIntent, Refusal> {
    let position = desk.position();
    let closes = match request.side {
        Side::Buy => position < Decimal::ZERO,
        // Coins are not lent: a sale of none is a sale of what is not there.
        Side::Sell => position > Decimal::ZERO || desk.asset.is_crypto(),
    };
    let inferred = if closes {
        PositionIntent::closing(request.side)
    } else {
        PositionIntent::opening(request.side)
    };
    if let Some(specified) = request.intent.filter(|specified| *specified != inferred) {
        return Err(Refusal::unprocessable(format!(
            "position intent mismatch, inferred: {}, specified: {}",
            inferred.as_str(),
            specified.as_str()
        )));
    }
    match request.class {
        OrderClass::Oco if !closes => Err(Refusal::unprocessable("oco orders must be exit orders")),
        OrderClass::Bracket | OrderClass::Oto if closes => Err(Refusal::unprocessable(format!(
            "{} orders must be entry orders",
            request.class.as_str()
        ))),
        _ => Ok(inferred),
    }
}

/// The rule that ended in 2026, where it is switched on.
fn pattern_day_trader(
    desk: Desk<'_>,
    request: &OrderRequest,
    intent: PositionIntent,
) -> Result<(), Refusal> {
    let applies = desk.rules.pattern_day_trader && !desk.asset.is_crypto() && !intent.opens();
    if !applies || desk.value().equity >= day_trades::EQUITY_MIN {
        return Ok(());
    }
    let history = desk.books.activities_of(desk.account.id);
    let opened_today = day_trades::opened_on_day(history, &request.symbol, desk.now);
    if opened_today && day_trades::count(history, desk.hours, desk.now) >= day_trades::ALLOWED {
        return Err(Refusal {
            code: 40_310_100,
            ..Refusal::forbidden("trade denied due to pattern day trading protection")
        });
    }
    Ok(())
}
