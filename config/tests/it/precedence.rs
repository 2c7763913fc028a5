//! Which source wins.

use config::{Overrides, Place, Speed};
use secrecy::ExposeSecret;

use crate::support::{file, variables, with_variables};

#[test]
fn a_file_overrides_the_default_a_variable_the_file_and_a_flag_the_variable() {
    let (_directory, mut sources) =
        file("[server]\nlisten = \"127.0.0.1:1\"\n[venue]\nseed = 1\n[market]\nwarmup_bars = 11\n");
    sources.environment =
        variables(&[("TROUPE__SERVER__LISTEN", "127.0.0.1:2"), ("TROUPE__VENUE__SEED", "2")]);
    sources.overrides.set("--seed", "venue.seed", 3);
    let loaded = sources.load().unwrap();
    assert_eq!(loaded.settings.market.warmup_bars, 11);
    assert_eq!(loaded.settings.server.listen.port(), 2);
    assert_eq!(loaded.settings.venue.seed, 3);
    assert_eq!(loaded.origins.get("venue.seed"), Some(&Place::Flag("--seed")));
    assert!(
        matches!(loaded.origins.get("market.warmup_bars"), Some(Place::File { line: Some(6), .. })),
        "{:?}",
        loaded.origins
    );
}

#[test]
fn a_well_known_variable_wins_over_ours_and_an_empty_one_sets_nothing() {
    let settings = with_variables(&[
        ("TROUPE__STORAGE__DATABASE_URL", "postgres://one/a"),
        ("DATABASE_URL", "postgres://two/b"),
        ("REDIS_URL", ""),
        ("APCA_API_KEY_ID", "PK1"),
        ("APCA_API_SECRET_KEY", "0123456789"),
    ])
    .unwrap();
    assert_eq!(settings.storage.database_url.unwrap().expose_secret(), "postgres://two/b");
    assert!(settings.storage.redis_url.is_none());
    assert_eq!(settings.broker.secret_key.unwrap().expose_secret(), "0123456789");
}

#[test]
fn a_variable_is_read_as_the_kind_of_value_its_key_takes() {
    let settings = with_variables(&[
        ("TROUPE__DEMO__TICKERS", "AAPL, BTC/USD"),
        ("TROUPE__DEMO__USERNAME", "1234"),
        ("TROUPE__DEMO__PARAMS", "{ fast = 5, slow = 12.5 }"),
        ("TROUPE__DEMO__ENABLED", "true"),
        ("TROUPE__VENUE__SPEED", "max"),
        ("TROUPE__VENUE__REPLAY", "recordings"),
        ("TROUPE__DESK__STOP_FRACTION", "0.25"),
        ("TROUPE__SERVER__CORS_ORIGINS", r#"["https://a.example", "https://b.example"]"#),
    ])
    .unwrap();
    assert_eq!(settings.demo.tickers, ["AAPL", "BTC/USD"]);
    assert_eq!(settings.demo.username, "1234");
    assert_eq!(settings.demo.params.get("slow"), Some(&12.5));
    assert_eq!(settings.demo.params.len(), 2);
    assert_eq!(settings.venue.speed, Speed::Max);
    assert_eq!(settings.venue.replay.unwrap().to_str(), Some("recordings"));
    assert_eq!(settings.desk.stop_fraction.to_string(), "0.25");
    assert_eq!(settings.server.cors_origins.len(), 2);
}

#[test]
fn another_demo_strategy_drops_the_parameters_of_the_default_one() {
    let settings = with_variables(&[("TROUPE__DEMO__STRATEGY", "rsi")]).unwrap();
    assert!(settings.demo.params.is_empty(), "{:?}", settings.demo.params);
    let settings = with_variables(&[
        ("TROUPE__DEMO__STRATEGY", "rsi"),
        ("TROUPE__DEMO__PARAMS", "{ period = 7 }"),
    ])
    .unwrap();
    assert_eq!(settings.demo.params.get("period"), Some(&7.0));
}

#[test]
fn variables_of_other_programs_are_passed_over() {
    let settings = with_variables(&[("TROUPE_PROFILE", "release"), ("HOME", "/"), ("LANG", "C")]);
    assert!(settings.is_ok());
}

#[test]
fn a_number_in_the_file_serves_where_an_amount_or_a_speed_is_written_as_text() {
    let (_directory, sources) =
        file("[venue]\nspeed = 60\n[desk]\nmax_order_notional_usd = 100.5\n");
    let settings = sources.load().unwrap().settings;
    assert_eq!(settings.venue.speed, Speed::Times(60.0));
    assert_eq!(settings.desk.max_order_notional_usd.to_string(), "100.5");
}

#[test]
fn the_last_flag_for_a_key_wins() {
    let mut overrides = Overrides::default();
    overrides.set("--seed", "venue.seed", 1);
    overrides.set("--seed", "venue.seed", 2);
    let sources = config::Sources { overrides, ..config::Sources::default() };
    assert_eq!(sources.load().unwrap().settings.venue.seed, 2);
}
