//! The door of a venue: it notes when an order's request has been read, and answers.
//!
//! Every order is answered as canceled at once, so that it ends and the next signal finds the
//! account as this one did.

use crate::world::{WallClock, instant};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use chrono::SecondsFormat;
use engine::{ClientOrderId, Clock as _};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Arrivals that may wait to be looked at.
const ARRIVALS_MAX: usize = 100_000;

/// A running door.
#[derive(Debug)]
pub struct OrderDoor {
    address: SocketAddr,
    arrivals: mpsc::Receiver<Arrival>,
    server: JoinHandle<()>,
}

/// An order that has reached the door.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The id that the engine gave it.
    pub client_order_id: ClientOrderId,
    /// When its request had been read, before it was looked into.
    pub at: Instant,
}

impl OrderDoor {
    /// Opens a door on a free port of this machine.
    pub async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (told, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let routes = Router::new()
            .route("/v2/orders", post(order))
            .route("/stream", get(stream))
            .with_state(told);
        let serve = axum::serve(axum::serve::ListenerExt::tap_io(listener, send_at_once), routes);
        #[expect(clippy::disallowed_methods, reason = "it ends with the door that holds it")]
        let server = tokio::spawn(async move {
            // A door that fails lets no order arrive, and the bench says so.
            drop(serve.await);
        });
        Ok(Self { address, arrivals, server })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next order; `None` when the door has closed.
    pub async fn next(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }
}

impl Drop for OrderDoor {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn send_at_once(stream: &mut tokio::net::TcpStream) {
    // Without it an answer may wait for more; slower, not wrong.
    drop(stream.set_nodelay(true));
}

async fn order(State(told): State<mpsc::Sender<Arrival>>, body: Bytes) -> Response {
    let at = instant();
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(id) = request["client_order_id"].as_str() else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let arrival = Arrival { client_order_id: ClientOrderId::new(id), at };
    if told.try_send(arrival).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    axum::Json(answer(&request)).into_response()
}

fn answer(request: &Value) -> Value {
    let now = WallClock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, request["client_order_id"].to_string().as_bytes());
    json!({
        "id": id, "client_order_id": request["client_order_id"], "created_at": now,
        "updated_at": now, "submitted_at": now, "filled_at": null, "expired_at": null,
        "canceled_at": now, "failed_at": null, "replaced_at": null, "replaced_by": null,
        "replaces": null, "asset_id": id, "symbol": request["symbol"], "asset_class": "us_equity",
        "notional": null, "qty": request["qty"], "filled_qty": "0", "filled_avg_price": null,
        "order_class": "", "order_type": "market", "type": "market", "side": request["side"],
        "time_in_force": request["time_in_force"], "limit_price": null, "stop_price": null,
        "status": "canceled", "extended_hours": false, "legs": null, "trail_percent": null,
        "trail_price": null, "hwm": null,
    })
}

async fn stream(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(say_nothing)
}

/// Takes every login and subscription, and has nothing to tell.
async fn say_nothing(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let request: Value = match &message {
            Message::Text(text) => serde_json::from_str(text).unwrap_or_default(),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        let answer = if request["action"] == "auth" {
            json!({ "stream": "authorization", "data": { "status": "authorized", "action": "authenticate" } })
        } else {
            json!({ "stream": "listening", "data": { "streams": ["trade_updates"] } })
        };
        if socket.send(Message::Text(answer.to_string().into())).await.is_err() {
            return;
        }
    }
}
