//! A JSON body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The body, which must be there.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The body, or its default when nothing was sent.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if !is_json {
            return Err(not_json());
        }
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(not_json());
        }
        parse(&bytes).map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let status = rejection.into_response().status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(status, "body_too_large", "the body is larger than this server takes")
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "body_unreadable", "the body ended early")
        }
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).map(str::trim);
    media_type.is_some_and(|media_type| {
        let media_type = media_type.to_ascii_lowercase();
        media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    })
}

fn not_json() -> Problem {
    let detail = "send the body as JSON, with the header `Content-Type: application/json`";
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() { wrong_field(&path, &error.to_string()) } else { syntax(&error) }
    })?;
    json.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

/// Only where: what serde says of the text might repeat a secret.
fn syntax(error: &serde_json::Error) -> Problem {
    let detail =
        format!("the body is not valid JSON: see line {}, column {}", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", detail)
}

/// Which field is wrong, and how. Serde says it in words only.
fn wrong_field(path: &str, message: &str) -> Problem {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let (code, field, message) = if message.starts_with("unknown field") {
        ("unknown_field", join(path, quoted), "there is no such field".to_owned())
    } else if message.starts_with("missing field") {
        ("required", join(path, quoted), "this field is required".to_owned())
    } else {
        let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
        let expected = expected.and_then(|expected| expected.split(" at line ").next());
        let expected = expected.unwrap_or("another type");
        ("wrong_type", join(path, ""), format!("this must be {expected}"))
    };
    Problem::field(field, code, message)
}

/// The path of a field; the path may end in the field already, and is `.` at the top.
fn join(path: &str, field: &str) -> String {
    match path.trim_matches('.') {
        "" if field.is_empty() => "body".to_owned(),
        "" | "?" => field.to_owned(),
        path if field.is_empty() || path == field => path.to_owned(),
        path if path.ends_with(&format!(".{field}")) => path.to_owned(),
        path => format!("{}.{field}", path.trim_end_matches(".?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their names and types matter")]
    struct Order {
        ticker: String,
        #[serde(default)]
        count: u32,
        #[serde(default)]
        legs: BTreeMap<String, Leg>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their names and types matter")]
    struct Leg {
        side: String,
    }

    #[test]
    fn a_wrong_field_is_named_with_its_path() {
        let rows = [
            (r#"{"ticker":"A","colour":1}"#, "unknown_field", "colour"),
            (r#"{"count":1}"#, "required", "ticker"),
            (r#"{"ticker":7}"#, "wrong_type", "ticker"),
            (r#"{"ticker":"A","count":-1}"#, "wrong_type", "count"),
            (
                r#"{"ticker":"A","legs":{"X":{"side":"buy","size":1}}}"#,
                "unknown_field",
                "legs.X.size",
            ),
            (r#"{"ticker":"A","legs":{"X":{}}}"#, "required", "legs.X.side"),
            (r#"{"ticker":"A","legs":{"X":{"side":true}}}"#, "wrong_type", "legs.X.side"),
            ("[]", "wrong_type", "body"),
            ("7", "wrong_type", "body"),
        ];
        for (json, code, field) in rows {
            let document = parse::<Order>(json.as_bytes()).unwrap_err().document("r");
            assert_eq!((document.status, document.code.as_str()), (422, "validation_failed"));
            let found: Vec<_> =
                document.errors.iter().map(|e| (e.code.as_str(), e.field.as_str())).collect();
            assert_eq!(found, [(code, field)], "{json}");
        }
    }

    #[test]
    fn broken_json_is_told_from_wrong_fields_and_not_repeated() {
        for json in ["{", "", "{\"ticker\":\"secret\"} x", "nonsense"] {
            let document = parse::<Order>(json.as_bytes()).unwrap_err().document("r");
            assert_eq!((document.status, document.code.as_str()), (400, "invalid_json"), "{json}");
            assert!(!document.detail.contains("secret"));
        }
    }

    #[test]
    fn what_must_be_there_is_said_without_repeating_what_was() {
        let document = parse::<Order>(br#"{"ticker":["secret"]}"#).unwrap_err().document("r");
        assert_eq!(document.errors[0].message, "this must be a string");
    }
}
