//! Table `trading_configs`: what a user wants traded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint;
use crate::error::StorageError;

/// Which strategy trades a ticker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategyChoice {
    /// Name in the strategy registry, such as `sma_cross`.
    pub strategy: String,
    /// Parameters by name; one not named takes its default.
    #[serde(default)]
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// Strategy per ticker. A ticker without an entry takes the default strategy.
pub type Strategies = BTreeMap<String, StrategyChoice>;

/// A sub-account: tickers, the strategies that trade them, a share of the user's capital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradingConfig {
    /// Key.
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// Unique among the user's configs.
    pub name: String,
    /// At least one symbol, as the broker writes it.
    pub tickers: Vec<String>,
    /// Seconds: length of the bar its strategies decide on, 1 to 86400.
    pub check_interval: u32,
    /// `None`: the default strategy for every ticker.
    pub strategies: Option<Strategies>,
    /// Fraction of the user's capital it may use, above 0 up to 1.
    pub capital_share: Decimal,
    /// Its strategies run and may place orders.
    pub is_active: bool,
    /// When the config was made.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a change leaves as it is, and what it sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigChange {
    /// `None`: keep.
    pub name: Option<String>,
    /// `None`: keep.
    pub tickers: Option<Vec<String>>,
    /// Seconds; `None`: keep.
    pub check_interval: Option<u32>,
    /// Strategies per ticker.
    pub strategies: StrategiesChange,
    /// Fraction; `None`: keep.
    pub capital_share: Option<Decimal>,
}

/// What happens to the strategies of a config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StrategiesChange {
    /// Keep what is stored.
    #[default]
    Keep,
    /// Back to the default strategy for every ticker.
    UseDefault,
    /// These from now on.
    Set(Strategies),
}

/// Whether a config trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Its strategies run and may place orders.
    Active,
    /// It places no orders.
    Inactive,
}

/// Why a config was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The user has a config of that name.
    #[error("you have another config of that name")]
    NameTaken,
    /// A value broke the named check of the table.
    #[error("a value breaks the rule {constraint} of table trading_configs")]
    Invalid {
        /// Name of the constraint, such as `valid_tickers`.
        constraint: String,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ConfigError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NameTaken => "config_name_taken",
            Self::Invalid { .. } => "config_invalid",
            Self::Storage(error) => error.code(),
        }
    }
}

