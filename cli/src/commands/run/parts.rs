//! The typed parts that each crate is started with, made from the settings.

use std::sync::Arc;
use std::time::Duration;

use actors::{
    DeskSettings, Endpoints, FeedTime, Keys, MarketSettings, SupervisionPolicy, TroupeParts,
};
use anyhow::Context as _;
use config::{Settings, StockFeed};
use engine::risk::Limits;
use engine::strategy::Params;
use engine::{Clock, Timestamp, Usd};
use gateway::{AuthSettings, GatewaySettings, Lifetimes, LimitSettings, PasswordCost};
use secrecy::SecretString;
use storage::Database;
use venue::{AccountSpec, Venue, VenueClock};

use crate::edge::RandomIds;
use crate::key_file;

/// The venue's clock as the engine takes it: the wall, or the tape of a replay.
#[derive(Debug)]
struct MarketClock(VenueClock);

impl Clock for MarketClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// The clock that orders and bars live by.
pub(super) fn market_clock(venue: Option<&Venue>) -> Arc<dyn Clock> {
    match venue {
        Some(venue) => Arc::new(MarketClock(venue.clock())),
        None => super::wall(),
    }
}

/// What the actors are made of.
pub(super) fn troupe(
    settings: &Settings,
    database: &Database,
    venue: Option<&Venue>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<TroupeParts> {
    strategies::complete_single(&settings.desk.default_strategy, &Params::new())
        .context("setting desk.default_strategy")?;
    Ok(TroupeParts {
        database: database.clone(),
        clock: Arc::clone(clock),
        ids: Arc::new(RandomIds),
        endpoints: endpoints(settings, venue),
        keys: keys(settings, venue)?,
        market: market(settings, venue),
        desk: desk(settings),
        supervision: SupervisionPolicy {
            max_restarts: settings.supervision.max_restarts,
            window: Duration::from_secs(settings.supervision.window_s),
            backoff_min: Duration::from_millis(settings.supervision.backoff_min_ms),
            backoff_max: Duration::from_millis(settings.supervision.backoff_max_ms),
        },
        journal_batch_max: settings.storage.journal_batch_max,
    })
}

/// What the gateway is told.
pub(super) fn gateway(settings: &Settings) -> anyhow::Result<GatewaySettings> {
    let auth = &settings.auth;
    let (server, limits) = (&settings.server, &settings.limits);
    let seconds = Duration::from_secs;
    let origins = server.cors_origins.iter().map(|origin| {
        origin.parse().with_context(|| format!("setting server.cors_origins: {origin}"))
    });
    Ok(GatewaySettings {
        auth: AuthSettings {
            jwt_secret: jwt_secret(settings)?,
            issuer: auth.jwt_issuer.clone(),
            audience: auth.jwt_audience.clone(),
            bearer: Lifetimes {
                access: seconds(auth.bearer_access_lifetime_s),
                refresh: seconds(auth.bearer_refresh_lifetime_s),
            },
            cookie: Lifetimes {
                access: seconds(auth.cookie_access_lifetime_s),
                refresh: seconds(auth.cookie_refresh_lifetime_s),
            },
            login_attempts: auth.login_attempts,
            login_window: seconds(auth.login_window_s),
            password: PasswordCost {
                memory_kb: auth.argon2_memory_kb,
                iterations: auth.argon2_iterations,
            },
        },
        limits: LimitSettings {
            requests_per_minute: limits.api_requests_per_minute,
            websockets_per_address: limits.websockets_per_address,
            body_bytes: usize::try_from(server.body_limit_kb)?.saturating_mul(1024),
        },
        cors_origins: origins.collect::<anyhow::Result<_>>()?,
        cookie_secure: !server.listen.ip().is_loopback(),
        request_timeout: seconds(server.request_timeout_s),
        shutdown_grace: seconds(server.shutdown_grace_s),
        price_frame_interval: Duration::from_millis(limits.price_frame_interval_ms),
    })
}

fn jwt_secret(settings: &Settings) -> anyhow::Result<SecretString> {
    match &settings.auth.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None => {
            key_file::read_or_make(&settings.storage.data_dir.join("jwt.key"), key_file::random_key)
        }
    }
}

