//! An account: its cash, its positions, and what it may still spend.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assets::AssetClass;
use crate::fills::fees::{Accrued, Fee};
use crate::orders::Order;
use crate::positions::Position;

/// Maintenance margin of stocks, as a share of their value.
const MAINTENANCE_SHARE: Decimal = Decimal::from_parts(3, 0, 0, false, 1);

/// An account as the books keep it. Its secret is not here: it comes with the options.
#[expect(clippy::struct_field_names, reason = "account_number is Alpaca's name for it")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) key_id: String,
    pub(crate) account_number: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) cash: Decimal,
    pub(crate) multiplier: u8,
    /// Equity at the end of the previous trading day.
    pub(crate) last_equity: Decimal,
    pub(crate) configuration: Configuration,
    /// By symbol; only positions that are not flat.
    pub(crate) positions: BTreeMap<String, Position>,
    /// Fees of today that are charged when the day ends; they are spent already.
    #[serde(default)]
    pub(crate) accrued_fees: Accrued,
}

/// What the owner of an account has set.
#[expect(clippy::struct_excessive_bools, reason = "Alpaca's settings, as they are on the wire")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) trade_confirm_email: String,
    pub(crate) suspend_trade: bool,
    pub(crate) no_shorting: bool,
    pub(crate) fractional_trading: bool,
    pub(crate) max_margin_multiplier: String,
    pub(crate) max_options_trading_level: Option<u8>,
    pub(crate) ptp_no_exception_entry: bool,
    pub(crate) disable_overnight_trading: bool,
}

/// Dollars that open buys hold back, by what they may be paid with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reserved {
    pub(crate) stocks: Decimal,
    pub(crate) crypto: Decimal,
}

/// An account at the newest prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Valuation {
    pub(crate) long_value: Decimal,
    pub(crate) equity: Decimal,
    pub(crate) initial_margin: Decimal,
    pub(crate) maintenance_margin: Decimal,
    /// What stocks may still be bought for. Never negative.
    pub(crate) buying_power: Decimal,
    /// What coins may still be bought for. Never negative.
    pub(crate) non_marginable: Decimal,
}

impl Configuration {
    pub(crate) fn new(multiplier: u8) -> Self {
        Self {
            trade_confirm_email: "none".to_owned(),
            suspend_trade: false,
            no_shorting: true,
            fractional_trading: true,
            max_margin_multiplier: multiplier.to_string(),
            max_options_trading_level: None,
            ptp_no_exception_entry: false,
            disable_overnight_trading: false,
        }
    }
}

impl Reserved {
    pub(crate) fn add(&mut self, order: &Order) {
        match order.asset_class {
            AssetClass::UsEquity => self.stocks += order.reserved_value(),
            AssetClass::Crypto => self.crypto += order.reserved_value(),
        }
    }
}

impl Account {
    /// Values the account; a position without a price counts at what it cost.
    pub(crate) fn value(
        &self,
        price: impl Fn(&str) -> Option<Decimal>,
        reserved: Reserved,
    ) -> Valuation {
        let mut stocks = Decimal::ZERO;
        let mut crypto = Decimal::ZERO;
        for position in self.positions.values() {
            let value =
                position.qty * price(&position.symbol).unwrap_or(position.average_entry_price);
            match position.asset_class {
                AssetClass::UsEquity => stocks += value,
                AssetClass::Crypto => crypto += value,
            }
        }
        let cash = self.cash - self.accrued_fees.total();
        let equity = cash + stocks + crypto;
        let stock_margin = if self.multiplier > 1 { stocks / Decimal::TWO } else { stocks };
        let initial_margin = stock_margin + crypto;
        let excess = (equity - initial_margin - reserved.crypto).max(Decimal::ZERO);
        let leveraged = excess * Decimal::from(self.multiplier) - reserved.stocks;
        let free_cash = cash - reserved.stocks - reserved.crypto;
        Valuation {
            long_value: stocks + crypto,
            equity,
            initial_margin,
            maintenance_margin: stocks * MAINTENANCE_SHARE + crypto,
            buying_power: leveraged.max(Decimal::ZERO),
            non_marginable: free_cash.max(Decimal::ZERO),
        }
    }

    /// What an execution and its fee leave: the cash, and the position or `None` when it is
    /// flat.
    pub(crate) fn after_execution(
        &self,
        order: &Order,
        price: Decimal,
        qty: Decimal,
        fee: Option<Fee>,
    ) -> (Decimal, Option<Position>) {
        let signed = order.side.signed(qty);
        let mut cash = self.cash - signed * price;
        let held = self.positions.get(&order.symbol);
        let mut position = match held {
            Some(held) => held.traded(signed, price),
            None => Some(Position::opened(order, price, signed)),
        };
        match fee {
            Some(Fee::Dollars(dollars)) => cash -= dollars,
            Some(Fee::Coins(taken)) => {
                position = position.and_then(|position| position.without(taken));
            }
            Some(Fee::Accrues(_)) | None => {}
        }
        (cash, position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(cash: i64, multiplier: u8) -> Account {
        Account {
            id: Uuid::nil(),
            key_id: "K".to_owned(),
            account_number: "PA1".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            cash: Decimal::from(cash),
            multiplier,
            last_equity: Decimal::from(cash),
            configuration: Configuration::new(multiplier),
            positions: BTreeMap::new(),
            accrued_fees: Accrued::default(),
        }
    }

    fn position(class: AssetClass, qty: i64) -> Position {
        Position {
            symbol: "X".to_owned(),
            asset_id: Uuid::nil(),
            asset_class: class,
            qty: Decimal::from(qty),
            average_entry_price: Decimal::from(100),
        }
    }

    #[test]
    fn margin_doubles_buying_power_for_stocks_and_not_for_coins() {
        let mut account = account(50_000, 2);
        account.positions.insert("X".to_owned(), position(AssetClass::UsEquity, 500));
        let value = account.value(|_| Some(Decimal::from(100)), Reserved::default());
        assert_eq!(value.equity, Decimal::from(100_000));
        assert_eq!(value.buying_power, Decimal::from(150_000));
        assert_eq!(value.non_marginable, Decimal::from(50_000));
    }

    #[test]
    fn reservations_lower_buying_power_and_never_below_zero() {
        let account = account(1_000, 1);
        let reserved = Reserved { stocks: Decimal::from(300), crypto: Decimal::from(200) };
        assert_eq!(account.value(|_| None, reserved).buying_power, Decimal::from(500));
        let too_much = Reserved { stocks: Decimal::from(9_000), crypto: Decimal::ZERO };
        assert_eq!(account.value(|_| None, too_much).buying_power, Decimal::ZERO);
    }
}
