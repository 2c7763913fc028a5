//! `GET /v1/openapi.json` and `GET /docs`: the API about itself.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header;
use utoipa::openapi::OpenApi;

use crate::app::App;

const PAGE: &str = include_str!("docs.html");

/// The page may load its one script, style itself, and call this server.
const PAGE_POLICY: &str = "default-src 'none'; script-src https://cdn.jsdelivr.net; \
                           style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

/// The description is written out once.
pub(crate) fn router(document: &OpenApi) -> Router<Arc<App>> {
    // The document is our own, of strings and numbers; a test reads it back.
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let description = move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json).into_response() }
    };
    Router::new()
        .route("/v1/openapi.json", get(description.clone()))
        .route("/api/openapi.json", get(description))
        .route("/docs", get(page))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(PAGE))
}
