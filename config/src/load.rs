//! Reading the settings: the sources are laid over each other, then typed, then checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind;
use figment::providers::Serialized;
use toml::Value;

use crate::check;
use crate::layer::{self, Entry, Overrides};
use crate::problem::{ConfigError, Place, Problem, ProblemKind, nearest};
use crate::settings::Settings;

/// The complete, commented settings file that is compiled in.
pub const DEFAULT_TOML: &str = include_str!("../default.toml");

/// Keys whose values are never shown.
const SECRETS: [&str; 6] = [
    "auth.jwt_secret",
    "broker.key_id",
    "broker.secret_key",
    "demo.password",
    "storage.database_url",
    "storage.redis_url",
];

/// Everything that settings are read from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file of `--config`.
    pub file: Option<PathBuf>,
    /// Environment variables, name and value; those that set nothing of ours are passed over.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub overrides: Overrides,
}

/// Settings with where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings, typed and checked.
    pub settings: Settings,
    /// Keys that are not at their default, with the place that set each.
    pub origins: BTreeMap<String, Place>,
}

impl Sources {
    /// The sources of this process: its variables, and the given file and command line.
    pub fn of_process(file: Option<PathBuf>, overrides: Overrides) -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        Self { file, environment: environment.collect(), overrides }
    }

    /// Reads, types and checks the settings. The error names everything that is wrong.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut problems = Vec::new();
        let schema = schema().map_err(|problem| ConfigError::new(vec![problem]))?;
        let mut draft = Draft { values: schema.clone(), origins: BTreeMap::new(), schema };
        let file = self.file.as_deref().map_or(Ok(Vec::new()), layer::from_file);
        let file = file.unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        let variables = layer::from_environment(&self.environment, &draft.schema);
        for entry in file.into_iter().chain(variables).chain(self.overrides.entries()) {
            draft.lay(entry, &mut problems);
        }
        draft.forget_params_of_another_strategy();
        let settings = draft.typed(&mut problems);
        for (key, message) in settings.iter().flat_map(check::findings) {
            problems.push(draft.problem(ProblemKind::InvalidValue, key, message));
        }
        match settings {
            Some(settings) if problems.is_empty() => {
                Ok(Loaded { settings, origins: draft.origins })
            }
            _ => Err(ConfigError::new(problems)),
        }
    }
}

// By hand: a variable may hold a secret of any program.
impl std::fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sources")
            .field("file", &self.file)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// What `troupe run` needs beyond settings that are valid each for itself.
    pub fn check_run(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        if !self.venue.enabled && self.broker.key_id.is_none() {
            problems.push(Problem {
                kind: ProblemKind::Missing,
                key: "broker.key_id".to_owned(),
                place: Place::Default,
                message: "without the venue, orders go to Alpaca: set APCA_API_KEY_ID and \
                          APCA_API_SECRET_KEY, or turn the venue on"
                    .to_owned(),
            });
        }
        if self.venue.enabled
            && self.venue.listen == self.server.listen
            && self.venue.listen.port() != 0
        {
            problems.push(Problem {
                kind: ProblemKind::InvalidValue,
                key: "venue.listen".to_owned(),
                place: Place::Default,
                message: format!("{} is the gateway's address too: change one", self.venue.listen),
            });
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::new(problems)) }
    }
}

/// Values being laid over each other, by key.
struct Draft {
    schema: BTreeMap<String, Value>,
    values: BTreeMap<String, Value>,
    origins: BTreeMap<String, Place>,
}

impl Draft {
    fn lay(&mut self, entry: Entry, problems: &mut Vec<Problem>) {
        if self.schema.contains_key(&entry.key) {
            self.origins.insert(entry.key.clone(), entry.place);
            self.values.insert(entry.key, entry.value);
            return;
        }
        let section = format!("{}.", entry.key);
        if self.schema.keys().any(|key| key.starts_with(&section)) {
            problems.push(Problem {
                kind: ProblemKind::InvalidValue,
                message: "this is a section, not a value; set the keys inside it".to_owned(),
                key: entry.key,
                place: entry.place,
            });
            return;
        }
        let variable = matches!(entry.place, Place::Variable(_));
        let named = |key: &str| {
            if variable { layer::variable_name(key) } else { key.to_owned() }
        };
        let message = match nearest(&entry.key, self.schema.keys().map(String::as_str)) {
            Some(key) => format!("did you mean {}?", named(key)),
            None => match entry.key.split_once('.') {
                Some((section, _)) if self.keys_of(section).next().is_some() => {
                    let keys: Vec<String> = self.keys_of(section).map(named).collect();
                    format!("allowed are {}", keys.join(", "))
                }
                _ => format!("the sections are {}", self.sections().join(", ")),
            },
        };
        let (key, place) = (entry.key, entry.place);
        problems.push(Problem { kind: ProblemKind::UnknownKey, key, place, message });
    }

