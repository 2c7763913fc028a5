//! `DELETE /trading/configs/{id}`: the end of a config.

use std::sync::Arc;

use axum::extract::State;
use engine::{ConfigId, UserId};
use http::StatusCode;
use storage::StorageError;
use storage::configs;

use super::ConfigRefusal;
use crate::app::App;
use crate::audit;
use crate::extract::{Caller, Client, ConfigPath};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin};
use crate::wire::problem::ProblemDocument;

/// Delete a config
///
/// An active one is deactivated first. Its orders and trades stay in the history.
#[utoipa::path(
    delete,
    path = "/trading/configs/{config_id}",
    operation_id = "delete_config",
    tag = "trading",
    params(("config_id" = uuid::Uuid, Path, description = "The config's key")),
    responses(
        (status = 204, description = "Deleted"),
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
) -> Result<StatusCode, Problem> {
    let user_id = caller.user.id;
    let _nobody_else = app.config_locks.lock(id).await;
    // No connection is held while the engine works: it needs one of the same pool.
    let config = configs::get(&mut *app.connection().await?, user_id, id).await?;
    if config.ok_or(ConfigRefusal::NotFound)?.is_active {
        app.troupe.deactivate(UserId::new(user_id), ConfigId::new(id)).await?;
    }
    let mut transaction = app.database.pool().begin().await.map_err(StorageError::from)?;
    if !configs::delete(&mut transaction, user_id, id).await? {
        return Err(ConfigRefusal::NotFound.into());
    }
    let entry = audit::Entry::of_config("config.deleted", user_id, id);
    audit::write(&app, &mut transaction, entry, &client).await?;
    transaction.commit().await.map_err(StorageError::from)?;
    Ok(StatusCode::NO_CONTENT)
}
