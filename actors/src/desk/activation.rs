//! Taking up and giving up a trading config.

use super::account::{AccountMessage, AccountRole, AccountState};
use super::{ActivateRefusal, ConfigTerms};
use crate::market::{FloorMessage, KnownTicker, Subscriber, Watch};
use crate::stage::{Address, Cue, Fault};
use engine::account::{Book, Event, Terms};
use engine::instance::InstanceKey;
use engine::order::Status;
use engine::risk::Limits;
use engine::strategy::Params;
use engine::{ConfigId, Ticker, Timestamp, Usd, UserId};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use storage::configs::{self, Activity, StrategyChoice, TradingConfig};
use storage::users::{self, User};

/// Key under which a config names the strategy of all tickers without their own.
const ALL_TICKERS: &str = "*";

/// A config that is traded.
#[derive(Clone, Debug)]
pub(crate) struct ActiveConfig {
    pub(super) terms: Terms,
    pub(super) runs: ConfigTerms,
    pub(super) capital: Usd,
}

impl ActiveConfig {
    /// What the floor is asked for.
    pub(super) fn watches(
        &self,
        user: UserId,
        account: &Address<AccountMessage>,
    ) -> impl Iterator<Item = Watch> {
        let seconds = self.runs.seconds;
        self.runs.tickers.iter().map(move |(ticker, strategy, params)| Watch {
            key: InstanceKey {
                strategy: strategy.clone(),
                params: params.clone(),
                ticker: ticker.clone(),
                seconds,
            },
            subscriber: Subscriber { user, config: self.terms.config_id, account: account.clone() },
        })
    }
}

/// The user's limits and every config that is active.
pub(super) async fn load(
    role: &AccountRole,
) -> Result<(Limits, BTreeMap<ConfigId, ActiveConfig>), Fault> {
    let mut connection = role.parts.database.pool().acquire().await?;
    let user = users::by_id(&mut connection, role.user.as_uuid()).await?;
    let user = user.ok_or_else(|| format!("there is no user {}", role.user))?;
    let limits = limits(role, &user);
    let mut active = BTreeMap::new();
    for config in configs::list(&mut connection, role.user.as_uuid()).await? {
        if !config.is_active {
            continue;
        }
        match prepare(role, &user, &config) {
            Ok(prepared) => {
                active.insert(ConfigId::new(config.id), prepared);
            }
            // One bad config does not keep the others from trading.
            Err(refusal) => tracing::error!("config {} is not traded: {refusal}", config.id),
        }
    }
    Ok((limits, active))
}

/// Active configs whose book is not open: the process ended between the two.
pub(super) fn missing_openings(
    role: &AccountRole,
    cue: &Cue<AccountMessage>,
    state: &AccountState,
) -> Vec<Event> {
    let now = cue.stage.clock.now();
    let missing = state.configs.iter().filter(|(id, config)| {
        let book = state.account.book(**id).filter(|book| book.is_active());
        book.is_none_or(|book| book.capital() != config.capital)
    });
    missing.map(|(id, config)| opening(role, *id, config.capital, now)).collect()
}

