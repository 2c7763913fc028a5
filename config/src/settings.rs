//! What the settings are, section by section. Each field is a key of `default.toml`, which
//! explains it for the person who sets it; here stands what the code that reads it must know.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::Deserialize;

use crate::values::{
    self, Commission, FillMoment, LogFormat, Sides, Speed, StockFeed, VenueDataPlan, VenueFills,
};

/// All settings. Read once, by the command line; each part of the engine is handed its own section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The gateway's listener.
    pub server: ServerSettings,
    /// Database, data directory and journal.
    pub storage: StorageSettings,
    /// Logins, tokens and password hashes.
    pub auth: AuthSettings,
    /// What one client may ask for.
    pub limits: LimitSettings,
    /// The built-in exchange.
    pub venue: VenueSettings,
    /// The exchange orders go to.
    pub broker: BrokerSettings,
    /// Feeds, bars and warm-up.
    pub market: MarketSettings,
    /// Sizing and risk of each user's desk.
    pub desk: DeskSettings,
    /// The demo user.
    pub demo: DemoSettings,
    /// Backtests and evaluations.
    pub research: ResearchSettings,
    /// Restarts of failed actors.
    pub supervision: SupervisionSettings,
    /// Log lines.
    pub log: LogSettings,
}

/// `[server]`: the gateway's listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Where the gateway listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Allowed foreign origins: scheme and host, no path.
    pub cors_origins: Vec<String>,
    /// Seconds after which a handler is answered for with 504.
    pub request_timeout_s: u64,
    /// Largest request body in units of 1024 bytes.
    pub body_limit_kb: u32,
    /// Seconds a shutdown waits for open requests.
    pub shutdown_grace_s: u64,
}

/// `[storage]`: database, data directory and journal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Directory of all local state; relative to the working directory.
    pub data_dir: PathBuf,
    /// A Postgres server; `None`: the embedded one.
    #[serde(deserialize_with = "values::optional_secret")]
    pub database_url: Option<SecretString>,
    /// A Redis server; `None`: in-process services.
    #[serde(deserialize_with = "values::optional_secret")]
    pub redis_url: Option<SecretString>,
    /// Size of the connection pool.
    pub max_connections: u32,
    /// Milliseconds a query waits for a connection before it fails.
    pub acquire_timeout_ms: u64,
    /// Commands that share one journal transaction, at most.
    pub journal_batch_max: usize,
}

/// `[auth]`: logins, tokens and password hashes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Seconds an access token of `/v1` lives.
    pub bearer_access_lifetime_s: u64,
    /// Seconds a refresh token of `/v1` lives.
    pub bearer_refresh_lifetime_s: u64,
    /// Seconds an access cookie of `/api` lives.
    pub cookie_access_lifetime_s: u64,
    /// Seconds a refresh cookie of `/api` lives.
    pub cookie_refresh_lifetime_s: u64,
    /// Failed logins per account and per address within the window.
    pub login_attempts: u32,
    /// Seconds in which failed logins are counted.
    pub login_window_s: u64,
    /// Signing key of access tokens; `None`: one generated into the data directory.
    #[serde(deserialize_with = "values::optional_secret")]
    pub jwt_secret: Option<SecretString>,
    /// `iss` of the tokens.
    pub jwt_issuer: String,
    /// `aud` of the tokens.
    pub jwt_audience: String,
    /// Argon2id memory in units of 1024 bytes.
    pub argon2_memory_kb: u32,
    /// Argon2id passes.
    pub argon2_iterations: u32,
}

/// `[limits]`: what one client may ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Requests per minute of a user, or of an address without one.
    pub api_requests_per_minute: u32,
    /// Open WebSocket connections of one address.
    pub websockets_per_address: u32,
    /// Milliseconds between two frames of one price stream, at least.
    pub price_frame_interval_ms: u64,
}

/// `[venue]`: the built-in exchange.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the file")]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueSettings {
    /// Whether `troupe run` starts the venue and trades there.
    pub enabled: bool,
    /// Where the venue listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Seed of the synthetic prices.
    pub seed: u64,
    /// Whether stock sessions never end.
    pub always_open: bool,
    /// Whether stocks have prices before the open and after the close as well.
    pub extended_hours: bool,
    /// What accounts may see of the market data.
    pub data_plan: VenueDataPlan,
    /// Whether the books live in memory only.
    pub ephemeral: bool,
    /// How orders fill.
    pub fills: VenueFills,
    /// Milliseconds that half of the messages take longer than to a realistic book.
    pub latency_ms: u64,
    /// Basis points that taking the displayed size costs in a realistic book.
    pub impact_bps: f64,
    /// Whether `troupe venue` charges fees.
    pub fees: bool,
    /// Requests per minute of one account before 429.
    pub requests_per_minute: u32,
    /// Directory of recordings; `None`: synthetic prices.
    #[serde(deserialize_with = "values::optional_path")]
    pub replay: Option<PathBuf>,
    /// Speed of the replay.
    pub speed: Speed,
    /// File of accounts; `None`: the one demo account.
    #[serde(deserialize_with = "values::optional_path")]
    pub accounts: Option<PathBuf>,
    /// Where the clock of synthetic prices starts, RFC 3339; `None`: the machine's time.
    #[serde(deserialize_with = "values::optional_text")]
    pub start: Option<String>,
    /// Plan of faults that are armed from the start.
    #[serde(deserialize_with = "values::optional_path")]
    pub faults: Option<PathBuf>,
    /// Where the admin port listens; `None`: there is none.
    #[serde(deserialize_with = "values::optional_address")]
    pub admin_listen: Option<SocketAddr>,
    /// File with the admin port's token; `None`: a new one with every start.
    #[serde(deserialize_with = "values::optional_path")]
    pub admin_token_file: Option<PathBuf>,
}

