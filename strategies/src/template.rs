//! A new strategy: its files from the template, and its lines in the files that list them.
//!
//! Text in, text out: reading and writing belong to the command that calls this.

use crate::registry::definition;
use thiserror::Error;

/// Longest name of a strategy.
pub const NAME_LENGTH_MAX: usize = 40;

/// The files, from the root of the repository, that name every strategy.
pub const LISTS: [&str; 3] =
    ["strategies/src/lib.rs", "strategies/src/registry.rs", "strategies/tests/it/main.rs"];

const STRATEGY: &str = include_str!("../template/strategy.rs");
const BACKTEST: &str = include_str!("../template/backtest.rs");
const REGISTRY_END: &str = "// New strategies: their line above this one.";
/// Words that Rust keeps for itself and modules that the crate and its tests have already.
const RESERVED: &[&str] = &[
    "as",
    "async",
    "await",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "laws",
    "let",
    "lib",
    "loop",
    "macro",
    "main",
    "match",
    "mod",
    "move",
    "mut",
    "my_strategy",
    "override",
    "prelude",
    "priv",
    "pub",
    "ref",
    "reference",
    "registry",
    "return",
    "rule",
    "self",
    "static",
    "struct",
    "super",
    "support",
    "template",
    "testing",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// From the root of the repository.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why there can be no such strategy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// The name is not one.
    #[error(
        "`{name}` cannot be a strategy's name: use up to 40 small letters, digits and single \
         underscores, a letter first, and no word that is taken, such as `gap_fade`"
    )]
    BadName {
        /// What was asked for.
        name: String,
    },
    /// There is one already.
    #[error("there is a strategy `{name}` already")]
    Exists {
        /// What was asked for.
        name: String,
    },
    /// The list has no place for it.
    #[error("{path} has no place for a new line: is this the repository of Troupe?")]
    NoPlace {
        /// The file.
        path: String,
    },
}

/// The files of the new strategy `name`: the rule with its test, and its backtest.
pub fn files(name: &str) -> Result<[NewFile; 2], TemplateError> {
    check(name)?;
    let filled =
        |text: &str| text.replace("my_strategy", name).replace("MyStrategy", &type_name(name));
    Ok([
        NewFile { path: format!("strategies/src/{name}.rs"), text: filled(STRATEGY) },
        NewFile { path: format!("strategies/tests/it/{name}.rs"), text: filled(BACKTEST) },
    ])
}

/// The text of one of [`LISTS`] with the new strategy `name` in its place.
pub fn listed(path: &str, text: &str, name: &str) -> Result<String, TemplateError> {
    check(name)?;
    let lines: Vec<&str> = text.lines().collect();
    let (place, line) = if path.ends_with("registry.rs") {
        let place = lines.iter().position(|line| line.trim() == REGISTRY_END);
        (place, format!("    crate::{name}::DEFINITION,"))
    } else {
        (module_place(&lines, name), format!("mod {name};"))
    };
    let no_place = || TemplateError::NoPlace { path: path.to_owned() };
    let (before, after) =
        lines.split_at_checked(place.ok_or_else(no_place)?).ok_or_else(no_place)?;
    let lines = before.iter().copied().chain([line.as_str()]).chain(after.iter().copied());
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

/// In alphabetical order, as the formatter has it; above an attribute of the module that follows.
fn module_place(lines: &[&str], name: &str) -> Option<usize> {
    let module = |line: &str| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    let modules = || lines.iter().enumerate().filter_map(|(at, line)| Some((at, module(line)?)));
    let Some((next, _)) = modules().find(|(_, other)| other.as_str() > name) else {
        return modules().next_back().map(|(at, _)| at.saturating_add(1));
    };
    let above = next.checked_sub(1).and_then(|at| Some((at, *lines.get(at)?)));
    above.filter(|(_, line)| line.starts_with("#[")).map(|(at, _)| at).or(Some(next))
}

fn check(name: &str) -> Result<(), TemplateError> {
    let word = |word: &str| {
        !word.is_empty()
            && word.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit())
    };
    let fits = name.len() <= NAME_LENGTH_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('_').all(word)
        && !RESERVED.contains(&name);
    if !fits {
        return Err(TemplateError::BadName { name: name.to_owned() });
    }
    match definition(name) {
        Ok(_) => Err(TemplateError::Exists { name: name.to_owned() }),
        Err(_) => Ok(()),
    }
}

/// `gap_fade` as `GapFade`.
fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    name.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that nobody gives a strategy: these tests hold whatever strategies there are.
    const NAME: &str = "only_in_a_test";

    #[test]
    fn a_new_strategy_is_a_file_with_its_test_and_a_backtest() {
        let [rule, backtest] = files(NAME).unwrap();
        assert_eq!(rule.path, "strategies/src/only_in_a_test.rs");
        assert!(rule.text.contains("name: \"only_in_a_test\""));
        assert!(rule.text.contains("impl Strategy for OnlyInATest"));
        assert_eq!(backtest.path, "strategies/tests/it/only_in_a_test.rs");
        for file in [rule, backtest] {
            let left = file.text.to_lowercase();
            assert!(!left.contains("my_strategy") && !left.contains("mystrategy"), "{left}");
        }
    }

    #[test]
    fn a_new_name_stands_where_the_formatter_would_put_it() {
        let modules = "mod b;\nmod d;\npub mod p;\n#[cfg(test)]\nmod r;\n\npub use b::B;\n";
        let rows = [
            ("a", "mod a;\nmod b;\n"),
            ("c", "mod b;\nmod c;\nmod d;\n"),
            ("q", "pub mod p;\nmod q;\n#[cfg(test)]\nmod r;\n"),
            ("z", "mod r;\nmod z;\n\npub use"),
        ];
        for (name, expected) in rows {
            let text = listed(LISTS[0], modules, name).unwrap();
            assert!(text.contains(expected), "{name}: {text}");
        }
    }

    #[test]
    fn each_list_has_a_place_for_a_new_name() {
        let lists = [
            include_str!("lib.rs"),
            include_str!("registry.rs"),
            include_str!("../tests/it/main.rs"),
        ];
        for (path, text) in LISTS.into_iter().zip(lists) {
            let with = listed(path, text, NAME).unwrap();
            let added: Vec<_> = with.lines().filter(|line| line.contains(NAME)).collect();
            assert_eq!(
                (added.len(), with.lines().count()),
                (1, text.lines().count() + 1),
                "{path}"
            );
        }
    }

    #[test]
    fn a_name_that_is_none_or_taken_is_refused() {
        let long = "a".repeat(NAME_LENGTH_MAX + 1);
        for name in ["", "Gap", "gap-fade", "gap__fade", "_gap", "9gap", "loop", "rule", &long] {
            assert_eq!(files(name), Err(TemplateError::BadName { name: name.to_owned() }));
        }
        assert_eq!(files("rsi"), Err(TemplateError::Exists { name: "rsi".to_owned() }));
        let elsewhere = listed(LISTS[1], "fn main() {}\n", NAME);
        assert_eq!(elsewhere, Err(TemplateError::NoPlace { path: LISTS[1].to_owned() }));
    }
}
