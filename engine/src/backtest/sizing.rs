//! How large an entry of a backtest is, and whether it can be paid.

use super::costs::Liquidity;
use super::data::Market;
use super::ledger::Ledger;
use super::spec::{Sizing, Spec};
use crate::money::{MoneyError, Price, Quantity, Usd, floor_to_step, quantity_within};
use crate::order::Side;
use crate::risk::{Denied, rule};
use crate::sizing::{self, Budget};
use crate::ticker::{Asset, Ticker};
use rust_decimal::Decimal;

/// How often a quantity is cut by what is missing before it is refused.
const CUTS_MAX: u32 = 4;

/// The quantity of an entry at its fill: `asked` for earlier, or planned now, and in both cases no
/// more than can be paid. Live sizing is kept as decided, as the venue would fill it.
pub(super) fn entry_quantity(
    spec: &Spec,
    market: &Market,
    ledger: &Ledger,
    price: Price,
    asked: Option<Quantity>,
    side: Side,
) -> Result<Quantity, Denied> {
    let quantity = match asked {
        Some(quantity) => quantity,
        None => planned_quantity(spec, market, ledger, price)?,
    };
    if matches!(spec.sizing, Sizing::Live { .. }) {
        return Ok(quantity);
    }
    let free = ledger.free_cash()?;
    if let Some(limits) = &spec.limits {
        rule::notional(price.cost_of(quantity)?, limits.order_notional_max)?;
    }
    affordable(spec, side, quantity, price, free)
}

/// What the plan says at this price.
pub(super) fn planned_quantity(
    spec: &Spec,
    market: &Market,
    ledger: &Ledger,
    price: Price,
) -> Result<Quantity, Denied> {
    let legs = u32::try_from(market.legs().len()).unwrap_or(u32::MAX);
    match spec.sizing {
        Sizing::Quantity { quantity } => Ok(Quantity::new(quantity)?),
        Sizing::Live { risk_per_trade, stop_fraction } => {
            let budget = Budget {
                capital: spec.cash,
                free_cash: ledger.free_cash()?,
                tickers: legs,
                risk_per_trade,
                stop_fraction,
                notional_max: notional_max(spec),
            };
            sizing::entry_quantity(&budget, price, &asset(spec, market)?)
        }
        Sizing::Equity { fraction } | Sizing::EquityAtDecision { fraction } => {
            let mut budget = ledger.equity_exact()?;
            if fraction != Decimal::ONE {
                budget = budget.times(fraction)?;
            }
            if legs > 1 {
                budget = budget.over(Decimal::from(legs))?;
            }
            let budget = budget.min(notional_max(spec));
            let rate = spec.costs.fees.entry_rate();
            let unit = Usd::new(price.amount());
            let unit = if rate.is_zero() { unit } else { unit.plus(unit.times(rate)?)? };
            let rounded = quantity_within(budget.amount(), unit.amount(), spec.quantity_step);
            let rounded = rounded.unwrap_or(Decimal::ZERO);
            Quantity::new(rounded).map_err(|_zero| too_small(spec, budget, price))
        }
    }
}

/// Cuts `quantity` to what `free` pays, fees included.
fn affordable(
    spec: &Spec,
    side: Side,
    quantity: Quantity,
    price: Price,
    free: Usd,
) -> Result<Quantity, Denied> {
    let mut quantity = quantity;
    let mut needed = Usd::ZERO;
    for _ in 0..CUTS_MAX {
        let fee = spec.costs.fees.of_fill(side, quantity, price, Liquidity::Taker)?;
        needed = price.cost_of(quantity)?.plus(fee)?;
        if needed <= free {
            return Ok(quantity);
        }
        let missing = needed.minus(free)?.over(price.amount())?.amount();
        let left = quantity.amount().saturating_sub(missing.max(Decimal::ZERO));
        let cut = floor_to_step(left, spec.quantity_step).unwrap_or(Decimal::ZERO);
        let cut =
            if cut == quantity.amount() { cut.saturating_sub(spec.quantity_step) } else { cut };
        quantity = Quantity::new(cut).map_err(|_zero| too_small(spec, free, price))?;
    }
    rule::cash(needed, free)?;
    Ok(quantity)
}

fn notional_max(spec: &Spec) -> Usd {
    spec.limits.as_ref().map_or(Usd::new(Decimal::MAX), |limits| limits.order_notional_max)
}

fn too_small(spec: &Spec, budget: Usd, price: Price) -> Denied {
    Denied::QuantityTooSmall {
        budget: budget.amount().round_dp(2),
        price: price.amount(),
        least: spec.quantity_step,
    }
}

fn asset(spec: &Spec, market: &Market) -> Result<Asset, MoneyError> {
    let ticker: Option<Ticker> = market.legs().first().map(|leg| leg.ticker().clone());
    Ok(Asset {
        ticker: ticker.ok_or(MoneyError::Overflow("a market without tickers"))?,
        class: spec.class,
        tradable: true,
        quantity_step: spec.quantity_step,
        quantity_min: spec.quantity_step,
    })
}
