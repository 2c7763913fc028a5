//! `POST /trading/configs/{id}/activate`: its strategies run.

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

/// Activate a config
///
/// Its strategies run and may place orders from now on. Doing it twice is doing it once.
#[utoipa::path(
    post,
    path = "/trading/configs/{config_id}/activate",
    operation_id = "activate_config",
    tag = "trading",
    params(("config_id" = uuid::Uuid, Path, description = "The config's key")),
    responses(
        (status = 200, description = "Done, or already so", body = ConfigStatus),
        (status = 404, description = "`not_found`: the caller has no such config",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The config cannot trade as it is: `no_ticker`, \
         `unknown_ticker`, `bad_strategy`", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "`account_halted`: the detail says why", body = ProblemDocument,
         content_type = "application/problem+json"),
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
    app.troupe.activate(UserId::new(user_id), ConfigId::new(id)).await?;
    let mut connection = app.connection().await?;
    let entry = audit::Entry::of_config("config.activated", user_id, id);
    audit::write(&app, &mut connection, entry, &client).await?;
    tracing::info!(user.id = %user_id, config.id = %id, "config {id} activated");
    Ok(Json(ConfigStatus { status: "activated", config_id: id }))
}
