//! Risk: a flat list of checks, cheapest first, each with a refusal of its own.
//!
//! The list in [`approve`] is the specification. Only this file can build a [`RiskApproved`].

use crate::account::Account;
use crate::clock::Timestamp;
use crate::market::PricePoint;
use crate::money::{MoneyError, Quantity, Usd};
use crate::order::{Draft, Side};
use crate::ticker::{Asset, Ticker};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What an account may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Greatest value of one order, US dollars.
    pub order_notional_max: Usd,
    /// Orders that one account may create in a minute.
    pub orders_per_minute_max: u32,
    /// Orders that one account may have open at once.
    pub open_orders_max: u32,
    /// Tickers that the user may hold at once.
    pub positions_max: u32,
    /// Oldest price that an order may be based on, in bars of its signal.
    pub price_age_max_bars: u32,
    /// The same as a least time, so that short bars survive a slow second.
    pub price_age_min_s: u32,
}

/// One check that was passed, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The code that a refusal would have carried.
    pub code: String,
    /// What was measured.
    pub value: Decimal,
    /// What it was held against.
    pub limit: Decimal,
}

/// A refusal of ours: the order was never sent.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Denied {
    /// The venue takes no orders for this ticker.
    #[error("{ticker} is not tradable at the venue")]
    NotTradable {
        /// The ticker.
        ticker: Ticker,
    },
    /// The newest price is too old to trade on.
    #[error("the newest price is {age_s} s old, more than the {limit_s} s allowed")]
    PriceStale {
        /// Its age.
        age_s: i64,
        /// The limit.
        limit_s: i64,
    },
    /// The market data is no price.
    #[error("the newest price is not a price: {price}")]
    PriceInvalid {
        /// What the feed sent.
        price: String,
    },
    /// The capital share buys less than the venue's least quantity.
    #[error("{budget} USD at {price} buys less than the least quantity {least}")]
    QuantityTooSmall {
        /// What may be spent, US dollars.
        budget: Decimal,
        /// Price per share or coin, US dollars.
        price: Decimal,
        /// The venue's least quantity.
        least: Decimal,
    },
    /// The order is worth more than one order may be.
    #[error("the order is worth {notional} USD, more than the {limit} USD allowed")]
    NotionalAboveLimit {
        /// Its value, US dollars.
        notional: Decimal,
        /// The limit, US dollars.
        limit: Decimal,
    },
    /// Too many orders in the last minute.
    #[error("{orders} orders in the last minute, {limit} allowed")]
    OrderRateExceeded {
        /// How many there were.
        orders: u32,
        /// The limit.
        limit: u32,
    },
    /// Too many orders are open.
    #[error("{orders} orders are open, {limit} allowed")]
    OpenOrdersExceeded {
        /// How many there are.
        orders: u32,
        /// The limit.
        limit: u32,
    },
    /// The user holds as many tickers as the user wants to.
    #[error("{positions} positions are held or on their way, {limit} allowed")]
    MaxPositionsReached {
        /// How many there are, orders on their way included.
        positions: u32,
        /// The user's limit.
        limit: u32,
    },
    /// A sell of more than is held.
    #[error("{wanted} to sell, {held} held and not in another order")]
    InsufficientPosition {
        /// What the order would sell.
        wanted: Decimal,
        /// What is free to sell.
        held: Decimal,
    },
    /// A buy for more than the sub-account's free cash.
    #[error("the order needs {needed} USD, {free} USD of the sub-account are free")]
    InsufficientCash {
        /// What the order would cost, US dollars.
        needed: Decimal,
        /// Cash less what open orders have reserved, US dollars.
        free: Decimal,
    },
    /// The account does not trade now.
    #[error("the account is not trading: {reason}")]
    AccountNotTrading {
        /// Why not.
        reason: String,
    },
    /// An amount does not fit into 28 digits.
    #[error("an amount is too large to compute with: {what}")]
    AmountOverflow {
        /// Which computation.
        what: String,
    },
}

