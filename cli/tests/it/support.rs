//! Finding the repository's files, and reading Rust just well enough.
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no source of ours.
const PASSED_OVER: [&str; 5] = ["target", "data", ".git", "node_modules", "fixtures"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("cli is a folder of the repository").to_path_buf()
}

/// A source file: its path from the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All files below the root whose name ends so, in order.
pub(crate) fn sources(ending: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, ending, &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn collect(root: &Path, directory: &Path, ending: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !PASSED_OVER.contains(&name.as_str()) {
            collect(root, &path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            let text = fs::read_to_string(&path).expect("a text file");
            let path = path.strip_prefix(root).expect("below the root");
            found.push(Source { path: path.to_string_lossy().into_owned(), text });
        }
    }
}

/// Rust text in two parts: the code with comments and literals blanked out, and the literals.
pub(crate) struct Lexed {
    pub(crate) code: String,
    pub(crate) strings: Vec<String>,
}

/// Splits Rust text. Knows comments, texts, raw texts and character literals; nothing else.
pub(crate) fn lexed(text: &str) -> Lexed {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut lexed = Lexed { code: String::new(), strings: Vec::new() };
    let mut i = 0;
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            ('/', '*') => {
                while i < chars.len() && (at(i), at(i + 1)) != ('*', '/') {
                    i += 1;
                }
                i += 2;
            }
            ('r', '"' | '#') if raw_start(&chars, i).is_some() && !is_word(&chars, i) => {
                let hashes = raw_start(&chars, i).unwrap_or_default();
                let close: Vec<char> =
                    std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                let start = i + hashes + 2;
                i = start;
                while i < chars.len() && !chars[i..].starts_with(&close) {
                    i += 1;
                }
                lexed.strings.push(chars[start..i.min(chars.len())].iter().collect());
                i += close.len();
                lexed.code.push_str("\"\"");
            }
            ('"', _) => {
                let start = i + 1;
                i = start;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                lexed.strings.push(chars[start..i.min(chars.len())].iter().collect());
                i += 1;
                lexed.code.push_str("\"\"");
            }
            // A character literal; a lifetime has no closing quote so near.
            ('\'', '\\') => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            (other, _) => {
                lexed.code.push(other);
                i += 1;
            }
        }
    }
    lexed
}

/// How many `#` open a raw text at `i`, if one opens there.
fn raw_start(chars: &[char], i: usize) -> Option<usize> {
    let hashes = chars.get(i + 1..)?.iter().take_while(|c| **c == '#').count();
    (chars.get(i + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// Whether the character before `i` continues a word, so that an `r` there opens nothing.
fn is_word(chars: &[char], i: usize) -> bool {
    i > 0 && chars.get(i - 1).is_some_and(|c| c.is_alphanumeric() || *c == '_')
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    let lexed = lexed(
        "let a = \"one \\\" two\"; // \"no\"\nlet b = r#\"raw \"text\"\"#; let c = '\"'; /* \"no\" */ fn f<'a>() {}",
    );
    assert_eq!(lexed.strings, ["one \\\" two", "raw \"text\""]);
    assert!(lexed.code.contains("fn f<'a>() {}"), "{}", lexed.code);
    assert!(!lexed.code.contains("no"), "{}", lexed.code);
}
