//! Finds out once what a request brought to prove who sent it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::extract::Presented;

pub(crate) async fn layer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let presented = Presented::find(request.headers(), &app.signer, app.now());
    request.extensions_mut().insert(presented);
    next.run(request).await
}
