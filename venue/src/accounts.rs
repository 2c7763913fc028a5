//! An account: its cash, its positions, and what it may still spend.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assets::AssetClass;
use crate::fills::fees::{Accrued, Fee};
use crate::margins;
use crate::orders::Order;
use crate::positions::Position;

/// The multiplier of accounts that trade within the day.
const DAY_MULTIPLIER: u8 = 4;

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
    /// Maintenance margin at that moment.
    #[serde(default)]
    pub(crate) last_maintenance_margin: Decimal,
    /// What the positions of that moment took of a day trader's buying power.
    #[serde(default)]
    pub(crate) last_day_use: Decimal,
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

/// Dollars that open orders hold back, by what they may be paid with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reserved {
    pub(crate) stocks: Decimal,
    pub(crate) crypto: Decimal,
}

/// What an account was worth when a day ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayEnd {
    pub(crate) account_id: Uuid,
    pub(crate) equity: Decimal,
    pub(crate) maintenance_margin: Decimal,
    pub(crate) day_use: Decimal,
    /// The price of each position.
    pub(crate) marks: BTreeMap<String, Decimal>,
}

/// An account at the newest prices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Valuation {
    pub(crate) long_value: Decimal,
    /// Zero or below.
    pub(crate) short_value: Decimal,
    pub(crate) equity: Decimal,
    /// Buying power per dollar of equity, as it is now: 1, 2 or 4.
    pub(crate) multiplier: u8,
    pub(crate) initial_margin: Decimal,
    pub(crate) maintenance_margin: Decimal,
    /// What the positions take of a day trader's buying power.
    pub(crate) day_use: Decimal,
    /// What stocks may still be bought or sold short for. Never negative.
    pub(crate) buying_power: Decimal,
    /// The same under Regulation T: what may be held overnight. Never negative.
    pub(crate) overnight_buying_power: Decimal,
    /// What coins may still be bought for. Never negative.
    pub(crate) non_marginable: Decimal,
}