/// What the checks look at besides the account.
#[derive(Clone, Copy, Debug)]
pub struct RiskContext<'a> {
    /// The limits in force.
    pub limits: &'a Limits,
    /// What the venue says of the ticker.
    pub asset: &'a Asset,
    /// The price that the order was sized with.
    pub reference: PricePoint,
    /// Length of the signal's bars.
    pub bar_seconds: u32,
    /// The present.
    pub now: Timestamp,
}

/// A value that passed every check. Nothing else can build one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskApproved<T> {
    value: T,
    reserved: Usd,
    checks: Vec<Check>,
}

impl<T> RiskApproved<T> {
    /// Takes it apart: the value, the cash to reserve, the checks with their numbers.
    pub fn into_parts(self) -> (T, Usd, Vec<Check>) {
        (self.value, self.reserved, self.checks)
    }
}

impl Denied {
    /// The stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotTradable { .. } => "not_tradable",
            Self::PriceStale { .. } => "price_stale",
            Self::PriceInvalid { .. } => "price_invalid",
            Self::QuantityTooSmall { .. } => "quantity_too_small",
            Self::NotionalAboveLimit { .. } => "notional_above_limit",
            Self::OrderRateExceeded { .. } => "order_rate_exceeded",
            Self::OpenOrdersExceeded { .. } => "open_orders_exceeded",
            Self::MaxPositionsReached { .. } => "max_positions_reached",
            Self::InsufficientPosition { .. } => "insufficient_position",
            Self::InsufficientCash { .. } => "insufficient_cash",
            Self::AccountNotTrading { .. } => "account_not_trading",
            Self::AmountOverflow { .. } => "amount_overflow",
        }
    }
}

impl From<MoneyError> for Denied {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::NotANumber(price) => Self::PriceInvalid { price },
            MoneyError::PriceNotPositive(price) => Self::PriceInvalid { price: price.to_string() },
            MoneyError::QuantityNotPositive(_) | MoneyError::Overflow(_) => {
                Self::AmountOverflow { what: error.to_string() }
            }
        }
    }
}

/// Runs the checks.
pub fn approve(
    account: &Account,
    draft: Draft,
    context: &RiskContext<'_>,
) -> Result<RiskApproved<Draft>, Denied> {
    let notional = draft.reference_price.cost_of(draft.quantity)?;
    let checks = vec![
        tradable(context)?,
        fresh_price(context)?,
        quantity_at_least(draft.quantity, context, notional)?,
        notional_within(notional, context)?,
        rate_within(account, context)?,
        open_orders_within(account, context)?,
        positions_within(account, &draft, context)?,
        covered(account, &draft, notional)?,
    ];
    let reserved = if draft.side == Side::Buy { notional } else { Usd::ZERO };
    Ok(RiskApproved { value: draft, reserved, checks })
}

fn passed(code: &str, value: impl Into<Decimal>, limit: impl Into<Decimal>) -> Check {
    Check { code: code.to_owned(), value: value.into(), limit: limit.into() }
}

fn tradable(context: &RiskContext<'_>) -> Result<Check, Denied> {
    if !context.asset.tradable {
        return Err(Denied::NotTradable { ticker: context.asset.ticker.clone() });
    }
    Ok(passed("not_tradable", 1, 1))
}

fn fresh_price(context: &RiskContext<'_>) -> Result<Check, Denied> {
    let age_s = context.now.signed_duration_since(context.reference.at).num_seconds();
    let by_bars = context.bar_seconds.saturating_mul(context.limits.price_age_max_bars);
    let limit_s = i64::from(by_bars.max(context.limits.price_age_min_s));
    if age_s > limit_s {
        return Err(Denied::PriceStale { age_s, limit_s });
    }
    Ok(passed("price_stale", age_s, limit_s))
}

fn quantity_at_least(
    quantity: Quantity,
    context: &RiskContext<'_>,
    notional: Usd,
) -> Result<Check, Denied> {
    let least = context.asset.quantity_min;
    if quantity.amount() < least {
        let price = notional.over(quantity.amount())?.amount();
        return Err(Denied::QuantityTooSmall { budget: notional.amount(), price, least });
    }
    Ok(passed("quantity_too_small", quantity.amount(), least))
}

