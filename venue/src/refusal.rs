//! A "no" of the exchange: HTTP status, Alpaca's code, message, and extra members.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::rate_limit::Bucket;

/// A refusal, in the shape of Alpaca's error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// HTTP status times 100 000 plus a sub-code; clients branch on it.
    pub(crate) code: u32,
    pub(crate) message: String,
    /// Further string members, such as `buying_power`.
    pub(crate) extra: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), extra: Vec::new() }
    }

    /// 403: understood, but this account may not.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, 40_310_000, message)
    }

    /// 422 with the code of a malformed or missing field.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, 40_010_001, message)
    }

    /// 422 with the code of a broken trading rule.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, 42_210_000, message)
    }

    /// 400: the data API's answer to a bad query.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 40_010_000, message)
    }

    /// 404 for a thing that is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, 40_410_000, message)
    }

    /// 401: no key, or a wrong one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 40_110_000, "request is not authorized")
    }

    /// 429: too many requests in the last minute.
    pub(crate) fn rate_limited(bucket: Bucket) -> Self {
        let message = match bucket {
            Bucket::Trading => "rate limit exceeded",
            Bucket::Data => "too many requests.",
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, 42_910_000, message)
    }

    /// 500: the venue could not keep its books.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 50_010_000, "internal server error occurred")
    }

    /// The same refusal with one more member in its body.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    /// The JSON body.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("code".to_owned(), self.code.into());
        body.insert("message".to_owned(), self.message.clone().into());
        for (name, value) in &self.extra {
            body.insert((*name).to_owned(), value.clone().into());
        }
        Value::Object(body)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, [(CONTENT_TYPE, "application/json")], self.body().to_string()).into_response()
    }
}
