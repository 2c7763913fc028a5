//! What desks need around them: a database of their own, users with a config each, a venue's door.

use crate::order_door::OrderDoor;
use crate::tape::{asset, instance_key};
use crate::world::{RandomIds, WallClock};
use actors::bench::{DeskBench, DeskBenchParts, Journalling};
use actors::{DeskSettings, Endpoints, Keys};
use engine::instance::Signal;
use engine::market::PricePoint;
use engine::risk::Limits;
use engine::strategy::Stance;
use engine::{ClientOrderId, Clock as _, ConfigId, IdSource as _, SignalId, Ticker, Usd, UserId};
use rust_decimal::Decimal;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::configs::{Strategies, StrategyChoice, TradingConfig};
use storage::users::{NewUser, Role};
use storage::{Database, DatabaseOptions, Durability, EmbeddedPostgres};
use tempfile::TempDir;

/// The ticker that is traded.
const TICKER: &str = "AAPL";

/// A database, users, a door.
#[derive(Debug)]
pub struct DeskWorld {
    /// Where orders arrive.
    pub door: OrderDoor,
    database: Database,
    users: Vec<(UserId, ConfigId)>,
    // In this order: the server ends before its directory goes.
    postgres: EmbeddedPostgres,
    _directory: TempDir,
}

impl DeskWorld {
    /// Starts a database server in a directory of its own, with so many users who trade.
    pub async fn start(users: usize, durability: Durability) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("pg");
        let start = move || EmbeddedPostgres::start(&path, durability);
        let postgres = tokio::task::spawn_blocking(start).await??;
        let url = SecretString::from(postgres.url("postgres"));
        let database = Database::connect(&url, DatabaseOptions::default()).await?;
        database.migrate().await?;
        let mut added = Vec::new();
        for number in 0..users {
            added.push(add_user(&database, number).await?);
        }
        let door = OrderDoor::open().await?;
        Ok(Self { door, database, users: added, postgres, _directory: directory })
    }

    /// Starts the desks of all users.
    pub async fn desks(&self, journalling: Journalling) -> anyhow::Result<DeskBench> {
        let address = self.door.address();
        let url = format!("http://{address}");
        let parts = DeskBenchParts {
            database: self.database.clone(),
            clock: Arc::new(WallClock),
            ids: Arc::new(RandomIds),
            endpoints: Endpoints {
                trading_url: url.clone(),
                data_url: url,
                trade_stream_url: format!("ws://{address}/stream"),
                stock_stream_url: format!("ws://{address}/v2/iex"),
                crypto_stream_url: format!("ws://{address}/v1beta3/crypto/us"),
                source: "bench",
            },
            keys: Keys { key_id: "bench".to_owned(), secret: "bench".to_owned().into() },
            desk: desk_settings()?,
            journal_batch_max: 256,
            journalling,
            users: self.users.iter().map(|(user, _)| *user).collect(),
            asset: asset(&Ticker::new(TICKER)?),
        };
        Ok(DeskBench::start(&parts).await?)
    }

    /// A fresh signal to buy, the same for all users.
    pub fn signal(&self) -> anyhow::Result<Arc<Signal>> {
        let ticker = Ticker::new(TICKER)?;
        let key = instance_key(&ticker);
        let (instance, at) = (key.id(), WallClock.now());
        Ok(Arc::new(Signal {
            id: SignalId::of(&instance, at, Stance::Long),
            instance,
            strategy: key.strategy,
            ticker,
            seconds: key.seconds,
            stance: Stance::Long,
            at,
            reference: PricePoint { price: 100.0, at },
            indicators: BTreeMap::from([
                ("sma_fast".to_owned(), 100.5),
                ("sma_slow".to_owned(), 100.3),
            ]),
        }))
    }

    /// The config of a user, and the id of the order that a signal causes in it.
    pub fn order_of(&self, user_index: usize, signal: &Signal) -> (ConfigId, ClientOrderId) {
        let (user, config) = self.users[user_index];
        (config, ClientOrderId::of_signal(user, config, signal.id))
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Asks the database for nothing: one statement there and back.
    pub async fn ping(&self) -> anyhow::Result<()> {
        Ok(self.database.ping().await?)
    }

    /// Ends the database.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.database.close().await;
        let ended = tokio::task::spawn_blocking(move || self.postgres.stop()).await?;
        Ok(ended?)
    }
}

fn desk_settings() -> anyhow::Result<DeskSettings> {
    let pause = Duration::from_millis(100);
    Ok(DeskSettings {
        limits: Limits {
            order_notional_max: Usd::new(Decimal::from(25_000)),
            orders_per_minute_max: u32::MAX,
            open_orders_max: 100,
            positions_max: 0,
            price_age_max_bars: 2,
            price_age_min_s: 30,
        },
        stop_fraction: "0.10".parse()?,
        default_strategy: "sma_cross".to_owned(),
        joins_standing: true,
        request_timeout: Duration::from_secs(5),
        order_deadline: Duration::from_secs(10),
        reconcile_interval: Duration::from_hours(1),
        backoff_min: pause,
        backoff_max: pause,
    })
}

/// A user whose one config is active.
async fn add_user(database: &Database, number: usize) -> anyhow::Result<(UserId, ConfigId)> {
    let now = WallClock.now();
    let (user_id, config_id) = (RandomIds.uuid(), RandomIds.uuid());
    let user = NewUser {
        id: user_id,
        email: format!("user{number}@example.com"),
        username: format!("user{number}"),
        password_hash: SecretString::from("nobody logs in"),
        first_name: None,
        last_name: None,
        role: Role::User,
        is_verified: true,
        created_at: now,
    };
    let key = instance_key(&Ticker::new(TICKER)?);
    let params = key.params.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
    let choice = StrategyChoice { strategy: key.strategy, params };
    let config = TradingConfig {
        id: config_id,
        user_id,
        name: "bench".to_owned(),
        tickers: vec![TICKER.to_owned()],
        check_interval: key.seconds,
        strategies: Some(Strategies::from([("*".to_owned(), choice)])),
        capital_share: Decimal::ONE,
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    let mut connection = database.pool().acquire().await?;
    storage::users::insert(&mut connection, &user).await?;
    storage::configs::insert(&mut connection, &config).await?;
    Ok((UserId::new(user_id), ConfigId::new(config_id)))
}
