//! The order-update stream. `apca` has one too, and it drops execution ids, prices and quantities,
//! without which no fill can be told from its repetition.

use super::Keys;
use super::socket::{PING_AFTER, Socket, StreamError, next_frame, open, wire};
use chrono::{DateTime, Utc};
use engine::account::Report;
use engine::order::{Fill, Status};
use engine::{ClientOrderId, ExecutionId, Price, Quantity, VenueOrderId};
use futures_util::SinkExt as _;
use rust_decimal::Decimal;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

/// What the stream tells its broker.
#[derive(Debug)]
pub(crate) enum TradeEvent {
    /// Authorised and listening: from now on nothing is missed until the connection ends.
    Up,
    /// A report about an order.
    Report(Report),
    /// A frame that could not be read.
    Unreadable(String),
}

/// One account's updates.
pub(crate) struct TradeStream {
    pub(crate) url: String,
    pub(crate) keys: Keys,
}

#[derive(Deserialize)]
struct Frame {
    stream: String,
    data: Value,
}

#[derive(Deserialize)]
struct Update {
    event: String,
    timestamp: Option<DateTime<Utc>>,
    at: Option<DateTime<Utc>>,
    price: Option<Decimal>,
    qty: Option<Decimal>,
    execution_id: Option<String>,
    order: UpdatedOrder,
}

#[derive(Deserialize)]
struct UpdatedOrder {
    id: Uuid,
    client_order_id: String,
    status: String,
    filled_qty: Decimal,
    created_at: DateTime<Utc>,
}

impl TradeStream {
    /// Runs one connection until it ends.
    pub(crate) async fn run(&self, tell: impl Fn(TradeEvent) + Send) -> Result<(), StreamError> {
        let mut socket = open(&self.url).await?;
        let auth = serde_json::json!({
            "action": "auth", "key": self.keys.key_id, "secret": self.keys.secret.expose_secret(),
        });
        self.request(&mut socket, &auth, "authorization", |data| data["status"] == "authorized")
            .await?;
        let listen =
            serde_json::json!({ "action": "listen", "data": { "streams": ["trade_updates"] } });
        self.request(&mut socket, &listen, "listening", |data| {
            data["streams"].as_array().is_some_and(|streams| !streams.is_empty())
        })
        .await?;
        tell(TradeEvent::Up);
        let mut quiet = tokio::time::interval(PING_AFTER);
        quiet.reset();
        loop {
            tokio::select! {
                biased;
                frame = next_frame(&mut socket, &self.url) => {
                    match parse(&frame?) {
                        Ok(Some(report)) => tell(TradeEvent::Report(report)),
                        Ok(None) => {}
                        Err(reason) => tell(TradeEvent::Unreadable(reason)),
                    }
                }
                _ = quiet.tick() => {
                    let ping = Message::Ping(Vec::new().into());
                    socket.send(ping).await.map_err(|error| wire(&self.url, error))?;
                }
            }
        }
    }

    async fn request(
        &self,
        socket: &mut Socket,
        request: &Value,
        stream: &str,
        accepted: impl Fn(&Value) -> bool,
    ) -> Result<(), StreamError> {
        let frame = Message::Text(request.to_string().into());
        socket.send(frame).await.map_err(|error| wire(&self.url, error))?;
        let refused = |reason: String| StreamError::Refused { url: self.url.clone(), reason };
        let answer = next_frame(socket, &self.url).await?;
        let answer: Frame = serde_json::from_slice(&answer)
            .map_err(|error| refused(format!("an answer is not readable: {error}")))?;
        if answer.stream == stream && accepted(&answer.data) {
            return Ok(());
        }
        Err(refused(format!("{} was answered with {}", request["action"], answer.data)))
    }
}

/// The status behind Alpaca's name; `None` for one that this engine does not know.
pub(crate) fn status(name: &str) -> Option<Status> {
    serde_json::from_value(Value::from(name)).ok()
}

