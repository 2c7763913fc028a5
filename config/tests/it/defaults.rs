//! The compiled-in file.

use config::{DEFAULT_TOML, LogFormat, Sources, Speed};

#[test]
fn the_defaults_alone_are_complete_and_valid() {
    let loaded = Sources::default().load().unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(settings.venue.listen.to_string(), "127.0.0.1:8100");
    assert!(settings.storage.database_url.is_none());
    assert_eq!(settings.venue.speed, Speed::Times(1.0));
    assert_eq!(settings.log.format, LogFormat::Human);
    assert_eq!(settings.desk.max_order_notional_usd.to_string(), "25000");
    assert_eq!(settings.demo.tickers.len(), 5);
    assert_eq!(settings.demo.params.get("slow"), Some(&8.0));
    assert!(loaded.origins.is_empty(), "a default has no other origin");
    settings.check_run().unwrap();
}

#[test]
fn every_key_of_the_default_file_has_a_comment_above_it() {
    let mut before = "";
    let mut keys = 0;
    for line in DEFAULT_TOML.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            keys += 1;
            assert!(before.starts_with('#'), "no comment above: {line}");
        }
        before = line;
    }
    assert!(keys > 60, "found {keys} keys");
}
