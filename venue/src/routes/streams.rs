//! The WebSocket endpoints.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::Parameters;
use crate::auth::Credentials;
use crate::data_wire::Codec;
use crate::faults::Wire;
use crate::refusal::Refusal;
use crate::server::Server;
use crate::stream_data::{self, Handshake};
use crate::stream_trade;
use crate::subscription::DataFeed;
use crate::trade_hub::Frames;

/// The largest message that a client may send.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn routes() -> Router<Arc<Server>> {
    let feeds = [
        ("/v2/iex", DataFeed::Iex),
        ("/v2/sip", DataFeed::Sip),
        ("/v2/delayed_sip", DataFeed::DelayedSip),
        ("/v2/boats", DataFeed::Boats),
        ("/v2/overnight", DataFeed::Overnight),
        ("/v2/test", DataFeed::Test),
    ];
    let mut routes =
        Router::new().route("/stream", any(trade)).route("/v1beta3/crypto/{location}", any(crypto));
    for (path, feed) in feeds {
        let connect = async move |State(server): State<Arc<Server>>,
                                  wire: Wire,
                                  headers: HeaderMap,
                                  upgrade: Upgrade| {
            data(server, wire, feed, &headers, upgrade)
        };
        routes = routes.route(path, any(connect));
    }
    routes
}

/// A WebSocket handshake, or what is wrong with it.
pub(super) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// The stream of news, whose path is also one of the REST API.
pub(super) fn news(
    server: Arc<Server>,
    wire: Wire,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    data(server, wire, DataFeed::News, headers, Ok(upgrade))
}

async fn trade(
    State(server): State<Arc<Server>>,
    wire: Wire,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    let frames = match (is_msgpack(&headers), parameters.get("frame").map(String::as_str)) {
        (true, _) => Frames::MessagePack,
        (false, Some("text")) => Frames::Text,
        (false, _) => Frames::Binary,
    };
    match upgrade {
        Err(rejection) => no_handshake(&rejection),
        Ok(upgrade) => upgrade
            .max_message_size(MESSAGE_BYTES_MAX)
            .on_upgrade(move |socket| stream_trade::serve(socket, server, wire, frames)),
    }
}

async fn crypto(
    State(server): State<Arc<Server>>,
    wire: Wire,
    Path(location): Path<String>,
    headers: HeaderMap,
    upgrade: Upgrade,
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
    upgrade: Upgrade,
) -> Response {
    let codec = if is_msgpack(headers) { Codec::MessagePack } else { Codec::Json };
    let handshake = Handshake { feed, codec, credentials: Credentials::of(headers) };
    match upgrade {
        Err(rejection) => no_handshake(&rejection),
        Ok(upgrade) => upgrade
            .max_message_size(MESSAGE_BYTES_MAX)
            .on_upgrade(move |socket| stream_data::serve(socket, server, wire, handshake)),
    }
}

/// The answer to a request that is no WebSocket handshake.
fn no_handshake(rejection: &WebSocketUpgradeRejection) -> Response {
    Refusal::bad_request(format!("this is a WebSocket: {rejection}")).into_response()
}

fn is_msgpack(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("msgpack"))
}
