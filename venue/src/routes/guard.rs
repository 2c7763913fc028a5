//! What every request passes first: which number has it, whose is it, is it one too many.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::UPGRADE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::auth::Credentials;
use crate::clock;
use crate::hash;
use crate::rate_limit::{Allowance, Bucket};
use crate::refusal::Refusal;
use crate::server::Server;

/// The account that sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) account_id: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().copied().ok_or_else(Refusal::unauthorized)
    }
}

/// Authenticates and counts a request, and stamps its answer.
pub(super) async fn guard(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (mut response, allowance) = match admit(&server, &request) {
        Ok((caller, allowance)) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            (next.run(request).await, allowance)
        }
        Err((refusal, allowance)) => (refusal.into_response(), allowance),
    };
    if let Some(allowance) = allowance {
        stamp(response.headers_mut(), allowance);
    }
    response
}

/// Gives every answer a number, those to unknown paths as well.
pub(super) async fn number(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    let number = server.requests.fetch_add(1, Ordering::Relaxed);
    let mut response = next.run(request).await;
    let text = format!("{:016x}{number:016x}", hash::mix(number, 0));
    put(response.headers_mut(), "x-request-id", text);
    response
}

type Admission = (Option<Caller>, Option<Allowance>);

fn admit(server: &Server, request: &Request) -> Result<Admission, (Refusal, Option<Allowance>)> {
    // A stream has an authentication of its own, after the handshake.
    if request.headers().contains_key(UPGRADE) {
        return Ok((None, None));
    }
    let path = request.uri().path();
    let bucket = Bucket::of(path);
    let Some(credentials) = Credentials::of(request.headers()) else {
        // Crypto history is open to everybody, as on the real service.
        if path.starts_with("/v1beta3/crypto") {
            return Ok((None, None));
        }
        return Err((Refusal::unauthorized(), None));
    };
    let account_id =
        server.keys.check(&credentials).ok_or_else(|| (Refusal::unauthorized(), None))?;
    let now = server.exchange.clock.now();
    let allowance = server.limit.count(account_id, bucket, clock::steady_now(), now);
    if !allowance.granted {
        return Err((Refusal::rate_limited(bucket), Some(allowance)));
    }
    Ok((Some(Caller { account_id }), Some(allowance)))
}

/// Says what the account may still do.
fn stamp(headers: &mut HeaderMap, allowance: Allowance) {
    put(headers, "x-ratelimit-limit", allowance.limit.to_string());
    put(headers, "x-ratelimit-remaining", allowance.remaining.to_string());
    put(headers, "x-ratelimit-reset", allowance.reset.timestamp().to_string());
    if !allowance.granted {
        put(headers, "retry-after", "1".to_owned());
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
