//! `GET /trading/configs/{id}`: one of the caller's configs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use storage::configs;

use super::ConfigRefusal;
use crate::app::App;
use crate::extract::{Caller, ConfigPath};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin};
use crate::wire::config::ConfigDocument;
use crate::wire::problem::ProblemDocument;

/// One of the caller's configs
#[utoipa::path(
    get,
    path = "/trading/configs/{config_id}",
    operation_id = "get_config",
    tag = "trading",
    params(("config_id" = uuid::Uuid, Path, description = "The config's key")),
    responses(
        (status = 200, description = "The config", body = ConfigDocument),
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
    ConfigPath(id): ConfigPath,
) -> Result<Json<ConfigDocument>, Problem> {
    let mut connection = app.connection().await?;
    let config = configs::get(&mut connection, caller.user.id, id).await?;
    Ok(Json(config.ok_or(ConfigRefusal::NotFound)?.into()))
}
