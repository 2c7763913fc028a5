//! `/ws/prices` and `/ws/prices/{symbol}`: the newest prices, conflated for each client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::response::Response;
use engine::Ticker;
use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use http::StatusCode;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::intake::{Intake, MESSAGE_BYTES_MAX, Said};
use crate::app::{App, SocketPlace};
use crate::engine_port::{PriceNews, TickerListing};
use crate::extract::Client;
use crate::problem::Problem;
use crate::wire::price::PriceFrame;
use crate::wire::problem::ProblemDocument;

/// A client that has not taken a frame after this time is stuck.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// How often a client is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// A client that missed this many is gone.
const PINGS_UNANSWERED_MAX: u32 = 2;
/// So much of an unknown symbol is repeated, in characters.
const SYMBOL_SHOWN_MAX: usize = 40;

/// Why a stream was not opened.
enum Refusal {
    /// The venue does not list it, or it is no symbol at all.
    UnknownSymbol { symbol: String },
    /// The address has as many as it may have.
    TooMany,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownSymbol { symbol } => {
                let shown: String = symbol.chars().take(SYMBOL_SHOWN_MAX).collect();
                let detail = format!("the venue does not list `{shown}`; check its spelling");
                Self::new(StatusCode::NOT_FOUND, "unknown_symbol", detail)
            }
            Refusal::TooMany => {
                let detail = "too many WebSocket connections from this address; close one first";
                Self::too_many("too_many_websockets", detail, 1)
            }
        }
    }
}

