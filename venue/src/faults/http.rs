//! Faults of requests: refused, served late, served and never answered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::fault::{Family, Fault, FaultKind};
use super::wire::Wire;
use super::{Faults, Strike};
use crate::auth::Credentials;
use crate::rate_limit::Bucket;
use crate::refusal::Refusal;
use crate::routes::BODY_BYTES_MAX;
use crate::server::Server;

/// What the faults of one request add up to.
#[derive(Debug, Default)]
struct Disturbance {
    /// Answered instead of serving.
    answer: Option<Response>,
    /// Answered instead of the true answer, after serving.
    wrong_answer: Option<Response>,
    /// Between serving and answering.
    delay: Duration,
    lost_request: bool,
    /// Bytes of the answer that still arrive.
    cut_after: Option<usize>,
    ends_day: bool,
}

/// What a request tells of itself.
#[derive(Debug)]
struct Call {
    key_id: Option<String>,
    method: String,
    /// As it was sent, escapes included.
    path: String,
    query: String,
    body: Bytes,
}

/// Lets the armed faults happen to a request.
pub(crate) async fn inject(
    State(server): State<Arc<Server>>,
    wire: Wire,
    request: Request,
    next: Next,
) -> Response {
    let faults = &server.faults;
    if !faults.has(Family::Http) && !faults.has(Family::Key) {
        return next.run(request).await;
    }
    let (call, request) = match Call::read(request, faults.need_bodies()).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    let disturbance = faults.disturb(&call, server.exchange.clock.now());
    if disturbance.lost_request {
        wire.cut_after(0);
        // Never arrives: the connection is gone before it is written.
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Some(answer) = disturbance.answer {
        return answer;
    }
    let answer = next.run(request).await;
    if disturbance.ends_day
        && let Err(error) = server.exchange.end_day()
    {
        tracing::warn!(%error, "a fault could not end the day");
    }
    tokio::time::sleep(disturbance.delay).await;
    if let Some(bytes) = disturbance.cut_after {
        wire.cut_after(bytes);
    }
    disturbance.wrong_answer.unwrap_or(answer)
}

impl Faults {
    /// Counts a request on every fault that could happen to it, and adds up those that do.
    fn disturb(&self, call: &Call, now: DateTime<Utc>) -> Disturbance {
        let mut strikes = self.strikes(Family::Key, now, |fault| {
            fault.scope.stream.is_none() && call.is_meant(fault)
        });
        strikes.extend(self.strikes(Family::Http, now, |fault| call.is_meant(fault)));
        strikes.sort_by_key(|strike| strike.id);
        let mut sum = Disturbance::default();
        for strike in strikes {
            sum.add(&strike, Bucket::of(&call.path));
        }
        sum
    }

    /// Whether a request's symbol matters, which may stand in its body.
    fn need_bodies(&self) -> bool {
        self.lock().armed.values().any(|armed| {
            armed.fault.inject.family() == Family::Http && armed.fault.scope.symbol.is_some()
        })
    }
}

impl Disturbance {
    /// Takes one more fault in: delays add up, the first answer wins, the earliest cut wins.
    fn add(&mut self, strike: &Strike, bucket: Bucket) {
        match &strike.kind {
            FaultKind::RateLimit { retry_after_s } => {
                let mut answer = Refusal::rate_limited(bucket).into_response();
                if *retry_after_s > 0 {
                    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
                }
                self.answer.get_or_insert(answer);
            }
            FaultKind::ServerError { status, committed } => {
                let slot = if *committed { &mut self.wrong_answer } else { &mut self.answer };
                slot.get_or_insert_with(|| server_error(*status));
            }
            FaultKind::Unauthorized {} => {
                self.answer.get_or_insert_with(|| Refusal::unauthorized().into_response());
            }
            FaultKind::SlowAnswer { delay } => self.delay += delay.draw(strike.word),
            FaultKind::LostRequest {} => self.lost_request = true,
            FaultKind::LostAnswer {} => self.cut_after = Some(0),
            FaultKind::CutAnswer { bytes } => {
                self.cut_after = Some(self.cut_after.map_or(*bytes, |cut| cut.min(*bytes)));
            }
            FaultKind::EndDay {} => self.ends_day = true,
            // Not of this family.
            _ => {}
        }
    }
}

impl Call {
    async fn read(request: Request, with_body: bool) -> Result<(Self, Request), Refusal> {
        let (parts, body) = request.into_parts();
        let (bytes, body) = if with_body {
            let bytes = to_bytes(body, BODY_BYTES_MAX)
                .await
                .map_err(|_unreadable| Refusal::bad_request("the request body is too large"))?;
            (bytes.clone(), Body::from(bytes))
        } else {
            (Bytes::new(), body)
        };
        let call = Self {
            key_id: Credentials::of(&parts.headers).map(|given| given.key_id),
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body: bytes,
        };
        Ok((call, Request::from_parts(parts, body)))
    }

    fn is_meant(&self, fault: &Fault) -> bool {
        let scope = &fault.scope;
        scope.account.as_ref().is_none_or(|account| self.key_id.as_ref() == Some(account))
            && scope.path.as_ref().is_none_or(|path| self.path.starts_with(path.as_str()))
            && scope.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&self.method))
            && scope.symbol.as_ref().is_none_or(|symbol| self.names(symbol))
    }

    /// Whether a symbol stands in the path, in the query or in the body.
    fn names(&self, symbol: &str) -> bool {
        let wanted = plain(symbol);
        let in_query = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            matches!(name, "symbol" | "symbols")
                && value.replace("%2C", ",").split(',').any(|one| plain(one) == wanted)
        };
        // A pair may stand in a path as one segment or as two.
        let segments: Vec<String> = self.path.split('/').map(plain).collect();
        segments.contains(&wanted)
            || segments.windows(2).any(|two| two.concat() == wanted)
            || self.query.split('&').any(in_query)
            || serde_json::from_slice::<Value>(&self.body)
                .ok()
                .and_then(|body| body.get("symbol").and_then(Value::as_str).map(plain))
                .is_some_and(|named| named == wanted)
    }
}

