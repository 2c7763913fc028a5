//! How large an order is.

use crate::money::{Price, Quantity, Usd, floor_to_step};
use crate::risk::Denied;
use crate::ticker::Asset;
use rust_decimal::Decimal;

/// Part of the free cash that a market order may count on; the rest covers a price that moves
/// between the decision and the fill.
const CASH_HEADROOM: Decimal = Decimal::from_parts(98, 0, 0, false, 2);

/// What the size is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Capital of the sub-account, US dollars.
    pub capital: Usd,
    /// Its cash less what open orders have reserved, US dollars.
    pub free_cash: Usd,
    /// Tickers that share the capital.
    pub tickers: u32,
    /// Part of the capital that one trade may lose, a fraction.
    pub risk_per_trade: Decimal,
    /// Distance of the assumed stop from the entry, a fraction of the price.
    pub stop_fraction: Decimal,
    /// Greatest value of one order, US dollars.
    pub notional_max: Usd,
}

/// The quantity of an entry: the least of an equal share of the capital, what may be lost at the
/// stop, the free cash and the greatest order, rounded down to the asset's step.
///
/// Example: capital 10 000, 4 tickers, risk 2 % with a stop 10 % away, price 50: the share is
/// 2 500, the risk allows 10 000 × 0.02 ÷ 0.10 = 2 000, so 40 shares.
pub fn entry_quantity(budget: &Budget, price: Price, asset: &Asset) -> Result<Quantity, Denied> {
    let share = budget.capital.over(Decimal::from(budget.tickers.max(1)))?;
    let by_risk = budget.capital.times(budget.risk_per_trade)?.over(budget.stop_fraction)?;
    let by_cash = budget.free_cash.times(CASH_HEADROOM)?;
    let spend = share.min(by_risk).min(by_cash).min(budget.notional_max).max(Usd::ZERO);
    let exact = spend.over(price.amount())?;
    let too_small = || Denied::QuantityTooSmall {
        budget: spend.amount().round_dp(2),
        price: price.amount(),
        least: asset.quantity_min,
    };
    let rounded = floor_to_step(exact.amount(), asset.quantity_step).ok_or_else(too_small)?;
    if rounded < asset.quantity_min {
        return Err(too_small());
    }
    Quantity::new(rounded).map_err(|_zero| too_small())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticker::{AssetClass, Ticker};

    fn asset(step: &str) -> Asset {
        Asset {
            ticker: Ticker::new("AAPL").unwrap(),
            class: AssetClass::UsEquity,
            tradable: true,
            quantity_step: step.parse().unwrap(),
            quantity_min: step.parse().unwrap(),
        }
    }

    fn budget(capital: i64, free_cash: i64) -> Budget {
        Budget {
            capital: Usd::new(Decimal::from(capital)),
            free_cash: Usd::new(Decimal::from(free_cash)),
            tickers: 4,
            risk_per_trade: "0.02".parse().unwrap(),
            stop_fraction: "0.10".parse().unwrap(),
            notional_max: Usd::new(Decimal::from(1_000_000)),
        }
    }

    fn price(text: &str) -> Price {
        Price::new(text.parse().unwrap()).unwrap()
    }

    fn size(budget: &Budget, at: &str, step: &str) -> Result<String, Denied> {
        entry_quantity(budget, price(at), &asset(step)).map(|quantity| quantity.to_string())
    }

    #[test]
    fn the_example_of_the_documentation_holds() {
        assert_eq!(size(&budget(10_000, 10_000), "50", "1").unwrap(), "40");
    }

    #[test]
    fn a_size_is_rounded_down_and_stays_within_the_free_cash() {
        assert_eq!(size(&budget(10_000, 100), "33", "1").unwrap(), "2", "98 ÷ 33");
        assert_eq!(size(&budget(10_000, 10_000), "61000", "0.0001").unwrap(), "0.0327");
    }

    #[test]
    fn a_budget_below_one_share_is_denied_with_its_numbers() {
        let denied = size(&budget(100, 100), "187.25", "1").unwrap_err();
        assert_eq!(denied.code(), "quantity_too_small");
        assert_eq!(size(&budget(10_000, -5), "1", "1").unwrap_err().code(), "quantity_too_small");
    }
}
