//! Limits of each value that its type alone does not draw.

use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};

use crate::settings::{
    AuthSettings, BrokerSettings, DemoSettings, DeskSettings, ResearchSettings, Settings,
    VenueSettings,
};

/// A key and what is wrong with its value.
pub(crate) type Finding = (&'static str, String);

const DAY_S: u64 = 86_400;
/// Threads of one evaluation at most.
const JOBS_MAX: usize = 1_024;
const YEAR_S: u64 = 366 * DAY_S;

/// Everything out of bounds in settings whose types are right.
pub(crate) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    numbers(settings, &mut found);
    server_and_storage(settings, &mut found);
    auth(&settings.auth, &mut found);
    broker(&settings.broker, &mut found);
    venue(&settings.venue, &mut found);
    desk(&settings.desk, &mut found);
    demo(&settings.demo, &mut found);
    research(&settings.research, &mut found);
    back_offs(settings, &mut found);
    found
}

fn numbers(settings: &Settings, found: &mut Vec<Finding>) {
    let Settings { server, storage, auth, limits, venue, broker, market, desk, demo, .. } =
        settings;
    let supervision = &settings.supervision;
    let bounds: [(&'static str, u64, u64, u64); 34] = [
        ("server.request_timeout_s", server.request_timeout_s, 1, 600),
        ("server.body_limit_kb", server.body_limit_kb.into(), 1, 65_536),
        ("server.shutdown_grace_s", server.shutdown_grace_s, 0, 600),
        ("storage.max_connections", storage.max_connections.into(), 2, 1_000),
        ("storage.acquire_timeout_ms", storage.acquire_timeout_ms, 10, 60_000),
        ("storage.journal_batch_max", wide(storage.journal_batch_max), 1, 10_000),
        ("auth.bearer_access_lifetime_s", auth.bearer_access_lifetime_s, 60, 30 * DAY_S),
        ("auth.bearer_refresh_lifetime_s", auth.bearer_refresh_lifetime_s, 60, YEAR_S),
        ("auth.cookie_access_lifetime_s", auth.cookie_access_lifetime_s, 60, 30 * DAY_S),
        ("auth.cookie_refresh_lifetime_s", auth.cookie_refresh_lifetime_s, 60, YEAR_S),
        ("auth.login_attempts", auth.login_attempts.into(), 1, 1_000),
        ("auth.login_window_s", auth.login_window_s, 1, DAY_S),
        ("auth.argon2_memory_kb", auth.argon2_memory_kb.into(), 8, 1_048_576),
        ("auth.argon2_iterations", auth.argon2_iterations.into(), 1, 100),
        ("limits.api_requests_per_minute", limits.api_requests_per_minute.into(), 1, 1_000_000),
        ("limits.websockets_per_address", limits.websockets_per_address.into(), 1, 100_000),
        ("limits.price_frame_interval_ms", limits.price_frame_interval_ms, 10, 60_000),
        ("venue.requests_per_minute", venue.requests_per_minute.into(), 1, 10_000_000),
        ("venue.latency_ms", venue.latency_ms, 0, 60_000),
        ("broker.request_timeout_ms", broker.request_timeout_ms, 10, 120_000),
        ("broker.order_deadline_ms", broker.order_deadline_ms, 10, 3_600_000),
        ("broker.reconcile_interval_s", broker.reconcile_interval_s, 1, DAY_S),
        ("market.warmup_bars", wide(market.warmup_bars), 1, 10_000),
        ("market.bar_close_grace_ms", market.bar_close_grace_ms, 0, 60_000),
        ("market.stale_quote_s", market.stale_quote_s, 1, DAY_S),
        ("market.feed_backoff_min_ms", market.feed_backoff_min_ms, 1, 3_600_000),
        ("market.feed_backoff_max_ms", market.feed_backoff_max_ms, 1, 3_600_000),
        ("desk.orders_per_minute", desk.orders_per_minute.into(), 1, 100_000),
        ("desk.open_orders_max", desk.open_orders_max.into(), 1, 10_000),
        ("desk.price_age_max_bars", desk.price_age_max_bars.into(), 1, 1_000),
        ("demo.check_interval_s", demo.check_interval_s.into(), 1, DAY_S),
        ("supervision.window_s", supervision.window_s, 1, DAY_S),
        ("supervision.backoff_min_ms", supervision.backoff_min_ms, 1, 3_600_000),
        ("supervision.backoff_max_ms", supervision.backoff_max_ms, 1, 3_600_000),
    ];
    for (key, value, least, most) in bounds {
        if value < least || value > most {
            found.push((key, format!("{value} is out of bounds; allowed is {least} to {most}")));
        }
    }
}

fn server_and_storage(settings: &Settings, found: &mut Vec<Finding>) {
    for origin in &settings.server.cors_origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '*', ' '])) {
            let message = format!(
                "\"{origin}\" is not an origin; give scheme and host only, as \"https://example.org\""
            );
            found.push(("server.cors_origins", message));
        }
    }
    if settings.storage.data_dir.as_os_str().is_empty() {
        found.push(("storage.data_dir", "a directory is needed, such as \"./data\"".to_owned()));
    }
    secret_scheme(
        "storage.database_url",
        settings.storage.database_url.as_ref(),
        ["postgres://", "postgresql://"],
        found,
    );
    secret_scheme(
        "storage.redis_url",
        settings.storage.redis_url.as_ref(),
        ["redis://", "rediss://"],
        found,
    );
    if settings.log.filter.trim().is_empty() {
        found.push(("log.filter", "a level is needed, such as \"info\"".to_owned()));
    }
}

