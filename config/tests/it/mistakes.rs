//! Wrong keys and values: each names itself, its place and what is allowed.

use config::{ProblemKind, Sources};

use crate::support::{complaint, file, with_variables};

#[test]
fn an_unknown_key_of_a_file_names_itself_its_line_and_the_nearest_key() {
    let (_directory, sources) = file("[server]\n\nlistn = \"127.0.0.1:1\"\n");
    let error = sources.load().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("unknown setting server.listn"), "{text}");
    assert!(text.contains("troupe.toml line 3"), "{text}");
    assert!(text.contains("did you mean server.listen?"), "{text}");
    assert_eq!(error.problems()[0].kind.code(), "unknown_setting");
}

#[test]
fn an_unknown_variable_names_itself_and_the_nearest_variable() {
    let text = complaint(&[("TROUPE__SERVER__LISTN", "127.0.0.1:1")]);
    assert!(text.contains("variable TROUPE__SERVER__LISTN"), "{text}");
    assert!(text.contains("did you mean TROUPE__SERVER__LISTEN?"), "{text}");
}

#[test]
fn a_key_like_no_other_is_answered_with_the_keys_of_its_section_or_with_the_sections() {
    let text = complaint(&[("TROUPE__LOG__ZZZZZZZZZZ", "1")]);
    assert!(text.contains("allowed are TROUPE__LOG__FILTER, TROUPE__LOG__FORMAT"), "{text}");
    let text = complaint(&[("TROUPE__QUXQUXQUX__ZZZZZZZZZZ", "1")]);
    assert!(text.contains("the sections are auth, broker, demo, desk"), "{text}");
}

#[test]
fn a_value_of_the_wrong_kind_names_key_place_value_and_what_is_expected() {
    for (name, value, expected) in [
        ("TROUPE__SERVER__LISTEN", "localhost", "such as 127.0.0.1:8000"),
        ("TROUPE__SERVER__REQUEST_TIMEOUT_S", "soon", "expected a whole number from 0"),
        ("TROUPE__SERVER__REQUEST_TIMEOUT_S", "-1", "expected a whole number from 0"),
        ("TROUPE__VENUE__ALWAYS_OPEN", "maybe", "expected true or false"),
        ("TROUPE__VENUE__SPEED", "fast", "a speed is \"max\" or a number above 0"),
        ("TROUPE__VENUE__FILLS", "hopeful", "allowed are alpaca"),
        ("TROUPE__LOG__FORMAT", "xml", "allowed are human, json"),
        ("TROUPE__DESK__STOP_FRACTION", "a lot", "an amount is a decimal number"),
        ("TROUPE__RESEARCH__COMMISSION", "cheap", "a rate per side from 0 to below 1"),
        ("TROUPE__RESEARCH__COMMISSION", "1.5", "a rate per side from 0 to below 1"),
        ("TROUPE__RESEARCH__FILL", "best-price", "allowed are next-open, same-close"),
        ("TROUPE__RESEARCH__DIRECTION", "short", "allowed are long, long-short"),
    ] {
        let text = complaint(&[(name, value)]);
        assert!(text.contains(&format!("variable {name}")), "{text}");
        assert!(text.contains(value), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_value_out_of_bounds_names_the_bounds() {
    for (name, value, expected) in [
        ("TROUPE__SERVER__REQUEST_TIMEOUT_S", "0", "allowed is 1 to 600"),
        ("TROUPE__STORAGE__MAX_CONNECTIONS", "1", "allowed is 2 to 1000"),
        ("TROUPE__DESK__STOP_FRACTION", "1.5", "above 0 and below 1"),
        ("TROUPE__RESEARCH__CASH", "0", "allowed is above 0"),
        ("TROUPE__RESEARCH__SLIPPAGE_BPS", "10000", "allowed is 0 to below 10000"),
        ("TROUPE__RESEARCH__JOBS", "5000", "allowed is 0 to 1024"),
        ("TROUPE__DESK__MAX_ORDER_NOTIONAL_USD", "-5", "more than 0"),
        ("TROUPE__BROKER__BASE_URL", "ftp://x", "does not start with https:// or http://"),
        ("TROUPE__SERVER__CORS_ORIGINS", "https://a.example/path", "scheme and host only"),
        ("TROUPE__DEMO__TICKERS", "", "at least one ticker"),
        ("TROUPE__SUPERVISION__BACKOFF_MAX_MS", "5", "below the shortest wait"),
        ("TROUPE__AUTH__COOKIE_REFRESH_LIFETIME_S", "60", "shorter than the access token's"),
        ("TROUPE__STORAGE__DATA_DIR", "", "a directory is needed"),
    ] {
        let text = complaint(&[(name, value)]);
        assert!(text.contains(&format!("variable {name}")), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let error = with_variables(&[
        ("TROUPE__SERVER__LISTEN", "nowhere"),
        ("TROUPE__VENUE__SEED", "x"),
        ("TROUPE__LOG__FROMAT", "json"),
        ("TROUPE__LIMITS__WEBSOCKETS_PER_ADDRESS", "0"),
    ])
    .unwrap_err();
    let mut keys: Vec<&str> = error.problems().iter().map(|problem| problem.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["limits.websockets_per_address", "log.fromat", "server.listen", "venue.seed"]
    );
    assert!(error.to_string().starts_with("4 settings are wrong:"), "{error}");
}

#[test]
fn a_section_given_as_a_value_and_a_value_given_as_a_section_are_named() {
    let (_directory, sources) = file("server = 5\n");
    let text = sources.load().unwrap_err().to_string();
    assert!(text.contains("setting server ("), "{text}");
    assert!(text.contains("line 1): this is a section"), "{text}");
    let (_directory, sources) = file("[server.listen]\nport = 1\n");
    let text = sources.load().unwrap_err().to_string();
    assert!(text.contains("unknown setting server.listen.port"), "{text}");
}

#[test]
fn a_file_that_is_missing_or_not_toml_is_named_with_the_line() {
    let sources = Sources { file: Some("no/such/troupe.toml".into()), ..Sources::default() };
    let error = sources.load().unwrap_err();
    assert_eq!(error.problems()[0].kind, ProblemKind::UnreadableFile);
    assert!(error.to_string().contains("no/such/troupe.toml"), "{error}");
    let (_directory, sources) = file("[server]\nlisten = \"127.0.0.1\n");
    let text = sources.load().unwrap_err().to_string();
    assert!(text.contains("troupe.toml line 2: not valid TOML"), "{text}");
}

#[test]
fn running_without_the_venue_needs_keys_and_two_listeners_need_two_addresses() {
    let settings = with_variables(&[("TROUPE__VENUE__ENABLED", "false")]).unwrap();
    let text = settings.check_run().unwrap_err().to_string();
    assert!(text.contains("APCA_API_KEY_ID"), "{text}");
    let settings = with_variables(&[("TROUPE__VENUE__LISTEN", "127.0.0.1:8000")]).unwrap();
    let text = settings.check_run().unwrap_err().to_string();
    assert!(text.contains("venue.listen"), "{text}");
}
