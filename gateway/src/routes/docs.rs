//! `GET /v1/openapi.json`, `GET /docs` and `GET /`: the API about itself. The first page needs
//! nothing from outside: it lists every operation without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::header;
use utoipa::openapi::OpenApi;

use crate::app::App;

const PAGE: &str = include_str!("docs.html");

/// The first page, with a place for its rows.
const FRONT: &str = include_str!("front.html");

/// Where the rows go.
const ROWS: &str = "<!-- rows -->";

/// The first page styles itself and loads nothing.
const FRONT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                            form-action 'none'; frame-ancestors 'none'";

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
    let front = FRONT.replace(ROWS, &rows(document));
    Router::new()
        .route("/", get(move || async move { front_page(front) }))
        .route("/v1/openapi.json", get(description.clone()))
        .route("/api/openapi.json", get(description))
        .route("/docs", get(page))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(PAGE))
}

fn front_page(page: String) -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, FRONT_POLICY)], Html(page))
}

/// A table row for each operation of the description.
fn rows(document: &OpenApi) -> String {
    // The document is our own, of strings and numbers; a test reads the page.
    let document = serde_json::to_value(document).unwrap_or_default();
    let paths = document["paths"].as_object().cloned().unwrap_or_default();
    let mut rows = String::new();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let Some(summary) = operation["summary"].as_str() else { continue };
            let cells = [method.to_uppercase(), path.clone(), summary.to_owned()];
            let cells = cells.map(|text| format!("<td>{}</td>", escaped(&text)));
            rows.extend(["<tr>", &cells.concat(), "</tr>\n"]);
        }
    }
    rows
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
