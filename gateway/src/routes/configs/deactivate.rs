//! `POST /trading/configs/{id}/deactivate`: its strategies stop.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::{ConfigId, UserId};

use crate::app::App;
use crate::audit;
use crate::extract::{Caller, Client, ConfigPath};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin};
use crate::wire::config::ConfigStatus;
use crate::wire::problem::ProblemDocument;

/// Deactivate a config
///
/// It places no orders from now on. Doing it twice is doing it once.
#[utoipa::path(
    post,
    path = "/trading/configs/{config_id}/deactivate",
    operation_id = "deactivate_config",
    tag = "trading",
    params(("config_id" = uuid::Uuid, Path, description = "The config's key")),
    responses(
        (status = 200, description = "Done, or already so", body = ConfigStatus),
        (status = 404, description = "`not_found`: the caller has no such config",
         body = ProblemDocument, content_type = "application/problem+json"),
        NeedsLogin,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    caller: Caller,
    client: Client,
    ConfigPath(id): ConfigPath,
) -> Result<Json<ConfigStatus>, Problem> {
    let user_id = caller.user.id;
    let _nobody_else = app.config_locks.lock(id).await;
    app.troupe.deactivate(UserId::new(user_id), ConfigId::new(id)).await?;
    let mut connection = app.connection().await?;
    let entry = audit::Entry::of_config("config.deactivated", user_id, id);
    audit::write(&app, &mut connection, entry, &client).await?;
    tracing::info!(user.id = %user_id, config.id = %id, "config {id} deactivated");
    Ok(Json(ConfigStatus { status: "deactivated", config_id: id }))
}
