//! Short ways to load settings.
#![expect(clippy::expect_used, reason = "a test may panic")]

use config::{ConfigError, Overrides, Settings, Sources};

/// Environment of one variable.
pub(crate) fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Settings under these variables alone.
pub(crate) fn with_variables(pairs: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let sources = Sources { environment: variables(pairs), ..Sources::default() };
    sources.load().map(|loaded| loaded.settings)
}

/// What is said about these variables.
pub(crate) fn complaint(pairs: &[(&str, &str)]) -> String {
    with_variables(pairs).expect_err("the settings are wrong").to_string()
}

/// A settings file of this text, and the sources that name it.
pub(crate) fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("troupe.toml");
    std::fs::write(&path, text).expect("a file");
    let sources =
        Sources { file: Some(path), environment: Vec::new(), overrides: Overrides::default() };
    (directory, sources)
}
