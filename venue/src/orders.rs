//! The order: its states, its books' record, and how its quantities hang together.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assets::AssetClass;
use crate::fills::{Left, WorkingOrder};

/// Digits of a share or coin; Alpaca's limit.
pub(crate) const QUANTITY_DECIMALS: u32 = 9;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum $name {
            $(#[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Alpaca's word.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

        }
    };
}

words!(
    /// Which way the order trades.
    Side { Buy => "buy", Sell => "sell" }
);
words!(
    /// How the price is set. Alpaca's other types are refused at the door for now.
    OrderType { Market => "market", Limit => "limit" }
);
words!(
    /// How long the order works.
    TimeInForce { Day => "day", Gtc => "gtc", Ioc => "ioc", Fok => "fok" }
);
words!(
    /// Where the order stands.
    OrderStatus {
        PendingNew => "pending_new",
        Accepted => "accepted",
        New => "new",
        PartiallyFilled => "partially_filled",
        PendingCancel => "pending_cancel",
        Filled => "filled",
        Canceled => "canceled",
        Expired => "expired",
        Rejected => "rejected",
    }
);

impl Side {
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// A quantity as the position counts it: below zero for a sell.
    pub(crate) fn signed(self, qty: Decimal) -> Decimal {
        match self {
            Self::Buy => qty,
            Self::Sell => -qty,
        }
    }
}

impl OrderStatus {
    /// Whether the order may still trade.
    pub(crate) fn is_open(self) -> bool {
        match self {
            Self::PendingNew
            | Self::Accepted
            | Self::New
            | Self::PartiallyFilled
            | Self::PendingCancel => true,
            Self::Filled | Self::Canceled | Self::Expired | Self::Rejected => false,
        }
    }
}

/// An order as the books keep it.
#[expect(clippy::struct_field_names, reason = "order_type is Alpaca's name for it")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    /// The order of arrival.
    pub(crate) sequence: u64,
    pub(crate) account_id: Uuid,
    pub(crate) client_order_id: String,
    pub(crate) symbol: String,
    pub(crate) asset_id: Uuid,
    pub(crate) asset_class: AssetClass,
    pub(crate) side: Side,
    pub(crate) order_type: OrderType,
    pub(crate) time_in_force: TimeInForce,
    /// Shares or coins; `None` on an order over an amount of dollars.
    pub(crate) qty: Option<Decimal>,
    /// Dollars; `None` on an order over a quantity.
    pub(crate) notional: Option<Decimal>,
    pub(crate) limit_price: Option<Decimal>,
    pub(crate) extended_hours: bool,
    pub(crate) status: OrderStatus,
    pub(crate) filled_qty: Decimal,
    /// Sum of price times quantity over the executions.
    pub(crate) filled_value: Decimal,
    pub(crate) executions: u32,
    /// The price at which an open buy holds buying power; `None` where no price was known.
    pub(crate) reserved_price: Option<Decimal>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) filled_at: Option<DateTime<Utc>>,
    pub(crate) expired_at: Option<DateTime<Utc>>,
    pub(crate) canceled_at: Option<DateTime<Utc>>,
    pub(crate) failed_at: Option<DateTime<Utc>>,
    /// Recorded tapes only: the first UTC day on which the symbol traded after this order came.
    pub(crate) first_traded_day: Option<NaiveDate>,
}

impl Order {
    /// What is left to trade.
    pub(crate) fn left(&self) -> Left {
        match (self.qty, self.notional) {
            (Some(qty), _) => Left::Quantity(qty - self.filled_qty),
            (None, notional) => Left::Dollars(notional.unwrap_or_default() - self.filled_value),
        }
    }

    /// The order as fill models see it; `None` while it may not trade.
    pub(crate) fn working(&self) -> Option<WorkingOrder> {
        let may_trade = self.status.is_open() && self.status != OrderStatus::Accepted;
        may_trade.then(|| WorkingOrder {
            sequence: self.sequence,
            account_id: self.account_id,
            asset_class: self.asset_class,
            side: self.side,
            limit_price: self.limit_price,
            elected_price: None,
            time_in_force: self.time_in_force,
            extended_hours: self.extended_hours,
            left: self.left(),
            executions: self.executions,
            created_at: self.created_at,
        })
    }

    /// The average price of the executions so far.
    pub(crate) fn filled_average_price(&self) -> Option<Decimal> {
        (!self.filled_qty.is_zero())
            .then(|| (self.filled_value / self.filled_qty).round_dp(QUANTITY_DECIMALS))
    }

    /// Dollars that an open buy holds back from buying power.
    pub(crate) fn reserved_value(&self) -> Decimal {
        if self.side == Side::Sell || !self.status.is_open() {
            return Decimal::ZERO;
        }
        match (self.qty, self.notional, self.reserved_price) {
            (None, Some(notional), _) => (notional - self.filled_value).max(Decimal::ZERO),
            (Some(qty), _, Some(price)) => (qty - self.filled_qty) * price,
            (_, _, _) => Decimal::ZERO,
        }
    }

    /// Shares or coins that an open sell holds back from the position.
    pub(crate) fn held_quantity(&self, price: Option<Decimal>) -> Decimal {
        if self.side == Side::Buy || !self.status.is_open() {
            return Decimal::ZERO;
        }
        match self.left() {
            Left::Quantity(quantity) => quantity,
            Left::Dollars(dollars) => price
                .and_then(|price| dollars.checked_div(price))
                .unwrap_or_default()
                .round_dp_with_strategy(QUANTITY_DECIMALS, rust_decimal::RoundingStrategy::ToZero),
        }
    }
}
