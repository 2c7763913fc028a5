//! `GET /trading/configs`: the caller's configs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use storage::configs;

use crate::app::App;
use crate::extract::{Caller, QueryOf};
use crate::problem::Problem;
use crate::routes::refusals::{Always, NeedsLogin, NeedsValidQuery};
use crate::wire::config::ConfigList;

/// List the caller's configs
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/trading/configs",
    operation_id = "list_configs",
    tag = "trading",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 1000; 100 when not given"),
        ("offset" = Option<u64>, Query, description = "How many to skip; 0 when not given"),
    ),
    responses(
        (status = 200, description = "The configs", body = ConfigList),
        NeedsLogin,
        NeedsValidQuery,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut query: QueryOf,
) -> Result<Json<ConfigList>, Problem> {
    let (limit, offset) = query.take_page();
    query.finish()?;
    let mut connection = app.connection().await?;
    let configs = configs::list(&mut connection, caller.user.id).await?;
    let total = u64::try_from(configs.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let configs = configs.into_iter().skip(skip).take(take).map(Into::into).collect();
    Ok(Json(ConfigList { configs, total, limit, offset }))
}
