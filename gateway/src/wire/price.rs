//! Live prices on the wire.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A message of `/ws/prices` to the client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum PriceFrame {
    /// The newest price of each symbol that changed since the last frame.
    PriceUpdate {
        /// US dollars per share or coin by symbol, as decimal strings.
        #[schema(example = json!({"AAPL": "187.25"}))]
        prices: BTreeMap<String, String>,
        /// When the newest of them was so, by its source's clock.
        timestamp: DateTime<Utc>,
        /// Where it came from.
        #[schema(example = "venue")]
        source: &'static str,
    },
    /// The answer to `{"type":"ping"}`.
    Pong,
    /// The client's message was not understood.
    Error {
        /// Stable name.
        #[schema(example = "unknown_message")]
        code: &'static str,
        /// What is wrong and what to do.
        message: &'static str,
    },
}
