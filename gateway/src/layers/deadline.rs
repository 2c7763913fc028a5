//! No request waits for ever.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::app::App;
use crate::problem::Problem;

pub(crate) async fn layer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(app.settings.request_timeout, next.run(request)).await;
    answer.unwrap_or_else(|_elapsed| {
        let detail = "the answer took too long; look whether it happened before trying again";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail).into_response()
    })
}
