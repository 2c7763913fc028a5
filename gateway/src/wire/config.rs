//! Trading configs on the wire.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use storage::configs::TradingConfig;
use utoipa::ToSchema;
use uuid::Uuid;

use super::number::Number;

/// A trading config: a sub-account with its own positions and profit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TradingConfig)]
pub(crate) struct ConfigDocument {
    /// Key.
    pub(crate) id: Uuid,
    /// Unique among the user's configs.
    #[schema(example = "My Strategy")]
    pub(crate) name: String,
    /// What it trades, as the venue writes it.
    #[schema(example = json!(["AAPL", "MSFT", "BTC/USD"]))]
    pub(crate) tickers: Vec<String>,
    /// Seconds: the length of the bar its strategies decide on.
    #[schema(example = 300)]
    pub(crate) check_interval: u32,
    /// Its strategies run and may place orders.
    pub(crate) is_active: bool,
    /// Strategy per ticker; null: the default for every ticker.
    pub(crate) strategies: Option<BTreeMap<String, StrategyDocument>>,
    /// Fraction of the user's capital it may use, above 0 up to 1.
    #[schema(example = 1)]
    pub(crate) capital_share: Number,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// A strategy with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StrategyDocument {
    /// Name in the catalogue.
    #[schema(example = "sma_cross")]
    pub(crate) strategy: String,
    /// Parameters by name; one not named takes its default.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, f64>, example = json!({"fast": 10, "slow": 20}))]
    pub(crate) params: BTreeMap<String, ParamValue>,
}

/// The value of a parameter: a JSON number, kept as it was written.
pub(crate) type ParamValue = serde_json::Number;

/// The user's configs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigList {
    /// Oldest first.
    pub(crate) configs: Vec<ConfigDocument>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// Most that one answer holds.
    pub(crate) limit: u32,
    /// How many were skipped.
    pub(crate) offset: u64,
}

/// A config to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateConfigRequest {
    /// 1 to 100 characters, unique among the user's configs.
    #[serde(default)]
    #[schema(required, example = "My Strategy", min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// 1 to 50, each listed at the venue and named once; lower case is taken as upper case.
    #[serde(default)]
    #[schema(required, min_items = 1, max_items = 50, example = json!(["AAPL", "MSFT", "TSLA"]))]
    pub(crate) tickers: Vec<String>,
    /// Seconds, 1 to 86400; 300 when not given.
    #[schema(example = 300, minimum = 1, maximum = 86400)]
    pub(crate) check_interval: Option<i64>,
    /// Strategy per ticker, `*` for every ticker that is not named; null or not given: the default.
    pub(crate) strategies: Option<BTreeMap<String, StrategyDocument>>,
    /// Fraction of the user's capital it may use, above 0 up to 1; 1 when not given.
    pub(crate) capital_share: Option<Number>,
}

/// What is to change of a config; what is not named stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateConfigRequest {
    /// 1 to 100 characters, unique among the user's configs.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: Option<String>,
    /// 1 to 50, each listed at the venue and named once. Only while the config is not active.
    #[schema(min_items = 1, max_items = 50)]
    pub(crate) tickers: Option<Vec<String>>,
    /// Seconds, 1 to 86400. Only while the config is not active.
    #[schema(minimum = 1, maximum = 86400)]
    pub(crate) check_interval: Option<i64>,
    /// All strategies anew; null: the default for every ticker. Only while the config is not active.
    #[serde(default)]
    #[schema(required = false, value_type = Option<BTreeMap<String, StrategyDocument>>)]
    pub(crate) strategies: StrategiesPatch,
    /// Fraction of the user's capital, above 0 up to 1. Only while the config is not active.
    pub(crate) capital_share: Option<Number>,
}

/// What is to become of a config's strategies.
#[derive(Debug, Default)]
pub(crate) enum StrategiesPatch {
    /// The field was not sent.
    #[default]
    Keep,
    /// It was null.
    UseDefault,
    /// These.
    Set(BTreeMap<String, StrategyDocument>),
}

/// What became of a config.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigStatus {
    /// `activated` or `deactivated`.
    #[schema(example = "activated")]
    pub(crate) status: &'static str,
    /// Which one.
    pub(crate) config_id: Uuid,
}

impl From<TradingConfig> for ConfigDocument {
    fn from(config: TradingConfig) -> Self {
        let document = |(ticker, choice): (String, storage::configs::StrategyChoice)| {
            let number = |(name, value)| match value {
                serde_json::Value::Number(number) => Some((name, number)),
                // Written by hand: the engine refuses it, the API does not repeat it.
                _ => None,
            };
            let params = choice.params.into_iter().filter_map(number).collect();
            (ticker, StrategyDocument { strategy: choice.strategy, params })
        };
        Self {
            id: config.id,
            name: config.name,
            tickers: config.tickers,
            check_interval: config.check_interval,
            is_active: config.is_active,
            strategies: config.strategies.map(|all| all.into_iter().map(document).collect()),
            capital_share: Number(config.capital_share.normalize()),
            created_at: config.created_at,
            updated_at: config.updated_at,
        }
    }
}

impl<'de> Deserialize<'de> for StrategiesPatch {
    /// Only called for a field that is there: `null` is not the same as nothing.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::deserialize(deserializer)?;
        Ok(given.map_or(Self::UseDefault, Self::Set))
    }
}