impl Configuration {
    pub(crate) fn new(multiplier: u8) -> Self {
        Self {
            trade_confirm_email: "none".to_owned(),
            suspend_trade: false,
            no_shorting: multiplier < 2,
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

    pub(crate) fn remove(&mut self, order: &Order) {
        match order.asset_class {
            AssetClass::UsEquity => self.stocks -= order.reserved_value(),
            AssetClass::Crypto => self.crypto -= order.reserved_value(),
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
        let mut sums = Sums::default();
        for position in self.positions.values() {
            sums.add(position, price(&position.symbol).unwrap_or(position.average_entry_price));
        }
        let cash = self.cash - self.accrued_fees.total();
        let equity = cash + sums.long + sums.short;
        let multiplier = self.multiplier_at(equity);
        let leveraged = multiplier > 1;
        let initial_margin = margins::initial(AssetClass::UsEquity, sums.stocks, leveraged)
            + margins::initial(AssetClass::Crypto, sums.crypto, leveraged);
        // Coins take four dollars of it for each of theirs: they are not bought on margin.
        let day_use = sums.stocks + sums.crypto * Decimal::from(DAY_MULTIPLIER);
        let excess = (equity - initial_margin - reserved.crypto).max(Decimal::ZERO);
        let overnight = excess * Decimal::from(multiplier.min(2)) - reserved.stocks;
        let buying_power = if multiplier < DAY_MULTIPLIER {
            overnight
        } else {
            let base = self.last_equity - self.last_maintenance_margin;
            let used = (day_use - self.last_day_use).max(Decimal::ZERO);
            (base - reserved.crypto) * Decimal::from(multiplier) - used - reserved.stocks
        };
        // What short sales brought in belongs to whoever lent the shares.
        let free_cash = cash + sums.short - reserved.stocks - reserved.crypto;
        Valuation {
            long_value: sums.long,
            short_value: sums.short,
            equity,
            multiplier,
            initial_margin,
            maintenance_margin: sums.maintenance,
            day_use,
            buying_power: buying_power.max(Decimal::ZERO),
            overnight_buying_power: overnight.max(Decimal::ZERO),
            non_marginable: free_cash.max(Decimal::ZERO),
        }
    }

    /// Whether the account may sell what it does not have.
    pub(crate) fn may_short(&self, value: Valuation) -> bool {
        value.multiplier > 1 && !self.configuration.no_shorting
    }

    /// The account's multiplier: as opened, as its owner lowered it, and none without equity.
    fn multiplier_at(&self, equity: Decimal) -> u8 {
        if equity < margins::MARGIN_EQUITY_MIN {
            return 1;
        }
        let wished = self.configuration.max_margin_multiplier.parse().unwrap_or(self.multiplier);
        self.multiplier.min(wished).max(1)
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

/// What an account's positions come to.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    long: Decimal,
    /// Zero or below.
    short: Decimal,
    /// Value of stocks, long and short, without signs.
    stocks: Decimal,
    crypto: Decimal,
    maintenance: Decimal,
}

impl Sums {
    fn add(&mut self, position: &Position, price: Decimal) {
        let value = position.qty * price;
        if position.qty.is_sign_negative() {
            self.short += value;
        } else {
            self.long += value;
        }
        match position.asset_class {
            AssetClass::UsEquity => self.stocks += value.abs(),
            AssetClass::Crypto => self.crypto += value.abs(),
        }
        self.maintenance += margins::maintenance(position.asset_class, position.qty, price);
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
            last_maintenance_margin: Decimal::ZERO,
            last_day_use: Decimal::ZERO,
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
            day_cost: None,
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
        let account = account(5_000, 1);
        let reserved = Reserved { stocks: Decimal::from(300), crypto: Decimal::from(200) };
        assert_eq!(account.value(|_| None, reserved).buying_power, Decimal::from(4_500));
        let too_much = Reserved { stocks: Decimal::from(9_000), crypto: Decimal::ZERO };
        assert_eq!(account.value(|_| None, too_much).buying_power, Decimal::ZERO);
    }
    #[test]
    fn a_short_position_costs_margin_and_its_proceeds_buy_nothing() {
        let mut account = account(60_000, 2);
        account.positions.insert("X".to_owned(), position(AssetClass::UsEquity, -100));
        let value = account.value(|_| Some(Decimal::from(100)), Reserved::default());
        assert_eq!(value.equity, Decimal::from(50_000));
        assert_eq!(value.short_value, Decimal::from(-10_000));
        assert_eq!(value.initial_margin, Decimal::from(5_000));
        assert_eq!(value.buying_power, Decimal::from(90_000));
        assert_eq!(value.non_marginable, Decimal::from(50_000));
    }

    #[test]
    fn a_day_trader_has_four_times_yesterdays_excess_less_what_was_opened_since() {
        let mut account = account(30_000, 4);
        let value = account.value(|_| None, Reserved::default());
        assert_eq!(value.buying_power, Decimal::from(120_000));
        assert_eq!(value.overnight_buying_power, Decimal::from(60_000));
        account.cash = Decimal::from(-70_000);
        account.positions.insert("X".to_owned(), position(AssetClass::UsEquity, 1_000));
        let value = account.value(|_| Some(Decimal::from(100)), Reserved::default());
        assert_eq!((value.multiplier, value.buying_power), (4, Decimal::from(20_000)));
    }

    #[test]
    fn the_multiplier_falls_with_the_owners_wish_and_with_too_little_equity() {
        let mut rich = account(30_000, 4);
        rich.configuration.max_margin_multiplier = "2".to_owned();
        assert_eq!(rich.value(|_| None, Reserved::default()).multiplier, 2);
        let poor = account(1_999, 2);
        let value = poor.value(|_| None, Reserved::default());
        assert_eq!((value.multiplier, value.buying_power), (1, Decimal::from(1_999)));
        assert!(!poor.may_short(value));
    }
}
