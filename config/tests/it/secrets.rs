//! Secrets are never shown, neither when they are right nor when they are wrong.

use config::{Overrides, Sources};

use crate::support::{complaint, file, variables, with_variables};

const SECRETS: [(&str, &str); 6] = [
    ("TROUPE__AUTH__JWT_SECRET", "0123456789abcdef0123456789abcdef-hush"),
    ("TROUPE__DEMO__PASSWORD", "hush-password"),
    ("DATABASE_URL", "postgres://hush-user:hush-pass@host/db"),
    ("REDIS_URL", "redis://:hush-pass@host"),
    ("APCA_API_KEY_ID", "hush-key"),
    ("APCA_API_SECRET_KEY", "hush-secret"),
];

#[test]
fn debug_output_of_settings_and_sources_shows_no_secret() {
    let settings = with_variables(&SECRETS).unwrap();
    let mut overrides = Overrides::default();
    overrides.set("--database-url", "storage.database_url", "postgres://hush@host/db");
    let sources = Sources { file: None, environment: variables(&SECRETS), overrides };
    let text = format!("{settings:?} {sources:?} {:?}", sources.load());
    assert!(!text.contains("hush"), "{text}");
    assert!(text.contains("--database-url"), "{text}");
}

#[test]
fn a_wrong_secret_is_named_but_not_shown() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://hush:hush@host"),
        ("REDIS_URL", "hush"),
        ("TROUPE__AUTH__JWT_SECRET", "hush"),
    ] {
        let text = complaint(&[(name, value)]);
        assert!(text.contains(name), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
    let (_directory, sources) = file("[broker]\nkey_id = 815123\nsecret_key = \"hush\"\n");
    let text = sources.load().unwrap_err().to_string();
    assert!(text.contains("broker.key_id") && !text.contains("815123"), "{text}");
    let (_directory, sources) = file("[broker]\nsecret_key = \"hush\n");
    let text = sources.load().unwrap_err().to_string();
    assert!(text.contains("line 2") && !text.contains("hush"), "{text}");
}

#[test]
fn half_a_pair_of_keys_is_refused() {
    let text = complaint(&[("APCA_API_KEY_ID", "PKX")]);
    assert!(text.contains("broker.secret_key") && text.contains("both or neither"), "{text}");
}
