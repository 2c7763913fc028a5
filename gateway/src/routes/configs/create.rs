//! `POST /trading/configs`: a new config, not active yet.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::{StatusCode, header};
use rust_decimal::Decimal;
use storage::StorageError;
use storage::configs::{self, TradingConfig};
use uuid::Uuid;

use super::{ConfigRefusal, checks};
use crate::app::App;
use crate::audit;
use crate::extract::{Body, Caller, Client};
use crate::face::Face;
use crate::problem::{Checks, Problem};
use crate::routes::refusals::{Always, NeedsLogin, NeedsValidBody};
use crate::wire::config::{ConfigDocument, CreateConfigRequest};
use crate::wire::problem::ProblemDocument;

/// Configs of one user, at most.
const CONFIGS_MAX: usize = 100;
const CHECK_INTERVAL_DEFAULT_S: i64 = 300;

/// Create a config
///
/// It does not trade before it is activated.
#[utoipa::path(
    post,
    path = "/trading/configs",
    operation_id = "create_config",
    tag = "trading",
    request_body = CreateConfigRequest,
    responses(
        (status = 201, description = "Created", body = ConfigDocument,
         headers(("Location" = String, description = "Where the config is"))),
        (status = 409, description = "`name_taken`, or `too_many_configs`: delete one first",
         body = ProblemDocument, content_type = "application/problem+json"),
        NeedsLogin,
        NeedsValidBody,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    Extension(face): Extension<Face>,
    caller: Caller,
    client: Client,
    Body(request): Body<CreateConfigRequest>,
) -> Result<impl IntoResponse, Problem> {
    let config = check(&app, caller.user.id, request).await?;
    let mut transaction = app.database.pool().begin().await.map_err(StorageError::from)?;
    if configs::list(&mut transaction, caller.user.id).await?.len() >= CONFIGS_MAX {
        return Err(ConfigRefusal::TooMany.into());
    }
    configs::insert(&mut transaction, &config).await.map_err(ConfigRefusal::from)?;
    let entry = audit::Entry::of_config("config.created", caller.user.id, config.id);
    audit::write(&app, &mut transaction, entry, &client).await?;
    transaction.commit().await.map_err(StorageError::from)?;
    let location = format!("{}/trading/configs/{}", face.prefix(), config.id);
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, location, Json(ConfigDocument::from(config))))
}

async fn check(
    app: &App,
    user_id: Uuid,
    request: CreateConfigRequest,
) -> Result<TradingConfig, Problem> {
    let mut found = Checks::default();
    let name = checks::name(&mut found, &request.name);
    let seconds = request.check_interval.unwrap_or(CHECK_INTERVAL_DEFAULT_S);
    let check_interval = checks::check_interval(&mut found, seconds);
    let share = request.capital_share.map(|share| checks::capital_share(&mut found, share));
    let tickers = checks::tickers(&mut found, &request.tickers);
    let chosen = request.strategies.map(|given| checks::chosen(&mut found, given));
    if let Some(chosen) = &chosen {
        checks::strategies(&mut found, app.troupe.as_ref(), chosen, &tickers);
    }
    checks::listed(&mut found, app.troupe.as_ref(), &tickers).await?;
    found.finish()?;
    let now = app.now();
    Ok(TradingConfig {
        id: app.ids.uuid(),
        user_id,
        name,
        tickers: tickers.into_iter().map(String::from).collect(),
        check_interval,
        strategies: chosen,
        capital_share: share.unwrap_or(Decimal::ONE),
        is_active: false,
        created_at: now,
        updated_at: now,
    })
}