fn notional_within(notional: Usd, context: &RiskContext<'_>) -> Result<Check, Denied> {
    let limit = context.limits.order_notional_max;
    rule::notional(notional, limit)?;
    Ok(passed("notional_above_limit", notional.amount(), limit.amount()))
}

fn rate_within(account: &Account, context: &RiskContext<'_>) -> Result<Check, Denied> {
    let limit = context.limits.orders_per_minute_max;
    let orders = account.orders_lately(context.now);
    rule::rate(orders, limit)?;
    Ok(passed("order_rate_exceeded", orders, limit))
}

fn open_orders_within(account: &Account, context: &RiskContext<'_>) -> Result<Check, Denied> {
    let limit = context.limits.open_orders_max;
    let orders = u32::try_from(account.open_orders().count()).unwrap_or(u32::MAX);
    rule::open_orders(orders, limit)?;
    Ok(passed("open_orders_exceeded", orders, limit))
}

fn positions_within(
    account: &Account,
    draft: &Draft,
    context: &RiskContext<'_>,
) -> Result<Check, Denied> {
    let limit = context.limits.positions_max;
    let held = account.tickers_held();
    let positions = u32::try_from(held.len()).unwrap_or(u32::MAX);
    let opens_another = draft.side == Side::Buy && !held.contains(&draft.ticker);
    if opens_another {
        rule::positions(positions, limit)?;
    }
    Ok(passed("max_positions_reached", positions, limit))
}

fn covered(account: &Account, draft: &Draft, notional: Usd) -> Result<Check, Denied> {
    match draft.side {
        Side::Buy => {
            let free = account.free_cash(draft.config_id)?;
            rule::cash(notional, free)?;
            Ok(passed("insufficient_cash", notional.amount(), free.amount()))
        }
        Side::Sell => {
            let wanted = draft.quantity.amount();
            let held = account.free_quantity(draft.config_id, &draft.ticker);
            rule::holding(wanted, held)?;
            Ok(passed("insufficient_position", wanted, held))
        }
    }
}

/// The bare rules: numbers in, a refusal out. [`approve`] and the backtest ask the same ones.
pub(crate) mod rule {
    use super::Denied;
    use crate::money::Usd;
    use rust_decimal::Decimal;

    /// One order is worth at most `limit`.
    pub(crate) fn notional(notional: Usd, limit: Usd) -> Result<(), Denied> {
        if notional > limit {
            let (notional, limit) = (notional.amount(), limit.amount());
            return Err(Denied::NotionalAboveLimit { notional, limit });
        }
        Ok(())
    }

    /// Fewer than `limit` orders were made in the last minute.
    pub(crate) fn rate(orders: u32, limit: u32) -> Result<(), Denied> {
        if orders >= limit {
            return Err(Denied::OrderRateExceeded { orders, limit });
        }
        Ok(())
    }

    /// Fewer than `limit` orders are open.
    pub(crate) fn open_orders(orders: u32, limit: u32) -> Result<(), Denied> {
        if orders >= limit {
            return Err(Denied::OpenOrdersExceeded { orders, limit });
        }
        Ok(())
    }

    /// Fewer than `limit` tickers are held when another one is to be.
    pub(crate) fn positions(positions: u32, limit: u32) -> Result<(), Denied> {
        if positions >= limit {
            return Err(Denied::MaxPositionsReached { positions, limit });
        }
        Ok(())
    }

    /// What a purchase needs is free.
    pub(crate) fn cash(needed: Usd, free: Usd) -> Result<(), Denied> {
        if needed > free {
            let (needed, free) = (needed.amount(), free.amount());
            return Err(Denied::InsufficientCash { needed, free });
        }
        Ok(())
    }

    /// What a sale gives away is held.
    pub(crate) fn holding(wanted: Decimal, held: Decimal) -> Result<(), Denied> {
        if wanted > held {
            return Err(Denied::InsufficientPosition { wanted, held });
        }
        Ok(())
    }
}
