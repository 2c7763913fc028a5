//! Rules about the text of the sources.

use crate::support::{Source, lexed, sources};

/// Lines of one file, without its tests.
const LINES_MAX: usize = 400;

#[test]
fn no_source_file_is_longer_than_the_limit_without_its_tests() {
    let long: Vec<String> = sources(".rs")
        .iter()
        .filter(|source| !source.path.contains("/tests/"))
        .map(|source| (source, lines_without_tests(&source.text)))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path))
        .collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn nothing_waits_for_an_actor_without_a_time_limit() {
    let waits: Vec<String> = sources(".rs")
        .iter()
        .filter(|source| {
            let code = lexed(&source.text).code;
            code.match_indices("call!").any(|(at, _)| !ends_in_a_word(&code, at))
        })
        .map(|source| source.path.clone())
        .collect();
    assert!(waits.is_empty(), "use call_t! with a named timeout:\n{}", waits.join("\n"));
}

#[test]
fn sql_is_written_in_storage_only() {
    let mut found = Vec::new();
    for Source { path, text } in sources(".rs") {
        // This test's own examples.
        if path.starts_with("storage/") || path == "cli/tests/it/sources.rs" {
            continue;
        }
        let strings = lexed(&text).strings;
        found.extend(strings.iter().filter(|s| is_sql(s)).map(|s| format!("{path}: {s}")));
    }
    assert!(found.is_empty(), "SQL outside storage:\n{}", found.join("\n"));
}

#[test]
fn a_log_line_starts_small_and_ends_without_a_full_stop() {
    let mut found = Vec::new();
    for Source { path, text } in sources(".rs") {
        for message in log_messages(&text) {
            let mut chars = message.chars();
            let (first, second) = (chars.next(), chars.next());
            // An abbreviation such as SQL may stand first.
            let sentence =
                first.is_some_and(char::is_uppercase) && second.is_some_and(char::is_lowercase);
            if sentence || message.ends_with('.') {
                found.push(format!("{path}: {message}"));
            }
        }
    }
    assert!(found.is_empty(), "log lines written as sentences:\n{}", found.join("\n"));
}

#[test]
fn sql_is_known_from_english() {
    for text in [
        "select id from users",
        "\n  INSERT INTO users(id)",
        "update users set role = $1",
        "delete from users where id = $1",
        "with x as (select 1) select * from x",
    ] {
        assert!(is_sql(text), "{text}");
    }
    for text in ["select a config", "update the order", "delete this user", "with care", "selected"]
    {
        assert!(!is_sql(text), "{text}");
    }
}

#[test]
fn the_message_of_a_log_line_is_its_last_text() {
    let text = "info!(user.id = %id, note = \"x\", \"order {id} sent\"); warn!(\n\"Bad.\"\n);";
    assert_eq!(log_messages(text), ["order {id} sent", "Bad."]);
}

fn lines_without_tests(text: &str) -> usize {
    text.lines().take_while(|line| line.trim_end() != "#[cfg(test)]").count()
}

fn ends_in_a_word(code: &str, at: usize) -> bool {
    code.get(..at)
        .and_then(|before| before.chars().next_back())
        .is_some_and(|last| last.is_alphanumeric() || last == '_')
}

/// Whether a text reads as a statement: its first words, and the one that must follow them.
fn is_sql(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let (first, second) = (words.first().copied(), words.get(1).copied());
    match (first, second) {
        (Some("select"), Some(_)) => words.contains(&"from"),
        (Some("with"), Some(_)) => words.get(2) == Some(&"as"),
        (Some("update"), Some(_)) => words.get(2) == Some(&"set"),
        (Some("insert"), Some("into"))
        | (Some("delete"), Some("from"))
        | (Some("create" | "alter" | "drop"), Some("table" | "database" | "index")) => true,
        _ => false,
    }
}

/// The message of each log line: the last text of a `tracing` macro's call.
fn log_messages(text: &str) -> Vec<String> {
    let Some((code, strings)) = numbered_strings(text) else { return Vec::new() };
    let mut messages = Vec::new();
    for level in ["trace!(", "debug!(", "info!(", "warn!(", "error!("] {
        for (at, _) in code.match_indices(level) {
            if ends_in_a_word(&code, at) {
                continue;
            }
            let Some(call) = code.get(at + level.len()..) else { continue };
            let call = call.get(..closing(call)).unwrap_or(call);
            let last = call.rsplit('\u{1}').nth(1).and_then(|number| number.parse::<usize>().ok());
            messages.extend(last.and_then(|number| strings.get(number)).map(|s| (at, s.clone())));
        }
    }
    messages.sort();
    messages.into_iter().map(|(_, message)| message).collect()
}

/// The code with each text replaced by its number between two marks, and the texts.
fn numbered_strings(text: &str) -> Option<(String, Vec<String>)> {
    let split = lexed(text);
    let mut code = String::new();
    let mut parts = split.code.split("\"\"");
    code.push_str(parts.next()?);
    for (number, part) in parts.enumerate() {
        for piece in ["\u{1}", &number.to_string(), "\u{1}", part] {
            code.push_str(piece);
        }
    }
    Some((code, split.strings))
}

/// Where the bracket closes that was open before `text`.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return at,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
