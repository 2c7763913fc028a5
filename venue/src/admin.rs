//! The admin port: accounts, faults, prices and the clock, for whoever runs the venue.
//!
//! A port of its own, on this machine only, behind a token: nothing that a trader can reach leads
//! here.

mod accounts;
mod faults;
mod market;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{StatusCode, header};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::VenueError;
use crate::key_file::KeyFile;
use crate::number;
use crate::options::AdminOptions;
use crate::refusal::Refusal;
use crate::replay::Progress;
use crate::server::Server;
use crate::tasks;

/// The largest request body: a plan of many faults.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The shortest token that is taken.
const TOKEN_LENGTH_MIN: usize = 16;

/// What the admin port works on.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) server: Arc<Server>,
    pub(crate) token: SecretString,
    /// Where the secrets of new accounts are kept; none when the books are not kept either.
    pub(crate) keys: Option<KeyFile>,
    pub(crate) progress: Option<Arc<Progress>>,
}

/// Refuses an address that others can reach, and a token that can be guessed.
pub(crate) fn check(options: &AdminOptions) -> Result<(), VenueError> {
    if !options.listen.ip().is_loopback() {
        return Err(VenueError::Option {
            option: "admin_listen",
            value: options.listen.to_string(),
            expected: "an address of this machine only, such as 127.0.0.1:8101",
        });
    }
    if options.token.expose_secret().len() < TOKEN_LENGTH_MIN {
        return Err(VenueError::Option {
            option: "admin_token",
            value: "too short".to_owned(),
            expected: "a token of 16 characters or more",
        });
    }
    Ok(())
}

/// Opens the port.
pub(crate) async fn start(
    admin: Admin,
    listen: SocketAddr,
) -> Result<(SocketAddr, JoinHandle<()>), VenueError> {
    let failure = |source| VenueError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let mut stop = admin.server.stop.subscribe();
    let stopped = async move { tasks::stopped(&mut stop).await };
    let serving = axum::serve(listener, router(Arc::new(admin))).with_graceful_shutdown(stopped);
    let task = tasks::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the venue's admin port failed");
        }
    });
    tracing::info!(%address, "the venue's admin port is open");
    Ok((address, task))
}

fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .merge(accounts::routes())
        .merge(faults::routes())
        .merge(market::routes())
        .merge(status::routes())
        .fallback(async || Refusal::not_found("endpoint not found"))
        .method_not_allowed_fallback(async || Refusal::not_found("endpoint not found"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&admin), guard))
        .with_state(admin)
}

/// Lets nobody pass without the token, not even to learn what there is.
async fn guard(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    if !is_authorized(&admin.token, request.headers()) {
        let mut refused = Refusal::unauthorized().into_response();
        let scheme = header::HeaderValue::from_static("Bearer");
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        return refused;
    }
    next.run(request).await
}

fn is_authorized(token: &SecretString, headers: &HeaderMap) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    given.is_some_and(|given| {
        bool::from(token.expose_secret().as_bytes().ct_eq(given.trim().as_bytes()))
    })
}

/// An amount or price in a body: a number or a text, as the trading API takes them.
#[derive(Clone, Copy, Debug)]
struct Figure(Decimal);

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let wrong = || D::Error::custom(format!("{value} is not a decimal number"));
        number::parse(&text).map(Self).ok_or_else(wrong)
    }
}

/// Reads a body; the refusal says which member is wrong.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let text = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text).map_err(|error| Refusal::invalid(format!("the body: {error}")))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer of the admin port cannot be written");
            Refusal::internal().into_response()
        }
    }
}

/// What the venue says of a bad option or fault, as an answer.
fn refusal(error: &VenueError) -> Refusal {
    Refusal::invalid(error.to_string())
}
