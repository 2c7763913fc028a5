//! Tickers and what the venue says of the asset behind them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Longest ticker the database takes.
pub const TICKER_LENGTH_MAX: usize = 20;

/// Text that is not a ticker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a ticker: 1 to 20 upper-case letters, digits, `.`, `-` or `/`, such as AAPL or BTC/USD"
)]
pub struct NotATicker(pub String);

/// The symbol of a stock (`AAPL`) or a coin pair (`BTC/USD`), as the venue writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ticker(Arc<str>);

/// What kind of market an asset trades on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetClass {
    /// A share, traded in exchange sessions.
    UsEquity,
    /// A coin pair, traded round the clock.
    Crypto,
}

/// What the venue allows for one ticker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// The ticker, as orders must name it.
    pub ticker: Ticker,
    /// Its market.
    pub class: AssetClass,
    /// Whether the venue takes orders for it at all.
    pub tradable: bool,
    /// The smallest step of an order's quantity, in shares or coins; above zero.
    pub quantity_step: Decimal,
    /// The least quantity of one order, in shares or coins.
    pub quantity_min: Decimal,
}

impl Ticker {
    /// Takes text in upper case only: `aapl` is a typing error that the user should see.
    pub fn new(text: &str) -> Result<Self, NotATicker> {
        let allowed = |byte: u8| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'/')
        };
        let length_ok = (1..=TICKER_LENGTH_MAX).contains(&text.len());
        if length_ok && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(NotATicker(text.chars().take(TICKER_LENGTH_MAX.saturating_mul(2)).collect()))
        }
    }

    /// The ticker as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Ticker {
    type Error = NotATicker;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Ticker> for String {
    fn from(ticker: Ticker) -> Self {
        ticker.0.as_ref().to_owned()
    }
}

impl fmt::Display for Ticker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_venue_could_have_written_is_a_ticker() {
        for text in ["AAPL", "BRK.B", "BTC/USD", "BTCUSDT", "A"] {
            assert_eq!(Ticker::new(text).unwrap().as_str(), text);
        }
        for text in ["", "aapl", "AA PL", "AAPL;DROP", "ABCDEFGHIJKLMNOPQRSTU", "ÄPFEL"] {
            assert_eq!(Ticker::new(text), Err(NotATicker(text.to_owned())));
        }
    }
}
