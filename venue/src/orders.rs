//! The order: its books' record, and how its quantities hang together.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::assets::AssetClass;
use crate::fills::{Left, WorkingOrder};

pub(crate) use crate::order_words::{
    OrderClass, OrderStatus, OrderType, PositionIntent, Side, TimeInForce,
};

/// Digits of a share or coin; Alpaca's limit.
pub(crate) const QUANTITY_DECIMALS: u32 = 9;

/// An order as the books keep it. What later versions added has a default, so that older books can
/// be read.
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
    /// Dollars that may be spent where that is less than the notional: a market order over coins
    /// keeps a collar back.
    #[serde(default)]
    pub(crate) budget: Option<Decimal>,
    pub(crate) limit_price: Option<Decimal>,
    /// The price that elects the order; a trailing stop moves it.
    #[serde(default)]
    pub(crate) stop_price: Option<Decimal>,
    #[serde(default)]
    pub(crate) trail: Option<Trail>,
    /// The best price since a trailing stop began: the highest for a sell, the lowest for a buy.
    #[serde(default)]
    pub(crate) hwm: Option<Decimal>,
    /// Whether the stop price was met; from then on it is a market or limit order.
    #[serde(default)]
    pub(crate) elected: bool,
    pub(crate) extended_hours: bool,
    /// The group that it belongs to; `None` for an order that stands alone.
    #[serde(default)]
    pub(crate) membership: Option<Membership>,
    /// What it does to the position; older books have none and knew long positions only.
    #[serde(default)]
    pub(crate) intent: Option<PositionIntent>,
    pub(crate) status: OrderStatus,
    /// What has traded, that of the orders which this one replaced included.
    pub(crate) filled_qty: Decimal,
    /// Sum of price times quantity over the executions.
    pub(crate) filled_value: Decimal,
    pub(crate) executions: u32,
    /// The price at which an opening order holds buying power; `None` where no price was known.
    pub(crate) reserved_price: Option<Decimal>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) filled_at: Option<DateTime<Utc>>,
    pub(crate) expired_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) cancel_requested_at: Option<DateTime<Utc>>,
    pub(crate) canceled_at: Option<DateTime<Utc>>,
    pub(crate) failed_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) replaced_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) replaced_by: Option<Uuid>,
    #[serde(default)]
    pub(crate) replaces: Option<Uuid>,
    /// Recorded tapes only: the first UTC day on which the symbol traded after this order came.
    pub(crate) first_traded_day: Option<NaiveDate>,
}

/// How far a trailing stop stays behind the best price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trail {
    /// Dollars.
    Price(Decimal),
    /// Percent of the best price.
    Percent(Decimal),
}

/// A place in a group of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    /// The sequence of the group's first parent; a replacement keeps it.
    pub(crate) group: u64,
    pub(crate) class: OrderClass,
    pub(crate) role: Role,
}

/// What an order does in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Opens the position; the others wait for it.
    Entry,
    TakeProfit,
    StopLoss,
}

impl Trail {
    /// The stop price behind a best price.
    pub(crate) fn stop(self, side: Side, best: Decimal) -> Decimal {
        let distance = match self {
            Self::Price(dollars) => dollars,
            Self::Percent(percent) => best * percent / Decimal::ONE_HUNDRED,
        };
        // A buy stop is above the market, a sell stop below it.
        best + side.signed(distance)
    }
}

impl Membership {
    /// Whether the order is listed itself, with the others under it.
    pub(crate) fn is_parent(self) -> bool {
        match self.class {
            OrderClass::Oco => self.role == Role::TakeProfit,
            OrderClass::Simple | OrderClass::Bracket | OrderClass::Oto => self.role == Role::Entry,
        }
    }
}

impl Order {
    /// The class that the order was sent with.
    pub(crate) fn class(&self) -> OrderClass {
        self.membership.map_or(OrderClass::Simple, |membership| membership.class)
    }

    pub(crate) fn role(&self) -> Option<Role> {
        self.membership.map(|membership| membership.role)
    }

    /// What the order does to the position.
    pub(crate) fn intent(&self) -> PositionIntent {
        self.intent.unwrap_or(match self.side {
            Side::Buy => PositionIntent::BuyToOpen,
            Side::Sell => PositionIntent::SellToClose,
        })
    }

    /// Whether a stop price has still to be met.
    pub(crate) fn waits_for_stop(&self) -> bool {
        self.order_type.has_stop() && !self.elected
    }

    /// What is left to trade.
    pub(crate) fn left(&self) -> Left {
        match (self.qty, self.budget.or(self.notional)) {
            (Some(qty), _) => Left::Quantity(qty - self.filled_qty),
            (None, dollars) => Left::Dollars(dollars.unwrap_or_default() - self.filled_value),
        }
    }

    /// What is left as a quantity, at a price.
    pub(crate) fn left_at(&self, price: Option<Decimal>) -> Decimal {
        match self.left() {
            Left::Quantity(quantity) => quantity,
            Left::Dollars(dollars) => price
                .and_then(|price| dollars.checked_div(price))
                .unwrap_or_default()
                .round_dp_with_strategy(QUANTITY_DECIMALS, RoundingStrategy::ToZero),
        }
    }

    /// The order as fill models see it; `None` while it may not trade with the market.
    pub(crate) fn working(&self) -> Option<WorkingOrder> {
        let may_trade =
            self.status.is_working() && !self.waits_for_stop() && !self.time_in_force.is_auction();
        may_trade.then(|| WorkingOrder {
            sequence: self.sequence,
            account_id: self.account_id,
            asset_class: self.asset_class,
            side: self.side,
            limit_price: self.limit_price,
            elected_price: self.stop_price.filter(|_| self.elected),
            time_in_force: self.time_in_force,
            extended_hours: self.extended_hours,
            left: self.left(),
            executions: self.executions,
            created_at: self.created_at,
        })
    }

    /// Whether a price is within the limit.
    pub(crate) fn accepts(&self, price: Decimal) -> bool {
        match (self.side, self.limit_price) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => limit >= price,
            (Side::Sell, Some(limit)) => limit <= price,
        }
    }

    /// The average price of the executions so far.
    pub(crate) fn filled_average_price(&self) -> Option<Decimal> {
        self.filled_value
            .checked_div(self.filled_qty)
            .map(|average| average.round_dp(QUANTITY_DECIMALS))
    }

    /// Dollars that an open order which opens a position holds back from buying power.
    pub(crate) fn reserved_value(&self) -> Decimal {
        if !self.intent().opens() || !self.status.is_open() {
            return Decimal::ZERO;
        }
        let value = match (self.qty, self.notional, self.reserved_price) {
            (None, Some(notional), _) => notional - self.filled_value,
            (Some(qty), _, Some(price)) => (qty - self.filled_qty) * price,
            (_, _, _) => Decimal::ZERO,
        };
        value.max(Decimal::ZERO)
    }

    /// Shares or coins that an open order which closes a position holds back from it.
    pub(crate) fn held_quantity(&self, price: Option<Decimal>) -> Decimal {
        let waits_for_entry = self.status == OrderStatus::Held;
        if self.intent().opens() || !self.status.is_open() || waits_for_entry {
            return Decimal::ZERO;
        }
        self.left_at(price).max(Decimal::ZERO)
    }
}
