//! The demo user and its configs, so that a fresh start shows something.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use config::{DemoSettings, Settings};
use engine::{Clock, IdSource as _};
use gateway::PasswordCost;
use gateway::password;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret as _, SecretString};
use storage::configs::{self, Activity, Strategies, StrategyChoice, TradingConfig};
use storage::users::{self, NewUser, Role, User};
use storage::{Database, PgConnection};
use venue::Venue;

use crate::edge::{RandomIds, WallClock};
use crate::key_file;

/// Name of the config that trades the synthetic market.
const DEMO_CONFIG: &str = "demo";

/// Start of the names of configs that trade a recording.
const REPLAY_CONFIG: &str = "replay";

/// Bars that a tape of single trades is cut into.
const TICK_BAR_SECONDS: u32 = 60;

/// Under this key a config names the strategy of all its tickers.
const ALL_TICKERS: &str = "*";

/// A config to be.
struct Wanted {
    name: String,
    tickers: Vec<String>,
    seconds: u32,
    strategies: Option<Strategies>,
}

/// Makes sure that the demo user and an active config of its are there. In a replay, which has a
/// database of its own, the configs trade what the recording holds.
pub(super) async fn prepare(
    database: &Database,
    settings: &Settings,
    venue: Option<&Venue>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let demo = &settings.demo;
    // Real money is never traded by a config that nobody asked for.
    let Some(venue) = venue.filter(|_| demo.enabled) else { return Ok(()) };
    let mut connection = database.pool().acquire().await?;
    let user = user(&mut connection, settings).await?;
    if venue.replay_progress().is_none() {
        let configs = configs::list(&mut connection, user.id).await?;
        if !configs.iter().any(|config| config.name == DEMO_CONFIG) {
            let wanted = Wanted {
                name: DEMO_CONFIG.to_owned(),
                tickers: demo.tickers.clone(),
                seconds: demo.check_interval_s,
                strategies: Some(strategies(demo)),
            };
            insert(&mut connection, &user, wanted, clock).await?;
        }
        return Ok(());
    }
    let foreign = configs::all_active(&mut connection).await?;
    anyhow::ensure!(
        foreign.iter().all(|config| config.name.starts_with(REPLAY_CONFIG)),
        "this database holds active configs that are not of a replay: give the replay a database \
         of its own, or leave DATABASE_URL out"
    );
    // A replay that was broken off goes on; one that ended is run anew, as a new config.
    if foreign.is_empty() {
        let run = configs::list(&mut connection, user.id).await?.len() + 1;
        for wanted in of_recording(venue, run) {
            insert(&mut connection, &user, wanted, clock).await?;
        }
    }
    Ok(())
}

/// The recording is over: its configs trade no more, and the next run gets new ones.
pub(super) async fn finish_replay(database: &Database, settings: &Settings) -> anyhow::Result<()> {
    if !settings.demo.enabled {
        return Ok(());
    }
    let mut connection = database.pool().acquire().await?;
    for config in configs::all_active(&mut connection).await? {
        let (user, id) = (config.user_id, config.id);
        let now = WallClock.now();
        configs::set_active(&mut connection, user, id, Activity::Inactive, now).await?;
    }
    Ok(())
}

/// How to log in as the demo user.
pub(super) fn login(settings: &Settings) -> Option<String> {
    if !settings.demo.enabled || !settings.venue.enabled {
        return None;
    }
    let name = &settings.demo.username;
    if settings.demo.password.is_some() {
        return Some(format!("log in as {name} with the password of setting demo.password"));
    }
    let file = settings.storage.data_dir.join("demo-password");
    Some(format!("log in as {name}, the password is in {}", file.display()))
}

/// One config for each bar length of the recording.
fn of_recording(venue: &Venue, run: usize) -> Vec<Wanted> {
    let mut lengths: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for instrument in venue.instruments() {
        let seconds = instrument.bar_seconds.unwrap_or(TICK_BAR_SECONDS);
        lengths.entry(seconds).or_default().push(instrument.symbol);
    }
    let wanted = lengths.into_iter().map(|(seconds, tickers)| Wanted {
        name: format!("{REPLAY_CONFIG} {run}: {seconds} s bars"),
        tickers,
        seconds,
        // The default strategy, for every ticker.
        strategies: None,
    });
    wanted.collect()
}

fn strategies(demo: &DemoSettings) -> Strategies {
    let params = demo.params.iter().map(|(name, value)| (name.clone(), (*value).into()));
    let choice = StrategyChoice { strategy: demo.strategy.clone(), params: params.collect() };
    Strategies::from([(ALL_TICKERS.to_owned(), choice)])
}

async fn insert(
    connection: &mut PgConnection,
    user: &User,
    wanted: Wanted,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<()> {
    let now = clock.now();
    let config = TradingConfig {
        id: RandomIds.uuid(),
        user_id: user.id,
        name: wanted.name,
        tickers: wanted.tickers,
        check_interval: wanted.seconds,
        strategies: wanted.strategies,
        capital_share: Decimal::ONE,
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    Ok(configs::insert(connection, &config).await?)
}

async fn user(connection: &mut PgConnection, settings: &Settings) -> anyhow::Result<User> {
    let name = &settings.demo.username;
    if let Some(user) = users::by_username_or_email(connection, name).await? {
        return Ok(user);
    }
    let password = password(settings)?;
    let cost = PasswordCost {
        memory_kb: settings.auth.argon2_memory_kb,
        iterations: settings.auth.argon2_iterations,
    };
    let hashing = tokio::task::spawn_blocking(move || password::hash(&password, cost));
    let password_hash = hashing.await.context("the password could not be hashed")??;
    let user = NewUser {
        id: RandomIds.uuid(),
        email: format!("{name}@example.com"),
        username: name.clone(),
        password_hash,
        first_name: None,
        last_name: None,
        // It may look at the actors: on this machine that is what it is for.
        role: Role::Operator,
        is_verified: true,
        created_at: WallClock.now(),
    };
    Ok(users::insert(connection, &user).await?)
}

fn password(settings: &Settings) -> anyhow::Result<SecretString> {
    match &settings.demo.password {
        Some(password) => Ok(SecretString::from(password.expose_secret())),
        None => key_file::read_or_make(
            &settings.storage.data_dir.join("demo-password"),
            key_file::random_password,
        ),
    }
}
