//! The WebSocket endpoints.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::Parameters;
use crate::auth::Credentials;
use crate::data_hub::DataFeed;
use crate::data_wire::Codec;
use crate::faults::Wire;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::stream_data::{self, Handshake};
use crate::stream_trade;
use crate::trade_hub::Frames;

/// The largest message that a client may send.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/stream", any(trade))
        .route("/v2/iex", any(stocks))
        .route("/v2/sip", any(stocks))
        .route("/v2/delayed_sip", any(stocks))
        .route("/v2/test", any(test))
        .route("/v1beta3/crypto/{location}", any(crypto))
}

async fn trade(
    State(server): State<Arc<Server>>,
    wire: Wire,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let frames = match (is_msgpack(&headers), parameters.get("frame").map(String::as_str)) {
        (true, _) => Frames::MessagePack,
        (false, Some("text")) => Frames::Text,
        (false, _) => Frames::Binary,
    };
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| stream_trade::serve(socket, server, wire, frames))
}

async fn stocks(
    State(server): State<Arc<Server>>,
    wire: Wire,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    data(server, wire, DataFeed::Stocks, &headers, upgrade)
}

async fn test(
    State(server): State<Arc<Server>>,
    wire: Wire,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    data(server, wire, DataFeed::Test, &headers, upgrade)
}

async fn crypto(
    State(server): State<Arc<Server>>,
    wire: Wire,
    Path(location): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !super::data::is_location(&location) {
        return Refusal::not_found("endpoint not found").into_response();
    }
    data(server, wire, DataFeed::Crypto, &headers, upgrade)
}

fn data(
    server: Arc<Server>,
    wire: Wire,
    feed: DataFeed,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let codec = if is_msgpack(headers) { Codec::MessagePack } else { Codec::Json };
    let handshake = Handshake { feed, codec, credentials: Credentials::of(headers) };
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| stream_data::serve(socket, server, wire, handshake))
}

fn is_msgpack(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("msgpack"))
}
