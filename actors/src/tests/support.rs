//! A venue, a database and the actors between them.

use crate::{
    DeskSettings, Endpoints, FeedTime, Keys, MarketSettings, SupervisionPolicy, Troupe, TroupeParts,
};
use chrono::Utc;
use engine::risk::Limits;
use engine::{Clock, ConfigId, IdSource, Timestamp, Usd, UserId};
use rust_decimal::Decimal;
use secrecy::SecretString;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use storage::configs::{Strategies, StrategyChoice, TradingConfig};
use storage::testing::TestDatabase;
use storage::users::{NewUser, Role};
use uuid::Uuid;
use venue::{AccountSpec, Source, SyntheticOptions, Venue, VenueClock, VenueOptions};

/// Longest wait of a test for something that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct MarketClock(VenueClock);

#[derive(Debug)]
struct RandomIds;

impl Clock for MarketClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl IdSource for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "each test has names of its own")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

#[expect(clippy::disallowed_methods, reason = "each test has ids of its own")]
pub(super) fn new_id() -> Uuid {
    Uuid::new_v4()
}

/// An invented, lively market round the clock.
pub(super) async fn synthetic_venue() -> Venue {
    let source = Source::Synthetic(SyntheticOptions {
        seed: 7,
        always_open: true,
        liveliness: 8.0,
        ..SyntheticOptions::default()
    });
    venue(VenueOptions { source, ..VenueOptions::default() }).await
}

pub(super) async fn venue(options: VenueOptions) -> Venue {
    logs();
    let options = VenueOptions { requests_per_minute: 1_000_000, ..options };
    Venue::start(options).await.expect("the venue starts")
}

/// Log lines of a test that fails are shown with it.
pub(super) fn logs() {
    let filter = tracing_subscriber::EnvFilter::new("info,ractor=warn,ractor_supervisor=warn");
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer();
    // The first test of a process starts them for all.
    drop(lines.try_init());
}

pub(super) async fn troupe(database: &TestDatabase, venue: &Venue, time: FeedTime) -> Troupe {
    Troupe::start(parts(database, venue, time)).await.expect("the actors start")
}

pub(super) fn parts(database: &TestDatabase, venue: &Venue, time: FeedTime) -> TroupeParts {
    let address = venue.address();
    let AccountSpec { key_id, secret, .. } = AccountSpec::demo();
    let (backoff_min, backoff_max) = (Duration::from_millis(20), Duration::from_millis(500));
    TroupeParts {
        database: database.database().clone(),
        clock: Arc::new(MarketClock(venue.clock())),
        ids: Arc::new(RandomIds),
        endpoints: Endpoints {
            trading_url: format!("http://{address}"),
            data_url: format!("http://{address}"),
            trade_stream_url: format!("ws://{address}/stream"),
            stock_stream_url: format!("ws://{address}/v2/iex"),
            crypto_stream_url: format!("ws://{address}/v1beta3/crypto/us"),
            source: "venue",
        },
        keys: Keys { key_id, secret },
        market: MarketSettings { warmup_bars: 50, time, backoff_min, backoff_max },
        desk: DeskSettings {
            limits: Limits {
                order_notional_max: Usd::new(Decimal::from(25_000)),
                orders_per_minute_max: 100_000,
                open_orders_max: 100,
                positions_max: 0,
                price_age_max_bars: 2,
                price_age_min_s: 30,
            },
            stop_fraction: "0.10".parse().expect("a decimal"),
            default_strategy: "sma_cross".to_owned(),
            joins_standing: true,
            request_timeout: Duration::from_secs(5),
            order_deadline: Duration::from_secs(10),
            reconcile_interval: Duration::from_mins(10),
            backoff_min,
            backoff_max,
        },
        supervision: SupervisionPolicy {
            max_restarts: 10,
            window: Duration::from_mins(1),
            backoff_min,
            backoff_max,
        },
        journal_batch_max: 256,
    }
}

pub(super) fn wall() -> FeedTime {
    FeedTime::Wall { grace: Duration::from_millis(200) }
}

/// A user with the table's defaults.
pub(super) async fn user(database: &TestDatabase) -> UserId {
    let id = new_id();
    let name = format!("u{}", id.simple());
    let user = NewUser {
        id,
        email: format!("{name}@example.com"),
        username: name.chars().take(30).collect(),
        password_hash: SecretString::from("not a hash"),
        first_name: None,
        last_name: None,
        role: Role::User,
        is_verified: true,
        created_at: now(),
    };
    let mut connection = database.pool().acquire().await.expect("a connection");
    storage::users::insert(&mut connection, &user).await.expect("the user is new");
    UserId::new(id)
}

