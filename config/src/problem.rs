//! What can be wrong with the settings, and how it is told: the key, the place, what is allowed.

use std::fmt;

/// The settings cannot be used. Its text names everything that is wrong, not just the first thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.problems))]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of mistake it is.
    pub kind: ProblemKind,
    /// The setting as `section.key`; empty when a whole file is unreadable.
    pub key: String,
    /// Where it was set, as a person would look for it.
    pub place: Place,
    /// What is wrong and what is allowed. Never holds the value of a secret.
    pub message: String,
}

/// Kinds of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// There is no such setting.
    UnknownKey,
    /// The setting exists; this value does not fit it.
    InvalidValue,
    /// Something that is needed is not set.
    Missing,
    /// The file cannot be read or is not TOML.
    UnreadableFile,
}

/// Where a setting got its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The compiled-in defaults.
    Default,
    /// A settings file, with the line counted from 1 where it is known.
    File {
        /// The file as it was named.
        path: String,
        /// The line of the key.
        line: Option<usize>,
    },
    /// An environment variable, by name.
    Variable(String),
    /// A flag of the command line, by name.
    Flag(&'static str),
}

impl ConfigError {
    /// Wraps what was found; there is at least one problem.
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// All that is wrong, in the order of the sources.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl ProblemKind {
    /// Stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown_setting",
            Self::InvalidValue => "invalid_setting",
            Self::Missing => "missing_setting",
            Self::UnreadableFile => "unreadable_settings_file",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.key.as_str(), &self.place) {
            (_, "", place) => write!(formatter, "{place}: {}", self.message),
            (ProblemKind::Missing, key, _) => {
                write!(formatter, "setting {key} is missing: {}", self.message)
            }
            (ProblemKind::UnknownKey, key, place) => {
                write!(formatter, "unknown setting {key} ({place}): {}", self.message)
            }
            (_, key, place) => write!(formatter, "setting {key} ({place}): {}", self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line: Some(line) } => write!(formatter, "{path} line {line}"),
            Self::File { path, line: None } => formatter.write_str(path),
            Self::Variable(name) => write!(formatter, "variable {name}"),
            Self::Flag(name) => write!(formatter, "flag {name}"),
        }
    }
}

/// The candidate most like `wrong`, unless none is like it. A key in the wrong section counts as
/// like its namesake.
pub(crate) fn nearest<'a>(
    wrong: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let wrong_last = last(wrong);
    candidates
        .filter_map(|candidate| {
            let same_name = last(candidate) == wrong_last;
            let distance = if same_name { 1 } else { edit_distance(wrong, candidate) };
            (distance <= 2.max(wrong.len() / 4)).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

fn listed(problems: &[Problem]) -> String {
    match problems {
        [only] => only.to_string(),
        many => {
            let lines: Vec<String> = many.iter().map(|problem| format!("\n  {problem}")).collect();
            format!("{} settings are wrong:{}", many.len(), lines.concat())
        }
    }
}

/// Levenshtein distance in characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left_char) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut newest = i + 1;
        for (right_char, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(*right_char != left_char);
            diagonal = *cell;
            newest = replaced.min(newest + 1).min(*cell + 1);
            *cell = newest;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_single_edits() {
        for (left, right, distance) in
            [("", "", 0), ("a", "", 1), ("listen", "listen", 0), ("listn", "listen", 1)]
        {
            assert_eq!(edit_distance(left, right), distance, "{left} to {right}");
        }
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_nearest_key_is_found_by_spelling_or_by_name_and_a_stranger_finds_none() {
        let keys = ["server.listen", "venue.seed", "demo.tickers"];
        assert_eq!(nearest("sever.listn", keys.into_iter()), Some("server.listen"));
        assert_eq!(nearest("server.seed", keys.into_iter()), Some("venue.seed"));
        assert_eq!(nearest("pizza.toppings", keys.into_iter()), None);
    }
}
