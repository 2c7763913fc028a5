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
        }
    }

    /// The position after one more execution, above zero for a buy; `None` when nothing is left.
    ///
    /// What is added moves the average; what is taken away leaves it; what goes through zero starts
    /// anew at the execution's price.
    pub(crate) fn traded(&self, signed: Decimal, price: Decimal) -> Option<Self> {
        let qty = self.qty + signed;
        let average_entry_price = if self.qty.is_sign_negative() == signed.is_sign_negative() {
            let cost = self.qty * self.average_entry_price + signed * price;
            (cost / qty).round_dp(AVERAGE_DECIMALS)
        } else if qty.is_sign_negative() == self.qty.is_sign_negative() {
            self.average_entry_price
        } else {
            price
        };
        (!qty.is_zero()).then(|| Self { qty, average_entry_price, ..self.clone() })
    }

    /// The position after a charge in kind; `None` when it took everything.
    pub(crate) fn without(&self, taken: Decimal) -> Option<Self> {
        let qty = (self.qty - taken).max(Decimal::ZERO);
        (!qty.is_zero()).then(|| Self { qty, ..self.clone() })
    }

    /// The position as the API shows it.
    ///
    /// `held` is what open sells keep back, `price` the newest one, `previous_close` yesterday's.
    pub(crate) fn json(
        &self,
        asset: &Asset,
        held: Decimal,
        price: Option<Decimal>,
        previous_close: Option<Decimal>,
    ) -> Value {
        let cost = self.qty * self.average_entry_price;
        let value = price.map(|price| self.qty * price);
        let profit = value.map(|value| value - cost);
        let profit_ratio = profit.and_then(|profit| ratio(profit, cost));
        let change = price
            .zip(previous_close)
            .and_then(|(price, previous)| ratio(price - previous, previous));
        json!({
            "asset_id": self.asset_id,
            "symbol": asset.position_symbol(),
            "exchange": asset.exchange,
            "asset_class": self.asset_class.as_str(),
            "asset_marginable": !asset.is_crypto(),
            "qty": number::text(self.qty),
            "qty_available": number::text((self.qty - held).max(Decimal::ZERO)),
            "avg_entry_price": number::text(self.average_entry_price),
            "side": "long",
            "market_value": value.map(number::text),
            "cost_basis": number::text(cost),
            "unrealized_pl": profit.map(number::text),
            "unrealized_plpc": profit_ratio.map(number::text),
            "unrealized_intraday_pl": profit.map(number::text),
            "unrealized_intraday_plpc": profit_ratio.map(number::text),
            "current_price": price.map(number::text),
            "lastday_price": previous_close.or(price).map(number::text),
            "change_today": change.unwrap_or_default().normalize().to_string(),
        })
    }
}

fn ratio(part: Decimal, whole: Decimal) -> Option<Decimal> {
    part.checked_div(whole).map(|ratio| ratio.round_dp(RATIO_DECIMALS))
}