fn parse(frame: &[u8]) -> Result<Option<Report>, String> {
    let frame: Frame =
        serde_json::from_slice(frame).map_err(|error| format!("not JSON: {error}"))?;
    if frame.stream != "trade_updates" {
        return Ok(None);
    }
    let update: Update = serde_json::from_value(frame.data)
        .map_err(|error| format!("not a trade update: {error}"))?;
    report(update)
}

fn report(update: Update) -> Result<Option<Report>, String> {
    let client_order_id = ClientOrderId::new(update.order.client_order_id);
    let venue_order_id = VenueOrderId::new(update.order.id);
    let at = update.timestamp.or(update.at).unwrap_or(update.order.created_at);
    let report = match update.event.as_str() {
        "fill" | "partial_fill" => {
            let (Some(price), Some(quantity)) = (update.price, update.qty) else {
                return Err(format!("a fill of {client_order_id} has no price or quantity"));
            };
            let amounts = Price::new(price).and_then(|price| Ok((price, Quantity::new(quantity)?)));
            let (price, quantity) =
                amounts.map_err(|error| format!("a fill of {client_order_id}: {error}"))?;
            Report::Filled {
                client_order_id,
                venue_order_id,
                execution_id: update.execution_id.map(ExecutionId::new),
                cumulative: update.order.filled_qty.normalize(),
                fill: Fill { quantity, price, at },
            }
        }
        "canceled" => closed(client_order_id, Status::Canceled, at),
        "expired" => closed(client_order_id, Status::Expired, at),
        "rejected" => closed(client_order_id, Status::Rejected, at),
        "replaced" => closed(client_order_id, Status::Replaced, at),
        _ => {
            // Every other event says how the order stands; its name may be newer than this code.
            let Some(status) = status(&update.order.status) else {
                return Err(format!(
                    "order {client_order_id} has the unknown status `{}`",
                    update.order.status
                ));
            };
            if status.is_final() {
                return Ok(None);
            }
            Report::Acknowledged { client_order_id, venue_order_id, status, at }
        }
    };
    Ok(Some(report))
}

fn closed(client_order_id: ClientOrderId, status: Status, at: DateTime<Utc>) -> Report {
    Report::Closed { client_order_id, status, reason: None, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(event: &str, extra: &str) -> String {
        format!(
            r#"{{"stream":"trade_updates","data":{{"event":"{event}","timestamp":"2026-03-02T14:31:09Z",
            "order":{{"id":"a0000000-0000-4000-8000-000000000001","client_order_id":"troupe-1",
            "status":"partially_filled","filled_qty":"6","created_at":"2026-03-02T14:31:07Z"}}{extra}}}}}"#
        )
    }

    #[test]
    fn a_fill_keeps_its_execution_and_its_cumulative_quantity() {
        let text = frame("partial_fill", r#","price":"187.245","qty":"4","execution_id":"e1""#);
        let Ok(Some(Report::Filled { execution_id, cumulative, fill, .. })) =
            parse(text.as_bytes())
        else {
            panic!("not a fill")
        };
        assert_eq!(execution_id, Some(ExecutionId::new("e1")));
        assert_eq!(cumulative, Decimal::from(6));
        assert_eq!(
            (fill.quantity.to_string(), fill.price.to_string()),
            ("4".into(), "187.245".into())
        );
    }

    #[test]
    fn a_fill_without_its_numbers_is_unreadable_and_not_guessed() {
        assert!(parse(frame("fill", "").as_bytes()).unwrap_err().contains("no price or quantity"));
    }

    #[test]
    fn every_name_of_alpacas_is_a_status() {
        for name in [
            "new",
            "partially_filled",
            "filled",
            "done_for_day",
            "canceled",
            "expired",
            "replaced",
            "pending_cancel",
            "pending_replace",
            "accepted",
            "pending_new",
            "stopped",
            "rejected",
            "suspended",
            "calculated",
            "held",
        ] {
            assert_eq!(status(name).map(Status::code), Some(name));
        }
        assert_eq!(status("pending_review"), None);
    }
}
