//! Trade history on the wire.

use chrono::{DateTime, Utc};
use serde::Serialize;
use storage::trades::Trade;
use utoipa::ToSchema;
use uuid::Uuid;

use super::number::Number;

/// One page of the user's trades.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TradeList {
    /// Newest first.
    pub(crate) trades: Vec<TradeDocument>,
    /// How many match, on all pages.
    #[schema(example = 156)]
    pub(crate) total: u64,
    /// Most that one answer holds.
    #[schema(example = 100)]
    pub(crate) limit: u32,
    /// How many were skipped.
    #[schema(example = 0)]
    pub(crate) offset: u64,
}

/// One fill.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trade)]
pub(crate) struct TradeDocument {
    /// Key.
    pub(crate) id: Uuid,
    /// What was traded.
    #[schema(example = "AAPL")]
    pub(crate) ticker: String,
    /// Strategy that traded, or `manual`.
    #[schema(example = "rsi")]
    pub(crate) strategy_name: String,
    /// `BUY` or `SELL`.
    #[schema(example = "BUY")]
    pub(crate) action: &'static str,
    /// Shares or coins.
    #[schema(example = 10)]
    pub(crate) quantity: Number,
    /// US dollars per share or coin.
    #[schema(example = 150.25)]
    pub(crate) price: Number,
    /// US dollars, rounded to the cent.
    #[schema(example = 1502.50)]
    pub(crate) total_value: Number,
    /// When the venue executed it.
    pub(crate) executed_at: DateTime<Utc>,
    /// Sub-account it is booked to; null: to no config.
    pub(crate) config_id: Option<Uuid>,
    /// The order it filled (`client_order_id`); null: booked without an order.
    pub(crate) order_id: Option<String>,
}

impl From<Trade> for TradeDocument {
    fn from(trade: Trade) -> Self {
        let Trade { record, total_value } = trade;
        Self {
            id: record.id,
            ticker: record.ticker,
            strategy_name: record.strategy_name,
            action: record.side.action(),
            quantity: Number(record.quantity.normalize()),
            price: Number(record.price.normalize()),
            total_value: Number(total_value),
            executed_at: record.executed_at,
            config_id: record.config_id,
            order_id: record.order_id,
        }
    }
}