/// A config that runs `sma_cross` with averages of 2 and 3 bars.
pub(super) async fn config(
    database: &TestDatabase,
    user: UserId,
    tickers: &[&str],
    seconds: u32,
) -> ConfigId {
    let choice = choice("sma_cross", &[("fast", 2.0), ("slow", 3.0)]);
    let strategies = Strategies::from([("*".to_owned(), choice)]);
    config_with(database, user, tickers, strategies, seconds).await
}

/// Which strategy trades which ticker, with which parameters.
pub(super) type Rule = (&'static str, &'static str, &'static [(&'static str, f64)]);

/// A config that runs a strategy of its own for each ticker.
pub(super) async fn config_of_rules(
    database: &TestDatabase,
    user: UserId,
    rules: &[Rule],
    seconds: u32,
) -> ConfigId {
    let of = |(ticker, name, params): &Rule| ((*ticker).to_owned(), choice(name, params));
    let tickers: Vec<&str> = rules.iter().map(|(ticker, ..)| *ticker).collect();
    config_with(database, user, &tickers, rules.iter().map(of).collect(), seconds).await
}

fn choice(strategy: &str, params: &[(&str, f64)]) -> StrategyChoice {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    StrategyChoice { strategy: strategy.to_owned(), params: params.collect() }
}

async fn config_with(
    database: &TestDatabase,
    user: UserId,
    tickers: &[&str],
    strategies: Strategies,
    seconds: u32,
) -> ConfigId {
    let id = new_id();
    let config = TradingConfig {
        id,
        user_id: user.as_uuid(),
        name: id.to_string(),
        tickers: tickers.iter().map(|ticker| (*ticker).to_owned()).collect(),
        check_interval: seconds,
        strategies: Some(strategies),
        capital_share: Decimal::ONE,
        is_active: false,
        created_at: now(),
        updated_at: now(),
    };
    let mut connection = database.pool().acquire().await.expect("a connection");
    storage::configs::insert(&mut connection, &config).await.expect("the config is new");
    ConfigId::new(id)
}

/// Waits for a state, and gives up loudly.
pub(super) async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_elapsed| panic!("never happened: {what}"))
}

/// Activates as soon as the venue's tickers are known.
pub(super) async fn activate(troupe: &Troupe, user: UserId, config: ConfigId) {
    wait_for("the config is active", || async { troupe.activate(user, config).await.ok() }).await;
}

/// The trades of a user, newest first.
pub(super) async fn trades(database: &TestDatabase, user: UserId) -> Vec<storage::trades::Trade> {
    let mut connection = database.pool().acquire().await.expect("a connection");
    let filter = storage::trades::TradeFilter::default();
    let page = storage::page::PageRequest { limit: 1_000, offset: 0 };
    let page = storage::trades::history(&mut connection, user.as_uuid(), &filter, page).await;
    page.expect("trades are readable").items
}

/// The client order ids that the venue knows, with their filled quantities.
pub(super) async fn venue_orders(venue: &Venue) -> Vec<(String, Decimal)> {
    let AccountSpec { key_id, secret, .. } = AccountSpec::demo();
    let url = format!("http://{}/v2/orders?status=all&limit=500", venue.address());
    let answer = reqwest::Client::new()
        .get(url)
        .header("APCA-API-KEY-ID", key_id)
        .header("APCA-API-SECRET-KEY", secrecy::ExposeSecret::expose_secret(&secret))
        .send()
        .await
        .expect("the venue answers");
    let orders: Vec<serde_json::Value> = answer.json().await.expect("a list of orders");
    let of = |order: serde_json::Value| {
        let id = order["client_order_id"].as_str().expect("an id").to_owned();
        let filled: Decimal = order["filled_qty"].as_str().expect("text").parse().expect("decimal");
        (id, filled.normalize())
    };
    orders.into_iter().map(of).collect()
}

pub(super) fn debug(value: &impl Debug) -> String {
    format!("{value:#?}")
}

#[expect(clippy::disallowed_methods, reason = "rows of a test are made now")]
fn now() -> Timestamp {
    Utc::now()
}