/// Stores a new config.
pub async fn insert(
    connection: &mut PgConnection,
    config: &TradingConfig,
) -> Result<(), ConfigError> {
    sqlx::query!(
        r#"
        insert into trading_configs
            (id, user_id, name, tickers, check_interval, strategies, capital_share, is_active,
             created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        config.id,
        config.user_id,
        config.name,
        &config.tickers,
        seconds(config.check_interval),
        strategies_json(config.strategies.as_ref())?,
        config.capital_share,
        config.is_active,
        config.created_at,
        config.updated_at,
    )
    .execute(connection)
    .await
    .map_err(write_error)?;
    Ok(())
}

/// The user's configs, oldest first.
pub async fn list(
    connection: &mut PgConnection,
    user_id: Uuid,
) -> Result<Vec<TradingConfig>, StorageError> {
    sqlx::query_as!(
        ConfigRow,
        r#"
        select
            id, user_id, name, tickers, check_interval, strategies, capital_share, is_active,
            created_at, updated_at
        from trading_configs
        where user_id = $1
        order by created_at, id
        "#,
        user_id,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// One of the user's configs; another user's is not there.
pub async fn get(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<TradingConfig>, StorageError> {
    sqlx::query_as!(
        ConfigRow,
        r#"
        select
            id, user_id, name, tickers, check_interval, strategies, capital_share, is_active,
            created_at, updated_at
        from trading_configs
        where user_id = $1 and id = $2
        "#,
        user_id,
        id,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Every active config of every active user: what the engine trades after a start.
pub async fn all_active(connection: &mut PgConnection) -> Result<Vec<TradingConfig>, StorageError> {
    sqlx::query_as!(
        ConfigRow,
        r#"
        select
            c.id, c.user_id, c.name, c.tickers, c.check_interval, c.strategies, c.capital_share,
            c.is_active, c.created_at, c.updated_at
        from trading_configs c
        join users u on u.id = c.user_id
        where c.is_active and u.is_active
        order by c.user_id, c.created_at, c.id
        "#,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Changes one of the user's configs and answers it as it is now; `None`: the user has no such config.
pub async fn update(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    change: &ConfigChange,
    at: DateTime<Utc>,
) -> Result<Option<TradingConfig>, ConfigError> {
    let (keep_strategies, strategies) = match &change.strategies {
        StrategiesChange::Keep => (true, None),
        StrategiesChange::UseDefault => (false, None),
        StrategiesChange::Set(strategies) => (false, Some(strategies)),
    };
    let row = sqlx::query_as!(
        ConfigRow,
        r#"
        update trading_configs
        set
            name = coalesce($3, name),
            tickers = coalesce($4, tickers),
            check_interval = coalesce($5, check_interval),
            strategies = case when $6 then strategies else $7 end,
            capital_share = coalesce($8, capital_share),
            updated_at = $9
        where user_id = $1 and id = $2
        returning
            id, user_id, name, tickers, check_interval, strategies, capital_share, is_active,
            created_at, updated_at
        "#,
        user_id,
        id,
        change.name,
        change.tickers.as_deref(),
        change.check_interval.map(seconds),
        keep_strategies,
        strategies_json(strategies)?,
        change.capital_share,
        at,
    )
    .fetch_optional(connection)
    .await
    .map_err(write_error)?;
    Ok(row.map(TryInto::try_into).transpose()?)
}

/// Switches trading on or off and answers the config as it is now; `None`: the user has no such
/// config.
pub async fn set_active(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    activity: Activity,
    at: DateTime<Utc>,
) -> Result<Option<TradingConfig>, StorageError> {
    sqlx::query_as!(
        ConfigRow,
        r#"
        update trading_configs
        set is_active = $3, updated_at = $4
        where user_id = $1 and id = $2
        returning
            id, user_id, name, tickers, check_interval, strategies, capital_share, is_active,
            created_at, updated_at
        "#,
        user_id,
        id,
        activity == Activity::Active,
        at,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Deletes one of the user's configs; its orders, fills and positions stay. False: the user has no
/// such config.
pub async fn delete(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<bool, StorageError> {
    let done =
        sqlx::query!("delete from trading_configs where user_id = $1 and id = $2", user_id, id)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

struct ConfigRow {
    id: Uuid,
    user_id: Uuid,
    name: String,
    tickers: Vec<String>,
    check_interval: i32,
    strategies: Option<serde_json::Value>,
    capital_share: Decimal,
    is_active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ConfigRow> for TradingConfig {
    type Error = StorageError;

    fn try_from(row: ConfigRow) -> Result<Self, StorageError> {
        let inconsistent = |column, detail| StorageError::Inconsistent {
            table: "trading_configs",
            column,
            row: row.id.to_string(),
            detail,
        };
        let strategies = row
            .strategies
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| inconsistent("strategies", error.to_string()))?;
        let check_interval = u32::try_from(row.check_interval)
            .map_err(|error| inconsistent("check_interval", error.to_string()))?;
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            tickers: row.tickers,
            check_interval,
            strategies,
            capital_share: row.capital_share,
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Beyond what the column holds is beyond what the table's check allows: let the check refuse it.
fn seconds(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn strategies_json(
    strategies: Option<&Strategies>,
) -> Result<Option<serde_json::Value>, StorageError> {
    strategies
        .map(serde_json::to_value)
        .transpose()
        .map_err(|error| StorageError::Refused(sqlx::Error::Encode(error.into())))
}

fn write_error(error: sqlx::Error) -> ConfigError {
    match constraint::broken(&error) {
        Some("trading_configs_user_id_name_key") => ConfigError::NameTaken,
        // The key is from the id source: meeting it again is a defect, not the user's doing.
        Some("trading_configs_pkey") | None => ConfigError::Storage(error.into()),
        Some(name) => ConfigError::Invalid { constraint: name.to_owned() },
    }
}
