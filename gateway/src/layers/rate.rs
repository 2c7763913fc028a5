//! Requests per minute.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::{App, RequestKey};
use crate::extract::{Presented, address};
use crate::limiter::{AddressKey, Standing};
use crate::problem::Problem;

pub(crate) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Seconds since 1970 at which the count starts afresh.
pub(crate) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let now = app.now();
    let claims = request.extensions().get::<Presented>().and_then(Presented::claims);
    let key = match claims {
        Some(claims) => RequestKey::User(claims.sub),
        None => RequestKey::Address(AddressKey::of(address(request.extensions()))),
    };
    let standing = if is_counted(request.uri().path()) {
        app.requests.take(key, now)
    } else {
        app.requests.look(&key, now)
    };
    let mut response = if standing.allowed || !is_counted(request.uri().path()) {
        next.run(request).await
    } else {
        metrics::counter!("gateway_requests_limited_total").increment(1);
        let detail = "too many requests; wait for as long as the header Retry-After says";
        Problem::too_many("rate_limited", detail, standing.retry_after_s(now)).into_response()
    };
    tell(response.headers_mut(), standing);
    response
}

/// The API is counted. Health checks, documents and the opening of streams are not: those are
/// asked for by machines, and streams have a limit of their own.
fn is_counted(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/api/")
}

fn tell(headers: &mut HeaderMap, standing: Standing) {
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.resets_at.timestamp()));
}
