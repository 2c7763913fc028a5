//! The market-data stream: trades and quotes of one endpoint, PROTOCOL "Real-time stream".

use super::Keys;
use super::socket::{PING_AFTER, Socket, StreamError, next_frame, open, wire};
use chrono::{DateTime, Utc};
use engine::market::{Quote, Trade};
use engine::{Clock, Ticker};
use futures_util::SinkExt as _;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// One print or quote.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MarketEvent {
    Trade(Trade),
    Quote(Quote),
}

/// What a stream tells its feed.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// Authorised and subscribed.
    Up,
    /// A frame's elements, in order, and how many of them made no sense.
    Events { events: Vec<MarketEvent>, errors: u64 },
}

/// One endpoint and what is wanted of it.
pub(crate) struct DataStream {
    pub(crate) url: String,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Element<'a> {
    #[serde(rename = "T", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "S", default, borrow)]
    symbol: Cow<'a, str>,
    #[serde(rename = "t")]
    at: Option<DateTime<Utc>>,
    #[serde(rename = "p")]
    price: Option<f64>,
    #[serde(rename = "s")]
    size: Option<f64>,
    #[serde(rename = "bp")]
    bid: Option<f64>,
    #[serde(rename = "bs")]
    bid_size: Option<f64>,
    #[serde(rename = "ap")]
    ask: Option<f64>,
    #[serde(rename = "as")]
    ask_size: Option<f64>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
    code: Option<i64>,
}

impl MarketEvent {
    pub(crate) fn ticker(&self) -> &Ticker {
        match self {
            Self::Trade(trade) => &trade.ticker,
            Self::Quote(quote) => &quote.ticker,
        }
    }

    pub(crate) fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Trade(trade) => trade.at,
            Self::Quote(quote) => quote.at,
        }
    }
}

impl DataStream {
    /// Runs one connection until it ends. `wanted` starts the subscription, `more` widens it.
    /// Every frame is handed to `tell` before the next is read.
    pub(crate) async fn run(
        &self,
        wanted: BTreeSet<Ticker>,
        more: &mut mpsc::UnboundedReceiver<Ticker>,
        tell: impl Fn(StreamEvent) + Send,
    ) -> Result<(), StreamError> {
        let mut socket = open(&self.url).await?;
        self.expect(&mut socket, "connected").await?;
        let auth = serde_json::json!({
            "action": "auth", "key": self.keys.key_id, "secret": self.keys.secret.expose_secret(),
        });
        self.send(&mut socket, &auth).await?;
        self.expect(&mut socket, "authenticated").await?;
        if !wanted.is_empty() {
            self.subscribe(&mut socket, &wanted).await?;
        }
        tell(StreamEvent::Up);
        let mut quiet = tokio::time::interval(PING_AFTER);
        quiet.reset();
        loop {
            tokio::select! {
                biased;
                frame = next_frame(&mut socket, &self.url) => {
                    let (events, errors) = self.parse(&frame?)?;
                    if !events.is_empty() || errors > 0 {
                        tell(StreamEvent::Events { events, errors });
                    }
                }
                ticker = more.recv() => {
                    let Some(ticker) = ticker else { return Ok(()) };
                    let mut batch = BTreeSet::from([ticker]);
                    while let Ok(ticker) = more.try_recv() {
                        batch.insert(ticker);
                    }
                    self.subscribe(&mut socket, &batch).await?;
                }
                _ = quiet.tick() => {
                    let ping = Message::Ping(Vec::new().into());
                    socket.send(ping).await.map_err(|error| wire(&self.url, error))?;
                }
            }
        }
    }

    async fn subscribe(
        &self,
        socket: &mut Socket,
        tickers: &BTreeSet<Ticker>,
    ) -> Result<(), StreamError> {
        let names: Vec<_> = tickers.iter().map(Ticker::as_str).collect();
        let request =
            serde_json::json!({ "action": "subscribe", "trades": names, "quotes": names });
        self.send(socket, &request).await
    }

    async fn send(
        &self,
        socket: &mut Socket,
        request: &serde_json::Value,
    ) -> Result<(), StreamError> {
        let frame = Message::Text(request.to_string().into());
        socket.send(frame).await.map_err(|error| wire(&self.url, error))
    }

    async fn expect(&self, socket: &mut Socket, message: &str) -> Result<(), StreamError> {
        let frame = next_frame(socket, &self.url).await?;
        let elements = self.elements(&frame)?;
        let first = elements.first();
        if first
            .is_some_and(|first| first.kind == "success" && first.msg.as_deref() == Some(message))
        {
            return Ok(());
        }
        let said = first.and_then(|first| first.msg.as_deref()).unwrap_or_default();
        Err(self.refused(format!("expected `{message}`, got `{said}`")))
    }

    pub(crate) fn parse(&self, frame: &[u8]) -> Result<(Vec<MarketEvent>, u64), StreamError> {
        let received_at = self.clock.now();
        let mut events = Vec::new();
        let mut errors = 0;
        for element in self.elements(frame)? {
            match element.kind.as_ref() {
                "t" | "q" => match market_event(&element, received_at) {
                    Some(event) => events.push(event),
                    None => errors += 1,
                },
                "error" => {
                    let (code, text) = (element.code.unwrap_or(0), element.msg.unwrap_or_default());
                    return Err(self.refused(format!("error {code}: {text}")));
                }
                // Acknowledgements, and channels that the endpoint adds by itself.
                _ => {}
            }
        }
        Ok((events, errors))
    }

    fn elements<'a>(&self, frame: &'a [u8]) -> Result<Vec<Element<'a>>, StreamError> {
        serde_json::from_slice(frame)
            .map_err(|error| self.refused(format!("a frame is not market data: {error}")))
    }

    fn refused(&self, reason: String) -> StreamError {
        StreamError::Refused { url: self.url.clone(), reason }
    }
}

fn market_event(element: &Element<'_>, received_at: DateTime<Utc>) -> Option<MarketEvent> {
    let ticker = Ticker::new(&element.symbol).ok()?;
    let at = element.at?;
    if element.kind == "t" {
        let (price, size) = (element.price?, element.size?);
        let trade = Trade { ticker, price, size, at, received_at };
        return trade.is_sane().then_some(MarketEvent::Trade(trade));
    }
    let (bid, bid_size) = (element.bid?, element.bid_size?);
    let (ask, ask_size) = (element.ask?, element.ask_size?);
    let quote = Quote { ticker, bid, bid_size, ask, ask_size, at, received_at };
    quote.is_sane().then_some(MarketEvent::Quote(quote))
}
