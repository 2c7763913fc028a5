//! `PATCH /trading/configs/{id}`: changes of a config.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::Ticker;
use storage::StorageError;
use storage::configs::{self, ConfigChange, Strategies, StrategiesChange, TradingConfig};

use super::{ConfigRefusal, checks};
use crate::app::App;
use crate::audit;
use crate::extract::{Body, Caller, Client, ConfigPath};
use crate::problem::{Checks, Problem};
use crate::routes::refusals::{Always, NeedsLogin, NeedsValidBody};
use crate::wire::config::{ConfigDocument, StrategiesPatch, UpdateConfigRequest};
use crate::wire::problem::ProblemDocument;

/// Change a config
///
/// What is not named stays. What a running strategy stands on (tickers, interval, strategies,
/// share) changes only while the config is not active; the name may change at any time.
#[utoipa::path(
    patch,
    path = "/trading/configs/{config_id}",
    operation_id = "update_config",
    tag = "trading",
    params(("config_id" = uuid::Uuid, Path, description = "The config's key")),
    request_body = UpdateConfigRequest,
    responses(
        (status = 200, description = "The config as it is now", body = ConfigDocument),
        (status = 404, description = "`not_found`: the caller has no such config",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`config_active`: deactivate it first; or `name_taken`",
         body = ProblemDocument, content_type = "application/problem+json"),
        NeedsLogin,
        NeedsValidBody,
        Always,
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn handler(
    State(app): State<Arc<App>>,
    caller: Caller,
    client: Client,
    ConfigPath(id): ConfigPath,
    Body(request): Body<UpdateConfigRequest>,
) -> Result<Json<ConfigDocument>, Problem> {
    let user_id = caller.user.id;
    let _nobody_else = app.config_locks.lock(id).await;
    // No connection is held while the engine is asked: it may need one of the same pool.
    let config = configs::get(&mut *app.connection().await?, user_id, id).await?;
    let config = config.ok_or(ConfigRefusal::NotFound)?;
    let change = check(&app, &config, request).await?;
    if config.is_active && touches_trading(&change, &config) {
        return Err(ConfigRefusal::Active.into());
    }
    let mut transaction = app.database.pool().begin().await.map_err(StorageError::from)?;
    let changed = configs::update(&mut transaction, user_id, id, &change, app.now()).await;
    let changed = changed.map_err(ConfigRefusal::from)?.ok_or(ConfigRefusal::NotFound)?;
    let entry = audit::Entry::of_config("config.updated", user_id, id);
    audit::write(&app, &mut transaction, entry, &client).await?;
    transaction.commit().await.map_err(StorageError::from)?;
    Ok(Json(changed.into()))
}

/// A value that is what it was is no change.
fn touches_trading(change: &ConfigChange, config: &TradingConfig) -> bool {
    let strategies_touched = match &change.strategies {
        StrategiesChange::Keep => false,
        StrategiesChange::UseDefault => config.strategies.is_some(),
        StrategiesChange::Set(strategies) => config.strategies.as_ref() != Some(strategies),
    };
    strategies_touched
        || change.tickers.as_ref().is_some_and(|tickers| *tickers != config.tickers)
        || change.check_interval.is_some_and(|seconds| seconds != config.check_interval)
        || change.capital_share.is_some_and(|share| share != config.capital_share)
}

async fn check(
    app: &App,
    config: &TradingConfig,
    request: UpdateConfigRequest,
) -> Result<ConfigChange, Problem> {
    let mut found = Checks::default();
    let name = request.name.map(|name| checks::name(&mut found, &name));
    let check_interval =
        request.check_interval.map(|seconds| checks::check_interval(&mut found, seconds));
    let capital_share = request.capital_share.map(|share| checks::capital_share(&mut found, share));
    let tickers = request.tickers.map(|given| checks::tickers(&mut found, &given));
    let strategies = match request.strategies {
        StrategiesPatch::Keep => StrategiesChange::Keep,
        StrategiesPatch::UseDefault => StrategiesChange::UseDefault,
        StrategiesPatch::Set(given) => StrategiesChange::Set(checks::chosen(&mut found, given)),
    };
    check_together(app, &mut found, config, tickers.as_deref(), &strategies);
    if let Some(tickers) = &tickers {
        checks::listed(&mut found, app.troupe.as_ref(), tickers).await?;
    }
    found.finish()?;
    let tickers = tickers.map(|all| all.into_iter().map(String::from).collect());
    Ok(ConfigChange { name, tickers, check_interval, strategies, capital_share })
}

/// The strategies must fit the tickers as both will be: a ticker that goes takes its strategy with
/// it only when the client says so.
fn check_together(
    app: &App,
    found: &mut Checks,
    config: &TradingConfig,
    tickers: Option<&[Ticker]>,
    change: &StrategiesChange,
) {
    let stored = || config.tickers.iter().filter_map(|ticker| Ticker::new(ticker).ok()).collect();
    let strategies: Option<&Strategies> = match change {
        StrategiesChange::Keep if tickers.is_some() => config.strategies.as_ref(),
        StrategiesChange::Keep | StrategiesChange::UseDefault => None,
        StrategiesChange::Set(strategies) => Some(strategies),
    };
    let tickers: Vec<Ticker> = tickers.map_or_else(stored, <[Ticker]>::to_vec);
    if let Some(strategies) = strategies {
        checks::strategies(found, app.troupe.as_ref(), strategies, &tickers);
    }
}
