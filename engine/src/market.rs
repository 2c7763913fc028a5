//! What the market says: prints and quotes. Market data is `f64`, as feeds send it.

use crate::clock::Timestamp;
use crate::ticker::Ticker;
use serde::{Deserialize, Serialize};

/// One print: somebody bought from somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// What was traded.
    pub ticker: Ticker,
    /// US dollars per share or coin; finite and above zero.
    pub price: f64,
    /// Shares or coins; finite, zero or above.
    pub size: f64,
    /// When the venue says it happened.
    pub at: Timestamp,
    /// When we read it, by our clock.
    pub received_at: Timestamp,
}

/// The best bid and offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// What is quoted.
    pub ticker: Ticker,
    /// Best bid, US dollars.
    pub bid: f64,
    /// Shares or coins wanted at the bid.
    pub bid_size: f64,
    /// Best offer, US dollars.
    pub ask: f64,
    /// Shares or coins offered at the ask.
    pub ask_size: f64,
    /// When the venue says it was so.
    pub at: Timestamp,
    /// When we read it, by our clock.
    pub received_at: Timestamp,
}

/// One price of one instant, with its age: what an order is sized and checked against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PricePoint {
    /// US dollars per share or coin.
    pub price: f64,
    /// When the venue says it was so.
    pub at: Timestamp,
}

impl Trade {
    /// Whether the numbers can be market data at all.
    pub fn is_sane(&self) -> bool {
        is_price(self.price) && is_size(self.size)
    }
}

impl Quote {
    /// Whether the numbers can be market data at all.
    pub fn is_sane(&self) -> bool {
        is_price(self.bid) && is_price(self.ask) && is_size(self.bid_size) && is_size(self.ask_size)
    }
}

fn is_price(price: f64) -> bool {
    price.is_finite() && price > 0.0
}

fn is_size(size: f64) -> bool {
    size.is_finite() && size >= 0.0
}