pub(super) async fn activate(
    role: &AccountRole,
    cue: &Cue<AccountMessage>,
    state: &mut AccountState,
    config: ConfigId,
) -> Result<Result<(), ActivateRefusal>, Fault> {
    if let Some(reason) = &state.halted {
        return Ok(Err(ActivateRefusal::Halted { reason: reason.clone() }));
    }
    let prepared = match prepare_activation(role, config).await {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Err(refusal) = set_active(role, config, Activity::Active, cue.stage.clock.now()).await {
        return Ok(Err(refusal));
    }
    let book = state.account.book(config);
    let open = book.is_some_and(|book| book.is_active() && book.capital() == prepared.capital);
    if !open {
        let opening = opening(role, config, prepared.capital, cue.stage.clock.now());
        role.record(cue, state, vec![opening])?;
    }
    state.configs.insert(config, prepared);
    role.rewatch(cue, state);
    Ok(Ok(()))
}

pub(super) async fn deactivate(
    role: &AccountRole,
    cue: &Cue<AccountMessage>,
    state: &mut AccountState,
    config: ConfigId,
) -> Result<Result<(), ActivateRefusal>, Fault> {
    let now = cue.stage.clock.now();
    if let Err(refusal) = set_active(role, config, Activity::Inactive, now).await {
        return Ok(Err(refusal));
    }
    state.configs.remove(&config);
    drop(role.parts.floor.tell(FloorMessage::Unwatch { user: role.user, config }));
    if !state.account.book(config).is_some_and(Book::is_active) {
        return Ok(Ok(()));
    }
    let of_config = state
        .account
        .open_orders()
        .filter(|order| order.draft.config_id == config && order.status != Status::PendingCancel);
    let cancels = of_config.map(|order| {
        let client_order_id = order.draft.client_order_id.clone();
        Event::CancelRequested { client_order_id, at: now }
    });
    let mut events: Vec<_> = cancels.collect();
    events.push(Event::BookClosed { config_id: config, at: now });
    role.record(cue, state, events)?;
    Ok(Ok(()))
}

async fn prepare_activation(
    role: &AccountRole,
    config: ConfigId,
) -> Result<ActiveConfig, ActivateRefusal> {
    let (user, stored) = read(role, config).await?;
    let prepared = prepare(role, &user, &stored)?;
    for (ticker, _, _) in &prepared.runs.tickers {
        match role.parts.known(ticker).await {
            KnownTicker::Listed(_) => {}
            KnownTicker::Unknown => {
                return Err(ActivateRefusal::UnknownTicker { ticker: ticker.to_string() });
            }
            KnownTicker::Unavailable => return Err(ActivateRefusal::VenueUnavailable),
        }
    }
    Ok(prepared)
}

async fn read(
    role: &AccountRole,
    config: ConfigId,
) -> Result<(User, TradingConfig), ActivateRefusal> {
    let unavailable = |error: &dyn std::fmt::Display| {
        tracing::warn!("a config could not be read: {error}");
        ActivateRefusal::DatabaseUnavailable
    };
    let mut connection =
        role.parts.database.pool().acquire().await.map_err(|error| unavailable(&error))?;
    let (user_id, id) = (role.user.as_uuid(), config.as_uuid());
    let user = users::by_id(&mut connection, user_id).await.map_err(|error| unavailable(&error))?;
    let stored =
        configs::get(&mut connection, user_id, id).await.map_err(|error| unavailable(&error))?;
    user.zip(stored).ok_or(ActivateRefusal::NotFound)
}

async fn set_active(
    role: &AccountRole,
    config: ConfigId,
    activity: Activity,
    at: Timestamp,
) -> Result<(), ActivateRefusal> {
    let unavailable = |error: &dyn std::fmt::Display| {
        tracing::warn!("a config could not be written: {error}");
        ActivateRefusal::DatabaseUnavailable
    };
    let mut connection =
        role.parts.database.pool().acquire().await.map_err(|error| unavailable(&error))?;
    let (user, id) = (role.user.as_uuid(), config.as_uuid());
    let changed = configs::set_active(&mut connection, user, id, activity, at).await;
    changed.map_err(|error| unavailable(&error))?.map(drop).ok_or(ActivateRefusal::NotFound)
}

fn opening(role: &AccountRole, config_id: ConfigId, capital: Usd, at: Timestamp) -> Event {
    let ignores_until = (!role.parts.settings.joins_standing).then_some(at);
    Event::BookOpened { config_id, capital, ignores_until, at }
}

fn limits(role: &AccountRole, user: &User) -> Limits {
    let positions_max = u32::try_from(user.max_positions).unwrap_or(0);
    Limits { positions_max, ..role.parts.settings.limits.clone() }
}

fn prepare(
    role: &AccountRole,
    user: &User,
    config: &TradingConfig,
) -> Result<ActiveConfig, ActivateRefusal> {
    let mut tickers = Vec::new();
    for name in &config.tickers {
        let ticker = Ticker::new(name)
            .map_err(|_error| ActivateRefusal::UnknownTicker { ticker: name.clone() })?;
        let (strategy, params) = choice(role, config, name)?;
        tickers.push((ticker, strategy, params));
    }
    let number = u32::try_from(tickers.len()).unwrap_or(u32::MAX);
    if number == 0 {
        return Err(ActivateRefusal::NoTicker);
    }
    let config_id = ConfigId::new(config.id);
    let capital = user.initial_capital.checked_mul(config.capital_share);
    Ok(ActiveConfig {
        terms: Terms {
            config_id,
            tickers: number,
            risk_per_trade: user.risk_per_trade,
            stop_fraction: role.parts.settings.stop_fraction,
        },
        runs: ConfigTerms { config_id, tickers, seconds: config.check_interval },
        capital: Usd::new(capital.unwrap_or(Decimal::ZERO)),
    })
}

fn choice(
    role: &AccountRole,
    config: &TradingConfig,
    ticker: &str,
) -> Result<(String, Params), ActivateRefusal> {
    let chosen =
        config.strategies.as_ref().and_then(|all| all.get(ticker).or_else(|| all.get(ALL_TICKERS)));
    let (name, given) = match chosen {
        Some(StrategyChoice { strategy, params }) => (strategy.as_str(), numbers(params)?),
        None => (role.parts.settings.default_strategy.as_str(), Params::new()),
    };
    let params = strategies::complete_single(name, &given)
        .map_err(|error| ActivateRefusal::BadStrategy { reason: error.to_string() })?;
    Ok((name.to_owned(), params))
}

fn numbers(params: &serde_json::Map<String, serde_json::Value>) -> Result<Params, ActivateRefusal> {
    let number = |(name, value): (&String, &serde_json::Value)| {
        let number = value.as_f64().ok_or_else(|| ActivateRefusal::BadStrategy {
            reason: format!("parameter `{name}` must be a number"),
        })?;
        Ok((name.clone(), number))
    };
    params.iter().map(number).collect()
}
