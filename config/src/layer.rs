//! The sources of settings, each brought into one shape: a list of keys with value and place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::Value;
use toml::de::{DeTable, DeValue};

use crate::problem::{Place, Problem, ProblemKind};

/// Start of the variables that set any key.
const PREFIX: &str = "TROUPE__";

/// Variables that other tools set too, and the key each one sets.
const WELL_KNOWN: [(&str, &str); 5] = [
    ("DATABASE_URL", "storage.database_url"),
    ("REDIS_URL", "storage.redis_url"),
    ("APCA_API_KEY_ID", "broker.key_id"),
    ("APCA_API_SECRET_KEY", "broker.secret_key"),
    ("APCA_API_BASE_URL", "broker.base_url"),
];

/// Keys whose value is a table of free names. Each is replaced as a whole, because the parameters
/// of one strategy mean nothing to another.
const OPEN_TABLES: [&str; 1] = ["demo.params"];

/// Settings given on the command line: flag, key and value.
#[derive(Clone, Default)]
pub struct Overrides {
    entries: Vec<Entry>,
}

/// One key with its value, from one place.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) place: Place,
}

impl Overrides {
    /// Records that `flag` sets `key`; a later call for the same key wins.
    pub fn set(&mut self, flag: &'static str, key: &str, value: impl Into<Value>) {
        let entry = Entry { key: key.to_owned(), value: value.into(), place: Place::Flag(flag) };
        self.entries.push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.clone()
    }
}

// By hand: a value may be a password inside a database URL.
impl fmt::Debug for Overrides {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.entries.iter().map(|entry| (&entry.key, &entry.place));
        formatter.debug_map().entries(keys).finish()
    }
}

/// The keys of a TOML text, with the line of each. `name` is how the file is called in messages.
pub(crate) fn from_toml(text: &str, name: &str) -> Result<Vec<Entry>, Problem> {
    let unreadable = |error: &toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        Problem {
            kind: ProblemKind::UnreadableFile,
            key: String::new(),
            place: Place::File { path: name.to_owned(), line },
            // Only the message: the full text would quote the line, and with it perhaps a secret.
            message: format!("not valid TOML: {}", error.message()),
        }
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| unreadable(&error))?;
    let spanned = DeTable::parse(text).map_err(|error| unreadable(&error))?;
    let mut lines = BTreeMap::new();
    collect_lines(spanned.get_ref(), "", text, &mut lines);
    let mut entries = Vec::new();
    flatten(&table, "", &mut |key, value| {
        let place = Place::File { path: name.to_owned(), line: lines.get(&key).copied() };
        entries.push(Entry { key, value, place });
    });
    Ok(entries)
}

/// The keys of a settings file.
pub(crate) fn from_file(path: &Path) -> Result<Vec<Entry>, Problem> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        kind: ProblemKind::UnreadableFile,
        key: String::new(),
        place: Place::File { path: name.clone(), line: None },
        message: format!("cannot read the settings file: {error}"),
    })?;
    from_toml(&text, &name)
}

/// The keys that variables set; `schema` tells which kind of value each key takes.
pub(crate) fn from_environment(
    environment: &[(String, String)],
    schema: &BTreeMap<String, Value>,
) -> Vec<Entry> {
    let prefixed = environment.iter().filter_map(|(name, text)| {
        let key = name.strip_prefix(PREFIX)?.to_lowercase().replace("__", ".");
        Some((name, text, key))
    });
    let well_known = WELL_KNOWN.iter().filter_map(|(known, key)| {
        let (name, text) = environment.iter().find(|(name, _)| name == known)?;
        // Empty is how compose files say "not set".
        (!text.is_empty()).then(|| (name, text, (*key).to_owned()))
    });
    prefixed
        .chain(well_known)
        .map(|(name, text, key)| {
            let value = value_like(schema.get(&key), text);
            Entry { key, value, place: Place::Variable(name.clone()) }
        })
        .collect()
}

/// How a variable that sets `key` is called.
pub(crate) fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The text of a variable as the kind of value its key takes. What does not fit stays a text, so
/// that the check of types names it.
fn value_like(example: Option<&Value>, text: &str) -> Value {
    let parsed = || {
        let document: Option<toml::Table> = toml::from_str(&format!("value = {text}")).ok();
        document.and_then(|mut table| table.remove("value"))
    };
    let as_text = || Value::String(text.to_owned());
    match example {
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        None | Some(Value::String(_)) => as_text(),
        Some(_) => parsed().unwrap_or_else(as_text),
    }
}

fn flatten(table: &toml::Table, prefix: &str, found: &mut impl FnMut(String, Value)) {
    for (name, value) in table {
        let key = joined(prefix, name);
        match value {
            Value::Table(inner) if !OPEN_TABLES.contains(&key.as_str()) => {
                flatten(inner, &key, found);
            }
            _ => found(key, value.clone()),
        }
    }
}

fn collect_lines(
    table: &DeTable<'_>,
    prefix: &str,
    text: &str,
    lines: &mut BTreeMap<String, usize>,
) {
    for (name, value) in table {
        let key = joined(prefix, name.get_ref());
        if let DeValue::Table(inner) = value.get_ref() {
            collect_lines(inner, &key, text, lines);
        }
        lines.insert(key, line_at(text, name.span().start));
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
