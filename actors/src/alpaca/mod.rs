//! Alpaca on the wire: where it is, what its data messages look like, how its history is read.
//! Orders go through the crate `apca`; what that crate cannot parse or loses is here.

mod data_rest;
mod data_stream;
mod socket;
mod trade_stream;

pub(crate) use data_rest::DataClient;
pub(crate) use data_stream::{DataStream, MarketEvent, StreamEvent};
pub(crate) use socket::Backoff;
pub(crate) use trade_stream::{TradeEvent, TradeStream, status};

use secrecy::SecretString;

/// Where the broker is. Every address without a slash at its end.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Trading API, such as `http://127.0.0.1:8100`.
    pub trading_url: String,
    /// Historical data.
    pub data_url: String,
    /// Order updates, such as `ws://127.0.0.1:8100/stream`.
    pub trade_stream_url: String,
    /// Live stock data, such as `ws://127.0.0.1:8100/v2/iex`.
    pub stock_stream_url: String,
    /// Live coin data, such as `ws://127.0.0.1:8100/v1beta3/crypto/us`.
    pub crypto_stream_url: String,
    /// Name of the source in prices and logs: `venue` or `alpaca`.
    pub source: &'static str,
}

/// The broker's credentials.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Key id.
    pub key_id: String,
    /// Secret key; never printed.
    pub secret: SecretString,
}