fn auth(auth: &AuthSettings, found: &mut Vec<Finding>) {
    if auth.jwt_secret.as_ref().is_some_and(|secret| secret.expose_secret().chars().count() < 32) {
        let message = "too short; give at least 32 characters, or leave it out to have one made";
        found.push(("auth.jwt_secret", message.to_owned()));
    }
    for (key, value) in
        [("auth.jwt_issuer", &auth.jwt_issuer), ("auth.jwt_audience", &auth.jwt_audience)]
    {
        if value.trim().is_empty() {
            found.push((key, "a name is needed, such as \"troupe\"".to_owned()));
        }
    }
    let faces = [
        (
            "auth.bearer_refresh_lifetime_s",
            auth.bearer_access_lifetime_s,
            auth.bearer_refresh_lifetime_s,
        ),
        (
            "auth.cookie_refresh_lifetime_s",
            auth.cookie_access_lifetime_s,
            auth.cookie_refresh_lifetime_s,
        ),
    ];
    for (key, access_s, refresh_s) in faces {
        if refresh_s < access_s {
            let message = format!("{refresh_s} is shorter than the access token's {access_s}");
            found.push((key, message));
        }
    }
}

fn broker(broker: &BrokerSettings, found: &mut Vec<Finding>) {
    let urls = [
        ("broker.base_url", &broker.base_url, ["https://", "http://"]),
        ("broker.data_url", &broker.data_url, ["https://", "http://"]),
        ("broker.stream_url", &broker.stream_url, ["wss://", "ws://"]),
    ];
    for (key, url, schemes) in urls {
        if !schemes.iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
            let message = format!("\"{url}\" does not start with {}", schemes.join(" or "));
            found.push((key, message));
        }
    }
    let half = match (&broker.key_id, &broker.secret_key) {
        (Some(_), None) => Some(("broker.secret_key", "key id")),
        (None, Some(_)) => Some(("broker.key_id", "secret key")),
        _ => None,
    };
    if let Some((key, other)) = half {
        found.push((key, format!("the {other} is set but this is not; set both or neither")));
    }
}

fn venue(venue: &VenueSettings, found: &mut Vec<Finding>) {
    if !(0.0..=1_000.0).contains(&venue.impact_bps) {
        let message = format!("{} is out of bounds; allowed is 0 to 1000", venue.impact_bps);
        found.push(("venue.impact_bps", message));
    }
}

fn desk(desk: &DeskSettings, found: &mut Vec<Finding>) {
    let stop = desk.stop_fraction;
    if stop <= Decimal::ZERO || stop >= Decimal::ONE {
        let message = format!("{stop} is out of bounds; a fraction is above 0 and below 1");
        found.push(("desk.stop_fraction", message));
    }
    if desk.max_order_notional_usd <= Decimal::ZERO {
        let message = format!("{} is out of bounds; give more than 0", desk.max_order_notional_usd);
        found.push(("desk.max_order_notional_usd", message));
    }
}

fn demo(demo: &DemoSettings, found: &mut Vec<Finding>) {
    if !demo.enabled {
        return;
    }
    if demo.username.trim().is_empty() {
        found.push(("demo.username", "a name is needed, or set demo.enabled = false".to_owned()));
    }
    if demo.tickers.iter().all(|ticker| ticker.trim().is_empty()) {
        let message = "at least one ticker is needed, or set demo.enabled = false";
        found.push(("demo.tickers", message.to_owned()));
    }
    if demo.params.values().any(|value| !value.is_finite()) {
        found.push(("demo.params", "a parameter is a finite number".to_owned()));
    }
}

fn research(research: &ResearchSettings, found: &mut Vec<Finding>) {
    let cash_max = Decimal::from(1_000_000_000_000_u64);
    if research.cash <= Decimal::ZERO || research.cash > cash_max {
        let message =
            format!("{} is out of bounds; allowed is above 0 to {cash_max}", research.cash);
        found.push(("research.cash", message));
    }
    let bps = research.slippage_bps;
    if bps < Decimal::ZERO || bps >= Decimal::from(10_000) {
        let message = format!("{bps} is out of bounds; allowed is 0 to below 10000");
        found.push(("research.slippage_bps", message));
    }
    if research.jobs > JOBS_MAX {
        let message = format!("{} is out of bounds; allowed is 0 to {JOBS_MAX}", research.jobs);
        found.push(("research.jobs", message));
    }
}

fn back_offs(settings: &Settings, found: &mut Vec<Finding>) {
    let (market, supervision) = (&settings.market, &settings.supervision);
    let pairs = [
        ("market.feed_backoff_max_ms", market.feed_backoff_min_ms, market.feed_backoff_max_ms),
        ("supervision.backoff_max_ms", supervision.backoff_min_ms, supervision.backoff_max_ms),
    ];
    for (key, least_ms, most_ms) in pairs {
        if most_ms < least_ms {
            found.push((key, format!("{most_ms} is below the shortest wait, {least_ms}")));
        }
    }
}

/// Checks the start of a URL without ever showing it: the rest may hold a password.
fn secret_scheme(
    key: &'static str,
    url: Option<&SecretString>,
    schemes: [&str; 2],
    found: &mut Vec<Finding>,
) {
    let fits = |url: &SecretString| schemes.iter().any(|s| url.expose_secret().starts_with(s));
    if url.is_some_and(|url| !fits(url)) {
        found.push((key, format!("must start with {}", schemes.join(" or "))));
    }
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