/// `[broker]`: the exchange orders go to when the venue is off, and how patiently.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerSettings {
    /// Trading API; `http` or `https`.
    pub base_url: String,
    /// Historical data API; `http` or `https`.
    pub data_url: String,
    /// Live data; `ws` or `wss`.
    pub stream_url: String,
    /// Which stock feed is subscribed.
    pub stock_feed: StockFeed,
    /// Key id; `None` with the venue.
    #[serde(deserialize_with = "values::optional_secret")]
    pub key_id: Option<SecretString>,
    /// Secret key; set exactly when `key_id` is.
    #[serde(deserialize_with = "values::optional_secret")]
    pub secret_key: Option<SecretString>,
    /// Milliseconds until a request counts as unanswered.
    pub request_timeout_ms: u64,
    /// Milliseconds from an order's signal until it is too stale to send.
    pub order_deadline_ms: u64,
    /// Seconds between two comparisons with the broker's books.
    pub reconcile_interval_s: u64,
}

/// `[market]`: feeds, bars and warm-up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketSettings {
    /// Closed bars of history a strategy instance starts with.
    pub warmup_bars: usize,
    /// Milliseconds a bar stays open for late trades.
    pub bar_close_grace_ms: u64,
    /// Seconds after which a price is stale.
    pub stale_quote_s: u64,
    /// Milliseconds before the first reconnect.
    pub feed_backoff_min_ms: u64,
    /// Milliseconds before a reconnect, at most; not below the minimum.
    pub feed_backoff_max_ms: u64,
}

/// `[desk]`: sizing and risk of each user's desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskSettings {
    /// Strategy of a ticker that its config names none for.
    pub default_strategy: String,
    /// Largest notional of one order, in US dollars.
    #[serde(deserialize_with = "values::decimal")]
    pub max_order_notional_usd: Decimal,
    /// Orders of one user per minute.
    pub orders_per_minute: u32,
    /// Orders of one user that are open at once.
    pub open_orders_max: u32,
    /// Age of a price in bars of the signal, beyond which it is stale; the least age that counts
    /// as stale is `market.stale_quote_s`.
    pub price_age_max_bars: u32,
    /// Assumed stop distance as a fraction of the entry price; above 0, below 1.
    #[serde(deserialize_with = "values::decimal")]
    pub stop_fraction: Decimal,
    /// Whether an activated config joins a stance its strategy holds already.
    pub enter_on_activation: bool,
}

/// `[demo]`: the demo user.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSettings {
    /// Whether `troupe run` creates and activates it.
    pub enabled: bool,
    /// Its user name.
    pub username: String,
    /// Its password; `None`: one generated into the data directory.
    #[serde(deserialize_with = "values::optional_secret")]
    pub password: Option<SecretString>,
    /// Tickers of its config; at least one when enabled.
    pub tickers: Vec<String>,
    /// Seconds of the bars its strategy decides on.
    pub check_interval_s: u32,
    /// Name of its strategy.
    pub strategy: String,
    /// Parameters of its strategy, by name.
    pub params: BTreeMap<String, f64>,
}

/// `[research]`: backtests and evaluations.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResearchSettings {
    /// US dollars at the start; above 0.
    #[serde(deserialize_with = "values::decimal")]
    pub cash: Decimal,
    /// What each side of a trade costs.
    pub commission: Commission,
    /// Basis points by which market and stop orders fill worse; from 0 to below 10 000.
    #[serde(deserialize_with = "values::decimal")]
    pub slippage_bps: Decimal,
    /// When an order that was decided on a close is filled.
    pub fill: FillMoment,
    /// Whether parts of a share may be traded.
    pub fractional: bool,
    /// Which sides of the market are traded.
    pub direction: Sides,
    /// File of parameter grids; `None`: the built-in ones.
    #[serde(deserialize_with = "values::optional_path")]
    pub grid: Option<PathBuf>,
    /// Metric by which evaluations rank.
    pub metric: String,
    /// Backtests at once; 0: one per core.
    pub jobs: usize,
}

/// `[supervision]`: restarts of failed actors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisionSettings {
    /// Restarts within the window before an actor stays down.
    pub max_restarts: u32,
    /// Seconds in which restarts are counted.
    pub window_s: u64,
    /// Milliseconds before the first restart.
    pub backoff_min_ms: u64,
    /// Milliseconds before a restart, at most; not below the minimum.
    pub backoff_max_ms: u64,
}

/// `[log]`: log lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Shape of a line.
    pub format: LogFormat,
    /// Filter directives of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}
