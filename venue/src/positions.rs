//! A position: how much is held, and what it cost on average.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::assets::{Asset, AssetClass};
use crate::number;
use crate::orders::Order;

/// Digits that an average entry price is kept to.
const AVERAGE_DECIMALS: u32 = 12;
/// Digits of a ratio on the wire.
const RATIO_DECIMALS: u32 = 16;

/// What is held of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) symbol: String,
    pub(crate) asset_id: Uuid,
    pub(crate) asset_class: AssetClass,
    /// Shares or coins; below zero for a short position, never zero.
    pub(crate) qty: Decimal,
    pub(crate) average_entry_price: Decimal,
    /// What the position would have cost at the last day's end, and what was added since: the base
    /// of the day's profit. `None` in older books: then it is what it did cost.
    #[serde(default)]
    pub(crate) day_cost: Option<Decimal>,
}

impl Position {
    /// A position from its first execution; a negative quantity is a short one.
    pub(crate) fn opened(order: &Order, price: Decimal, qty: Decimal) -> Self {
        Self {
            symbol: order.symbol.clone(),
            asset_id: order.asset_id,
            asset_class: order.asset_class,
            qty,
            average_entry_price: price,
            day_cost: Some(qty * price),
        }
    }

    /// The position after one more execution, above zero for a buy; `None` when nothing is left.
    ///
    /// What is added moves the average; what is taken away leaves it; what goes through zero starts
    /// anew at the execution's price.
    pub(crate) fn traded(&self, signed: Decimal, price: Decimal) -> Option<Self> {
        let qty = self.qty + signed;
        if qty.is_zero() {
            return None;
        }
        let day_cost = self.day_cost();
        let (average_entry_price, day_cost) = if self.is_short() == signed.is_sign_negative() {
            let cost = self.cost() + signed * price;
            ((cost / qty).round_dp(AVERAGE_DECIMALS), day_cost + signed * price)
        } else if self.is_short() == qty.is_sign_negative() {
            let left = (day_cost * qty / self.qty).round_dp(AVERAGE_DECIMALS);
            (self.average_entry_price, left)
        } else {
            (price, qty * price)
        };
        Some(Self { qty, average_entry_price, day_cost: Some(day_cost), ..self.clone() })
    }

    /// What it cost; below zero for a short position.
    pub(crate) fn cost(&self) -> Decimal {
        self.qty * self.average_entry_price
    }

    pub(crate) fn is_short(&self) -> bool {
        self.qty.is_sign_negative()
    }

    fn day_cost(&self) -> Decimal {
        self.day_cost.unwrap_or_else(|| self.cost())
    }

    /// The position after a charge in kind; `None` when it took everything.
    pub(crate) fn without(&self, taken: Decimal) -> Option<Self> {
        let qty = (self.qty - taken).max(Decimal::ZERO);
        (!qty.is_zero()).then(|| Self { qty, ..self.clone() })
    }

    /// The position as the API shows it.
    ///
    /// `held` is what open closing orders keep back, `price` the newest one, `previous_close`
    /// yesterday's.
    pub(crate) fn json(
        &self,
        asset: &Asset,
        held: Decimal,
        price: Option<Decimal>,
        previous_close: Option<Decimal>,
    ) -> Value {
        let (cost, day_cost) = (self.cost(), self.day_cost());
        let value = price.map(|price| self.qty * price);
        let profit = value.map(|value| value - cost);
        let day_profit = value.map(|value| value - day_cost);
        let share = |profit: Option<Decimal>, of: Decimal| {
            profit.and_then(|profit| ratio(profit, of.abs()))
        };
        let change = price
            .zip(previous_close)
            .and_then(|(price, previous)| ratio(price - previous, previous));
        let available = (self.qty.abs() - held).max(Decimal::ZERO);
        let available = if self.is_short() { Decimal::ZERO - available } else { available };
        json!({
            "asset_id": self.asset_id,
            "symbol": asset.position_symbol(),
            "exchange": asset.exchange,
            "asset_class": self.asset_class.as_str(),
            "asset_marginable": !asset.is_crypto(),
            "qty": number::text(self.qty),
            "qty_available": number::text(available),
            "avg_entry_price": number::text(self.average_entry_price),
            "side": if self.is_short() { "short" } else { "long" },
            "market_value": value.map(number::text),
            "cost_basis": number::text(cost),
            "unrealized_pl": profit.map(number::text),
            "unrealized_plpc": share(profit, cost).map(number::text),
            "unrealized_intraday_pl": day_profit.map(number::text),
            "unrealized_intraday_plpc": share(day_profit, day_cost).map(number::text),
            "current_price": price.map(number::text),
            "lastday_price": previous_close.or(price).map(number::text),
            "change_today": change.unwrap_or_default().normalize().to_string(),
        })
    }
}

fn ratio(part: Decimal, whole: Decimal) -> Option<Decimal> {
    part.checked_div(whole).map(|ratio| ratio.round_dp(RATIO_DECIMALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(qty: i64, price: i64) -> Position {
        Position {
            symbol: "X".to_owned(),
            asset_id: Uuid::nil(),
            asset_class: AssetClass::UsEquity,
            qty: qty.into(),
            average_entry_price: price.into(),
            day_cost: None,
        }
    }

    #[test]
    fn what_is_added_moves_the_average_and_what_is_taken_away_leaves_it() {
        let rows = [
            // held, executed, at; quantity, average, day's cost afterwards
            (10, 10, 200, Some((20, 150, 3_000))),
            (10, -4, 200, Some((6, 100, 600))),
            (10, -10, 200, None),
            (-10, -10, 200, Some((-20, 150, -3_000))),
            (-10, 4, 200, Some((-6, 100, -600))),
            (-10, 15, 200, Some((5, 200, 1_000))),
        ];
        for (held, executed, price, expected) in rows {
            let after = position(held, 100).traded(Decimal::from(executed), Decimal::from(price));
            let found = after.map(|one| (one.qty, one.average_entry_price, one.day_cost()));
            let expected = expected.map(|(qty, average, cost): (i64, i64, i64)| {
                (qty.into(), average.into(), cost.into())
            });
            assert_eq!(found, expected, "{held} and {executed}");
        }
    }
}
