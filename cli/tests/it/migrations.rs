//! Rules about the tables.

use std::collections::BTreeSet;

use crate::support::sources;

/// In two parts, so that this file holds no SQL itself.
const CREATE_TABLE: &str = concat!("create ", "table ");

/// Words that start a table's constraint rather than a column.
const CONSTRAINTS: [&str; 7] =
    ["constraint", "primary", "unique", "check", "foreign", "exclude", "like"];

#[test]
fn every_column_has_a_comment() {
    let migrations: Vec<_> =
        sources(".sql").into_iter().filter(|s| s.path.starts_with("migrations/")).collect();
    assert!(!migrations.is_empty(), "no migrations found");
    let text: String = migrations.iter().map(|s| without_comments(&s.text)).collect();
    let (columns, commented) = (columns(&text), commented(&text));
    assert!(!columns.is_empty(), "no tables found");
    let silent: Vec<&String> = columns.difference(&commented).collect();
    assert!(silent.is_empty(), "columns without a comment on column: {silent:#?}");
}

#[test]
fn columns_are_found_in_create_and_alter_and_constraints_are_not_columns() {
    let text = [
        CREATE_TABLE,
        "if not exists a (id uuid primary key, price numeric(20, 9) not null,\n\
         constraint c check (id in (1, 2)), primary key (id, price));\n\
         alter table a add column note text;",
    ]
    .concat();
    let expected: BTreeSet<String> = ["a.id", "a.note", "a.price"].map(str::to_owned).into();
    assert_eq!(columns(&text), expected);
    let text = "comment on column a.id is 'x'; comment on column public.a.note is 'y';";
    assert_eq!(commented(text), ["a.id", "a.note"].map(str::to_owned).into());
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    let lines: Vec<&str> = lines.chain(std::iter::once(";")).collect();
    lines.join("\n").to_lowercase()
}

/// `table.column` of every table made or widened.
fn columns(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, opening) in text.match_indices(CREATE_TABLE) {
        let Some(rest) = text.get(at + opening.len()..) else { continue };
        let Some((head, body)) = rest.split_once('(') else { continue };
        let table = bare(head.split_whitespace().last().unwrap_or_default());
        for item in items(body) {
            match item.split_whitespace().next() {
                Some(first) if !CONSTRAINTS.contains(&first) => {
                    found.insert(format!("{table}.{}", bare(first)));
                }
                _ => {}
            }
        }
    }
    for statement in text.split(';') {
        let words: Vec<&str> = statement.split_whitespace().collect();
        if !words.starts_with(&["alter", "table"]) {
            continue;
        }
        let table = words.iter().skip(2).find(|word| !["if", "exists", "only"].contains(word));
        for pair in words.windows(3) {
            if let (["add", "column", column], Some(table)) = (pair, table) {
                found.insert(format!("{}.{}", bare(table), bare(column)));
            }
        }
    }
    found
}

/// `table.column` of every column that has a comment.
fn commented(text: &str) -> BTreeSet<String> {
    text.split("comment on column ")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .map(|name| {
            let mut parts = name.rsplit('.');
            let column = parts.next().unwrap_or_default();
            format!("{}.{}", bare(parts.next().unwrap_or_default()), bare(column))
        })
        .collect()
}

/// The items of a bracket's content, up to where it closes.
fn items(body: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0_usize;
    for character in body.chars() {
        match character {
            ')' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth = match character {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                if let Some(item) = items.last_mut() {
                    item.push(character);
                }
            }
        }
    }
    items
}

fn bare(name: &str) -> String {
    name.trim_matches('"').rsplit('.').next().unwrap_or_default().to_owned()
}