fn endpoints(settings: &Settings, venue: Option<&Venue>) -> Endpoints {
    if let Some(venue) = venue {
        let address = venue.address();
        let (http, ws) = (format!("http://{address}"), format!("ws://{address}"));
        return Endpoints {
            trading_url: http.clone(),
            data_url: http,
            trade_stream_url: format!("{ws}/stream"),
            stock_stream_url: format!("{ws}/v2/iex"),
            crypto_stream_url: format!("{ws}/v1beta3/crypto/us"),
            source: "venue",
        };
    }
    let broker = &settings.broker;
    let slashless = |url: &str| url.trim_end_matches('/').to_owned();
    let trading_url = slashless(&broker.base_url);
    let stream = slashless(&broker.stream_url);
    let feed = match broker.stock_feed {
        StockFeed::Iex => "iex",
        StockFeed::Sip => "sip",
    };
    Endpoints {
        // http becomes ws, and https wss.
        trade_stream_url: format!("{}/stream", trading_url.replacen("http", "ws", 1)),
        trading_url,
        data_url: slashless(&broker.data_url),
        stock_stream_url: format!("{stream}/v2/{feed}"),
        crypto_stream_url: format!("{stream}/v1beta3/crypto/us"),
        source: "alpaca",
    }
}

fn keys(settings: &Settings, venue: Option<&Venue>) -> anyhow::Result<Keys> {
    if venue.is_some() && settings.venue.accounts.is_none() {
        let AccountSpec { key_id, secret, .. } = AccountSpec::demo();
        return Ok(Keys { key_id, secret });
    }
    if venue.is_some() {
        let options = crate::exchange::options(settings)?;
        let first = options.accounts.into_iter().next().context("the venue has no account")?;
        return Ok(Keys { key_id: first.key_id, secret: first.secret });
    }
    let broker = &settings.broker;
    match (&broker.key_id, &broker.secret_key) {
        (Some(key_id), Some(secret)) => Ok(Keys {
            key_id: secrecy::ExposeSecret::expose_secret(key_id).to_owned(),
            secret: secret.clone(),
        }),
        _ => anyhow::bail!(
            "trading at Alpaca needs keys: set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or leave \
             out --no-venue to trade at the built-in venue"
        ),
    }
}

fn market(settings: &Settings, venue: Option<&Venue>) -> MarketSettings {
    let market = &settings.market;
    let replay = venue.is_some_and(|venue| venue.replay_progress().is_some());
    MarketSettings {
        warmup_bars: u32::try_from(market.warmup_bars).unwrap_or(u32::MAX),
        time: if replay {
            FeedTime::Events
        } else {
            FeedTime::Wall { grace: Duration::from_millis(market.bar_close_grace_ms) }
        },
        backoff_min: Duration::from_millis(market.feed_backoff_min_ms),
        backoff_max: Duration::from_millis(market.feed_backoff_max_ms),
    }
}

fn desk(settings: &Settings) -> DeskSettings {
    let (desk, broker, market) = (&settings.desk, &settings.broker, &settings.market);
    DeskSettings {
        limits: Limits {
            order_notional_max: Usd::new(desk.max_order_notional_usd),
            orders_per_minute_max: desk.orders_per_minute,
            open_orders_max: desk.open_orders_max,
            // Each user's own, from the database.
            positions_max: 0,
            price_age_max_bars: desk.price_age_max_bars,
            price_age_min_s: u32::try_from(market.stale_quote_s).unwrap_or(u32::MAX),
        },
        stop_fraction: desk.stop_fraction,
        default_strategy: desk.default_strategy.clone(),
        joins_standing: desk.enter_on_activation,
        request_timeout: Duration::from_millis(broker.request_timeout_ms),
        order_deadline: Duration::from_millis(broker.order_deadline_ms),
        reconcile_interval: Duration::from_secs(broker.reconcile_interval_s),
        backoff_min: Duration::from_millis(market.feed_backoff_min_ms),
        backoff_max: Duration::from_millis(market.feed_backoff_max_ms),
    }
}
