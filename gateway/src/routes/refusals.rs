//! Refusals that many operations share, for `openapi.json`.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use crate::wire::problem::ProblemDocument;

/// Of every operation.
pub(crate) struct Always;
/// Of operations that need a login.
pub(crate) struct NeedsLogin;
/// Of operations that take a body.
pub(crate) struct NeedsValidBody;
/// Of operations that take parameters in the query.
pub(crate) struct NeedsValidQuery;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[
            (429, "`rate_limited`: too many requests; see `Retry-After`"),
            (500, "`internal_error`: our fault; the log knows more under `request_id`"),
            (503, "`database_unavailable` and the like: try again later"),
            (504, "`timeout`: the answer took too long"),
        ])
    }
}

impl IntoResponses for NeedsLogin {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let codes = "`authentication_required`, `token_invalid`, `token_expired`, `token_revoked`";
        all(&[(401, codes)])
    }
}

impl IntoResponses for NeedsValidBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[
            (400, "`invalid_json`: the detail names line and column"),
            (413, "`body_too_large`"),
            (415, "`unsupported_media_type`: send JSON"),
            (422, "`validation_failed`: `errors` names each field that is wrong"),
        ])
    }
}

impl IntoResponses for NeedsValidQuery {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[(422, "`validation_failed`: `errors` names each parameter that is wrong")])
    }
}

fn all(rows: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    rows.iter().map(|(status, text)| (status.to_string(), problem(text).into())).collect()
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}
