//! The outermost layer: names the request, writes problems out, logs them, adds the headers every
//! answer has.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tracing::Instrument as _;

use crate::app::App;
use crate::problem::Problem;
use crate::wire::problem::ProblemDocument;

/// The header that carries a request's id both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const REQUEST_ID_LENGTH_MAX: usize = 128;
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers()).unwrap_or_else(|| app.ids.uuid().to_string());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span =
        tracing::info_span!("request", request.id = %id, http.method = %method, http.path = %path);
    let respond = async {
        let response = next.run(request).await;
        let response = with_problem(response, &method, &path, &id);
        tracing::debug!(http.status = response.status().as_u16(), "answered");
        response
    };
    let mut response = respond.instrument(span).await;
    metrics::counter!("gateway_requests_total", "status" => class(response.status())).increment(1);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    secure(headers, app.settings.cookie_secure);
    response
}

/// The caller's own name for the request, if it is one that a log can bear.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(REQUEST_ID)?.to_str().ok()?;
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let length_ok = (1..=REQUEST_ID_LENGTH_MAX).contains(&value.len());
    (length_ok && value.bytes().all(sane)).then(|| value.to_owned())
}

/// Gives a refusal its document. Refusals of the framework itself come without one: they get it
/// here, so that a client never has to read two shapes.
fn with_problem(mut response: Response, method: &Method, path: &str, id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_of_framework(&response) => of_framework(response.status(), method, path),
        None => return response,
    };
    log(&problem, response.status());
    let document = problem.document(id);
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
    *response.body_mut() = Body::from(text(&document));
    response
}

/// A refusal without a body of ours: a handler that has more to say answers JSON.
fn is_of_framework(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status().as_u16() >= 400 && media_type != Some(b"application/json")
}

fn of_framework(status: StatusCode, method: &Method, path: &str) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("not_found", format!("there is nothing at {path}")),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", format!("{method} cannot be done here; see the header Allow"))
        }
        StatusCode::UPGRADE_REQUIRED => {
            ("upgrade_required", "this is a WebSocket: connect with a WebSocket client".to_owned())
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("body_too_large", "the body is larger than this server takes".to_owned())
        }
        status if status.is_server_error() => return Problem::internal(),
        _ => ("bad_request", "the request cannot be understood".to_owned()),
    };
    Problem::new(status, code, detail)
}

/// The cause goes to the log once, with the request's id; the client never sees it.
fn log(problem: &Problem, status: StatusCode) {
    let (status, code) = (status.as_u16(), problem.code());
    match problem.cause() {
        Some(cause) => {
            tracing::error!(http.status = status, code, error = %cause, "request failed");
        }
        None if status >= 500 => tracing::error!(http.status = status, code, "request failed"),
        None => tracing::debug!(http.status = status, code, "request refused"),
    }
}

fn text(document: &ProblemDocument) -> Vec<u8> {
    // Strings and numbers only: this cannot fail, and an empty body is still the right status.
    serde_json::to_vec(document).unwrap_or_default()
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Headers that keep a browser from doing with an answer what nobody meant.
fn secure(headers: &mut HeaderMap, behind_tls: bool) {
    let strict = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    // The documentation page brings its own, wider one.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(strict);
    // Answers are one user's and of one moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if behind_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_id_that_a_log_can_bear_is_taken_over() {
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, value.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(id("abc-123_x.y:z").as_deref(), Some("abc-123_x.y:z"));
        for value in ["", "a b", "<script>", "\"quoted\"", &"x".repeat(129)] {
            assert_eq!(id(value), None, "{value:?}");
        }
        assert_eq!(request_id(&HeaderMap::new()), None);
    }
}
