//! The file of the venue's accounts: a list in JSON, or tables in TOML.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::Deserialize;
use venue::AccountSpec;

/// The buying powers per dollar of equity that accounts are opened with.
const MULTIPLIERS: [u8; 3] = [1, 2, 4];

/// One account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    /// Public half of the key.
    key_id: String,
    /// Secret half.
    secret_key: SecretString,
    /// Opening cash, US dollars.
    cash: Decimal,
    /// Buying power per dollar of equity in stocks.
    #[serde(default = "margin")]
    multiplier: u8,
    /// Whether it may sell short; a cash account never may.
    #[serde(default = "allowed")]
    shorting: bool,
}

/// The whole file in TOML, where a list needs a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountTables {
    accounts: Vec<AccountEntry>,
}

/// Reads the accounts, and the key ids of those that may not sell short.
pub(crate) fn read(path: &Path) -> anyhow::Result<(Vec<AccountSpec>, BTreeSet<String>)> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the accounts file {shown}"))?;
    let entries = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) {
        toml::from_str::<AccountTables>(&text).map(|tables| tables.accounts).map_err(|error| {
            // The error's own text shows the line, and on it may be a secret.
            anyhow::anyhow!(
                "{shown} has no tables of accounts, such as [[accounts]] key_id = \"PKONE\" \
                 secret_key = \"…\" cash = \"100000\": {}",
                error.message()
            )
        })?
    } else {
        serde_json::from_str::<Vec<AccountEntry>>(&text).with_context(|| {
            format!(
                "{shown} is no list of accounts, such as \
                 [{{\"key_id\": \"PKONE\", \"secret_key\": \"…\", \"cash\": \"100000\"}}]"
            )
        })?
    };
    anyhow::ensure!(!entries.is_empty(), "{shown} lists no account: add one, or leave it out");
    let long_only = entries.iter().filter(|entry| !entry.shorting);
    let long_only = long_only.map(|entry| entry.key_id.clone()).collect();
    let mut known = BTreeSet::new();
    for entry in &entries {
        anyhow::ensure!(known.insert(&entry.key_id), "{shown} lists {} twice", entry.key_id);
    }
    let specs: anyhow::Result<Vec<AccountSpec>> =
        entries.into_iter().map(|entry| entry.checked(path)).collect();
    Ok((specs?, long_only))
}

impl AccountEntry {
    fn checked(self, path: &Path) -> anyhow::Result<AccountSpec> {
        let shown = path.display();
        let Self { key_id, secret_key: secret, cash, multiplier, shorting: _ } = self;
        anyhow::ensure!(!key_id.trim().is_empty(), "{shown}: an account has an empty key_id");
        anyhow::ensure!(cash >= Decimal::ZERO, "{shown}: the cash of {key_id} is below zero");
        anyhow::ensure!(
            MULTIPLIERS.contains(&multiplier),
            "{shown}: the multiplier of {key_id} is {multiplier}; it is 1 (cash), 2 (margin) or 4 \
             (margin within the day)"
        );
        Ok(AccountSpec { key_id, secret, cash, multiplier })
    }
}

fn margin() -> u8 {
    2
}

fn allowed() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn written(end: &str, text: &str) -> anyhow::Result<(Vec<AccountSpec>, BTreeSet<String>)> {
        let mut file = tempfile::Builder::new().suffix(end).tempfile()?;
        file.write_all(text.as_bytes())?;
        read(file.path())
    }

    #[test]
    fn both_kinds_of_file_give_the_same_accounts_with_exact_cash() {
        let json = r#"[{"key_id": "A", "secret_key": "s", "cash": "100000.01"},
            {"key_id": "B", "secret_key": "t", "cash": "5", "multiplier": 1, "shorting": false}]"#;
        let toml = "[[accounts]]\nkey_id = \"A\"\nsecret_key = \"s\"\ncash = \"100000.01\"\n\
            [[accounts]]\nkey_id = \"B\"\nsecret_key = \"t\"\ncash = \"5\"\nmultiplier = 1\n\
            shorting = false\n";
        for (end, text) in [(".json", json), (".toml", toml)] {
            let (accounts, long_only) = written(end, text).unwrap();
            assert_eq!(accounts[0].cash.to_string(), "100000.01", "{end}");
            assert_eq!((accounts[0].multiplier, accounts[1].multiplier), (2, 1), "{end}");
            assert_eq!(long_only, ["B".to_owned()].into(), "{end}");
        }
    }

    #[test]
    fn the_example_in_the_documents_is_read() {
        let (accounts, long_only) =
            written(".toml", include_str!("../../docs/venue-accounts.example.toml")).unwrap();
        assert_eq!((accounts.len(), long_only.len()), (3, 1));
    }

    #[test]
    fn a_wrong_accounts_file_is_named_with_what_is_wrong_and_without_secrets() {
        for (end, text, expected) in [
            (".json", "[]", "lists no account"),
            (".json", "{", "is no list of accounts"),
            (
                ".json",
                r#"[{"key_id": "A", "secret": "hush", "cash": "1"}]"#,
                "unknown field `secret`",
            ),
            (
                ".json",
                r#"[{"key_id": "A", "secret_key": "hush", "cash": "-1"}]"#,
                "cash of A is below",
            ),
            (".json", r#"[{"key_id": "", "secret_key": "hush", "cash": "1"}]"#, "empty key_id"),
            (
                ".json",
                r#"[{"key_id": "A", "secret_key": "hush", "cash": "1", "multiplier": 3}]"#,
                "multiplier of A is 3",
            ),
            (
                ".json",
                r#"[{"key_id": "A", "secret_key": "hush", "cash": "1"},
                    {"key_id": "A", "secret_key": "hush", "cash": "1"}]"#,
                "lists A twice",
            ),
            (".toml", "accounts = []", "lists no account"),
            (".toml", "[[accounts]]\nsecret = \"hush\"", "has no tables of accounts"),
            (".toml", "[[accounts]]\nsecret_key = \"hush", "has no tables of accounts"),
        ] {
            let error = format!("{:#}", written(end, text).unwrap_err());
            assert!(error.contains(expected) && !error.contains("hush"), "{error}");
        }
        let missing = read(Path::new("no/such/file.json")).unwrap_err();
        assert!(missing.to_string().contains("no/such/file.json"), "{missing}");
    }
}
