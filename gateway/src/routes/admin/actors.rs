//! `GET /admin/actors`: the actor tree.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::extract::Operator;
use crate::routes::refusals::{Always, NeedsLogin};
use crate::wire::actor::ActorTree;
use crate::wire::problem::ProblemDocument;

/// The actor tree
///
/// Operators and administrators only.
#[utoipa::path(
    get,
    path = "/admin/actors",
    operation_id = "list_actors",
    tag = "admin",
    responses(
        (status = 200, description = "The tree", body = ActorTree),
        (status = 403, description = "`forbidden`: the caller is neither operator nor admin",
         body = ProblemDocument, content_type = "application/problem+json"),
        NeedsLogin,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(State(app): State<Arc<App>>, _operator: Operator) -> Json<ActorTree> {
    Json(ActorTree::of(app.troupe.actors().await))
}