/// Live prices of every symbol
///
/// A WebSocket. The first frame holds every price that is known; then, at most once a second, the
/// newest price of each symbol that changed. `{"type":"ping"}` is answered with `{"type":"pong"}`.
#[utoipa::path(
    get,
    path = "/ws/prices",
    operation_id = "stream_prices",
    tag = "live",
    responses(
        (status = 101, description = "A stream of frames", body = PriceFrame),
        (status = 429, description = "`too_many_websockets`: too many from this address",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn all(
    State(app): State<Arc<App>>,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    open(app, &client, upgrade, None)
}

/// Live prices of one symbol
///
/// As `/ws/prices`. A slash in a symbol may be written as it is or as `%2F`.
#[utoipa::path(
    get,
    path = "/ws/prices/{symbol}",
    operation_id = "stream_price",
    tag = "live",
    params(("symbol" = String, Path, description = "The symbol", example = "BTC/USD")),
    responses(
        (status = 101, description = "A stream of frames", body = PriceFrame),
        (status = 404, description = "`unknown_symbol`: the venue does not list it",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_websockets`: too many from this address",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(symbol): Path<String>,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    open_one(app, &symbol, &client, upgrade).await
}

/// A symbol whose slash was not encoded, such as `/ws/prices/BTC/USD`.
pub(crate) async fn pair(
    State(app): State<Arc<App>>,
    Path((base, quote)): Path<(String, String)>,
    client: Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    open_one(app, &format!("{base}/{quote}"), &client, upgrade).await
}

async fn open_one(
    app: Arc<App>,
    symbol: &str,
    client: &Client,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let unknown = || Refusal::UnknownSymbol { symbol: symbol.to_owned() };
    let ticker = Ticker::new(&symbol.to_ascii_uppercase()).map_err(|_not_a_ticker| unknown())?;
    // While the venue is away its list is not known: the stream starts with its first price then.
    if app.troupe.known_ticker(&ticker).await == TickerListing::Unknown {
        return Err(unknown().into());
    }
    open(app, client, upgrade, Some(ticker))
}

fn open(
    app: Arc<App>,
    client: &Client,
    upgrade: WebSocketUpgrade,
    only: Option<Ticker>,
) -> Result<Response, Problem> {
    let max = app.settings.limits.websockets_per_address;
    let Some(place) = app.sockets.enter(client.address, max) else {
        return Err(Refusal::TooMany.into());
    };
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| Stream::run(app, socket, place, only)))
}

/// One client's stream. It pulls: what it is too slow for is never queued.
struct Stream {
    app: Arc<App>,
    sink: SplitSink<WebSocket, Message>,
    only: Option<Ticker>,
    /// The last version asked with.
    version: u64,
    /// The last price sent, so that only changes are.
    sent: BTreeMap<Ticker, f64>,
    intake: Intake,
    pings_unanswered: u32,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client closed it, or is gone.
    Gone,
    /// It did not take a frame in time.
    Stuck,
    /// It sent too much.
    TooMuch,
    /// The server ends.
    Stopping,
}

impl Stream {
    async fn run(app: Arc<App>, socket: WebSocket, place: SocketPlace, only: Option<Ticker>) {
        let intake = Intake::new(app.now());
        let (sink, mut incoming) = socket.split();
        let mut stopping = app.stopping.clone();
        let frame_interval = app.settings.price_frame_interval.max(Duration::from_millis(1));
        let mut frames = tokio::time::interval(frame_interval);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = tokio::time::interval(PING_INTERVAL);
        pings.reset();
        let sent = BTreeMap::new();
        let mut stream = Self { app, sink, only, version: 0, sent, intake, pings_unanswered: 0 };
        let end = loop {
            let step = tokio::select! {
                () = told_to_stop(&mut stopping) => Err(End::Stopping),
                _ = frames.tick() => stream.send_news().await,
                _ = pings.tick() => stream.send_ping().await,
                message = incoming.next() => match message {
                    Some(Ok(message)) => stream.hear(message).await,
                    Some(Err(_)) | None => Err(End::Gone),
                },
            };
            if let Err(end) = step {
                break end;
            }
        };
        stream.close(end).await;
        drop(place);
    }

    async fn send_news(&mut self) -> Result<(), End> {
        // An engine that does not answer now is asked again at the next tick.
        let Ok(news) = self.app.troupe.prices_since(self.version).await else { return Ok(()) };
        if news.version < self.version {
            // The board was made anew and counts from another start: take all of it.
            self.version = 0;
            return Ok(());
        }
        self.version = news.version;
        match self.frame(news) {
            Some(frame) => self.send(&frame).await,
            None => Ok(()),
        }
    }

    /// The frame of what is news to this client, if anything is.
    fn frame(&mut self, mut news: PriceNews) -> Option<PriceFrame> {
        if let Some(only) = &self.only {
            news.prices.retain(|ticker, _| ticker == only);
        }
        let sent = &self.sent;
        news.prices.retain(|ticker, quote| {
            let is_new =
                sent.get(ticker).is_none_or(|price| price.to_bits() != quote.price.to_bits());
            is_new && quote.price.is_finite()
        });
        let newest = news.prices.values().max_by_key(|quote| quote.at)?;
        let (timestamp, source) = (newest.at, newest.source);
        let text = |(ticker, quote): (&Ticker, &crate::engine_port::PriceQuote)| {
            (ticker.as_str().to_owned(), decimal_text(quote.price))
        };
        let prices = news.prices.iter().map(text).collect();
        self.sent.extend(news.prices.into_iter().map(|(ticker, quote)| (ticker, quote.price)));
        Some(PriceFrame::PriceUpdate { prices, timestamp, source })
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let now = self.app.now();
        self.pings_unanswered = 0;
        let said = match &message {
            Message::Text(text) => self.intake.read(text, now),
            Message::Close(_) => return Err(End::Gone),
            // The library answers pings by itself.
            Message::Ping(_) | Message::Pong(_) if self.intake.admits(now) => return Ok(()),
            Message::Binary(_) if self.intake.admits(now) => Said::Unknown,
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) => Said::TooMuch,
        };
        match said {
            Said::Ping => self.send(&PriceFrame::Pong).await,
            Said::Unknown => self.send(&UNKNOWN_MESSAGE).await,
            Said::Nonsense => self.send(&INVALID_JSON).await,
            Said::TooMuch => {
                self.send(&TOO_MANY_MESSAGES).await?;
                Err(End::TooMuch)
            }
        }
    }

    async fn send_ping(&mut self) -> Result<(), End> {
        if self.pings_unanswered >= PINGS_UNANSWERED_MAX {
            return Err(End::Stuck);
        }
        self.pings_unanswered += 1;
        self.push(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn send(&mut self, frame: &PriceFrame) -> Result<(), End> {
        // Strings and finite keys only: this cannot fail.
        let text = serde_json::to_string(frame).unwrap_or_default();
        self.push(Message::Text(text.into())).await
    }

    async fn push(&mut self, message: Message) -> Result<(), End> {
        push(&mut self.sink, message, SEND_PATIENCE).await
    }

    async fn close(&mut self, end: End) {
        let (code, label) = match end {
            End::Gone => (close_code::NORMAL, "gone"),
            // It would not take a farewell either.
            End::Stuck => (close_code::POLICY, "stuck"),
            End::TooMuch => (close_code::POLICY, "too_much"),
            End::Stopping => (close_code::AWAY, "stopping"),
        };
        metrics::counter!("gateway_price_streams_ended_total", "why" => label).increment(1);
        if end == End::Gone || end == End::Stuck {
            return;
        }
        let frame = CloseFrame { code, reason: label.into() };
        if self.push(Message::Close(Some(frame))).await.is_err() {
            tracing::debug!("a price stream was gone before its farewell");
        }
    }
}

/// Sends, but not for ever: whoever does not read must not hold us.
async fn push<S: Sink<Message> + Unpin>(
    sink: &mut S,
    message: Message,
    patience: Duration,
) -> Result<(), End> {
    match tokio::time::timeout(patience, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_elapsed) => Err(End::Stuck),
    }
}

/// Ends when the server is told to.
async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        // Nobody can tell us any more: the routes are used without our server.
        std::future::pending::<()>().await;
    }
}

/// The shortest decimal that is exactly this number, without an exponent.
fn decimal_text(price: f64) -> String {
    format!("{price}")
}

const UNKNOWN_MESSAGE: PriceFrame = PriceFrame::Error {
    code: "unknown_message",
    message: "the only message here is {\"type\":\"ping\"}",
};
const INVALID_JSON: PriceFrame =
    PriceFrame::Error { code: "invalid_json", message: "send JSON, such as {\"type\":\"ping\"}" };
const TOO_MANY_MESSAGES: PriceFrame = PriceFrame::Error {
    code: "too_many_messages",
    message: "too many messages; connect again and send fewer",
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A client that takes nothing any more.
    struct Full;

    impl Sink<Message> for Full {
        type Error = ();

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Pending
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), ()> {
            Err(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_not_waited_for() {
        let message = Message::Text("{}".into());
        assert_eq!(push(&mut Full, message, Duration::from_millis(1)).await, Err(End::Stuck));
    }

    #[test]
    fn a_price_is_written_short_exact_and_without_an_exponent() {
        let rows = [
            (187.25, "187.25"),
            (45_050.75, "45050.75"),
            (0.1, "0.1"),
            (100.0, "100"),
            (0.000_000_012_5, "0.0000000125"),
            (1e21, "1000000000000000000000"),
        ];
        for (price, text) in rows {
            assert_eq!(decimal_text(price), text);
        }
    }
}