/// A symbol without what differs between its spellings.
fn plain(symbol: &str) -> String {
    symbol.replace("%2F", "").replace("%2f", "").replace('/', "").to_ascii_uppercase()
}

fn server_error(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = u32::from(status.as_u16()) * 100_000 + 10_000;
    let message = match status {
        StatusCode::BAD_GATEWAY => "bad gateway",
        StatusCode::SERVICE_UNAVAILABLE => "service unavailable",
        StatusCode::GATEWAY_TIMEOUT => "gateway timeout",
        _ => "internal server error occurred",
    };
    Refusal { status, code, message: message.to_owned(), extra: Vec::new() }.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{FaultScope, FaultTrigger};

    fn call(method: &str, path: &str, query: &str, body: &str) -> Call {
        Call {
            key_id: Some("K".to_owned()),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_scope_restricts_by_every_member_that_it_names() {
        let fault = |scope| Fault::new(FaultKind::LostAnswer {}).within(scope);
        let order = call("POST", "/v2/orders", "", r#"{"symbol":"BTCUSD"}"#);
        let scope = FaultScope::path("/v2/orders");
        assert!(order.is_meant(&fault(scope.clone())));
        let others = [
            FaultScope { account: Some("L".to_owned()), ..scope.clone() },
            FaultScope { method: Some("GET".to_owned()), ..scope.clone() },
            FaultScope { symbol: Some("ETH/USD".to_owned()), ..scope.clone() },
            FaultScope::path("/v2/positions"),
        ];
        for other in others {
            assert!(!order.is_meant(&fault(other.clone())), "{other:?}");
        }
        let exact = FaultScope {
            account: Some("K".to_owned()),
            method: Some("post".to_owned()),
            symbol: Some("BTC/USD".to_owned()),
            ..scope
        };
        assert!(order.is_meant(&fault(exact)));
    }

    #[test]
    fn a_symbol_is_found_in_every_place_where_a_request_may_name_it() {
        for (path, query, body) in [
            ("/v2/positions/BTC%2FUSD", "", ""),
            ("/v2/positions/BTC/USD", "", ""),
            ("/v2/assets/BTCUSD", "", ""),
            ("/v1beta3/crypto/us/bars", "timeframe=1Min&symbols=ETH%2FUSD%2CBTC%2FUSD", ""),
            ("/v2/orders", "", r#"{"symbol": "BTC/USD"}"#),
        ] {
            assert!(call("GET", path, query, body).names("BTC/USD"), "{path} {query} {body}");
        }
        assert!(!call("GET", "/v2/positions", "symbols=ETHUSD", "{").names("BTC/USD"));
    }

    #[test]
    fn the_same_plan_and_the_same_requests_bring_the_same_faults() {
        let struck = |seed: u64| -> Vec<(bool, Duration)> {
            let faults = Faults::default();
            let slow = FaultKind::SlowAnswer { delay: crate::faults::Delay::UniformMs([1, 900]) };
            let plan = crate::faults::FaultPlan {
                seed,
                faults: vec![
                    Fault::new(slow).when(FaultTrigger::chance(0.5)),
                    Fault::new(FaultKind::LostAnswer {}).when(FaultTrigger::chance(0.3)),
                ],
            };
            faults.load(&plan).unwrap();
            let request = call("GET", "/v2/account", "", "");
            let once = |_| {
                let sum = faults.disturb(&request, DateTime::UNIX_EPOCH);
                (sum.cut_after.is_some(), sum.delay)
            };
            (0..50).map(once).collect()
        };
        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
    }
}