    /// The default parameters belong to the default strategy: naming another one drops them, so
    /// that it runs with its own defaults.
    fn forget_params_of_another_strategy(&mut self) {
        let (name, params) = ("demo.strategy", "demo.params");
        if self.values.get(name) != self.schema.get(name) && !self.origins.contains_key(params) {
            self.values.insert(params.to_owned(), Value::Table(toml::Table::new()));
        }
    }

    /// The settings as their types. A value that does not fit becomes a problem and is taken from
    /// the defaults instead, so that the next one is found too.
    fn typed(&self, problems: &mut Vec<Problem>) -> Option<Settings> {
        let mut values = self.values.clone();
        for _ in 0..=values.len() {
            let error = match Figment::from(Serialized::defaults(nested(&values))).extract() {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            let path = error.path.join(".");
            // An item of a list is at the list's key and its number.
            let key =
                values.keys().find(|key| path == **key || path.starts_with(&format!("{key}.")));
            let Some(key) = key.cloned() else {
                let message = error.kind.to_string();
                problems.push(self.problem(ProblemKind::InvalidValue, &path, message));
                return None;
            };
            let message = self.misfit(&key, &error.kind);
            problems.push(self.problem(ProblemKind::InvalidValue, &key, message));
            let default = self.schema.get(&key)?.clone();
            values.insert(key, default);
        }
        None
    }

    /// What is wrong with a value, in words, and without the value of a secret.
    fn misfit(&self, key: &str, kind: &Kind) -> String {
        let secret = SECRETS.contains(&key);
        let shown = match self.values.get(key) {
            Some(value) if !secret => value.to_string(),
            _ => "the value".to_owned(),
        };
        let reason = match kind {
            Kind::UnknownVariant(_, allowed) => format!("allowed are {}", allowed.join(", ")),
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
                format!("expected {}", in_words(expected))
            }
            Kind::Message(message) if !secret => message.clone(),
            _ => "it does not fit".to_owned(),
        };
        let example = if key.ends_with(".listen") {
            "; give an address and a port, such as 127.0.0.1:8000"
        } else {
            ""
        };
        format!("{shown} is not allowed: {reason}{example}")
    }

    fn problem(&self, kind: ProblemKind, key: &str, message: String) -> Problem {
        let place = self.origins.get(key).cloned().unwrap_or(Place::Default);
        Problem { kind, key: key.to_owned(), place, message }
    }

    fn keys_of(&self, section: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{section}.");
        self.schema.keys().filter(move |key| key.starts_with(&prefix)).map(String::as_str)
    }

    fn sections(&self) -> Vec<&str> {
        let mut sections: Vec<&str> =
            self.schema.keys().filter_map(|key| key.split('.').next()).collect();
        sections.dedup();
        sections
    }
}

/// The keys that exist, with their defaults.
fn schema() -> Result<BTreeMap<String, Value>, Problem> {
    let entries = layer::from_toml(DEFAULT_TOML, "config/default.toml")?;
    Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

/// `section.key = value` as tables.
fn nested(values: &BTreeMap<String, Value>) -> toml::Table {
    let mut root = toml::Table::new();
    for (key, value) in values {
        let Some((section, name)) = key.split_once('.') else { continue };
        let table = root.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
        if let Value::Table(table) = table {
            table.insert(name.to_owned(), value.clone());
        }
    }
    root
}

/// Rust's names of types, in words for people.
fn in_words(expected: &str) -> String {
    match expected {
        "a string" | "a borrowed string" | "path string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}
