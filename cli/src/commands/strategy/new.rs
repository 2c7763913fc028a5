//! `troupe strategy new`: a strategy's file with its test, its backtest, and its lines in the lists.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use strategies::template::{self, LISTS, NewFile};

use crate::args::Format;
use crate::output;

/// Bars that come with the sources, for a first backtest.
const SAMPLE: &str = "venue/replay/GOOG_1d_wiki_adj.csv.gz";

/// What was done, and what to do next.
#[derive(Debug, Serialize)]
struct Done<'a> {
    name: &'a str,
    written: Vec<String>,
    changed: [&'static str; 3],
    next: [String; 3],
}

/// Writes all of it, or nothing.
pub(super) fn write(name: &str, sources: Option<&Path>, format: Format) -> anyhow::Result<()> {
    let new = template::files(name)?;
    let root = root(sources)?;
    // Everything that can be refused is, before anything is written.
    let mut lists = Vec::with_capacity(LISTS.len());
    for path in LISTS {
        let text = fs::read_to_string(root.join(path));
        let text = text.with_context(|| format!("{path}: cannot be read"))?;
        lists.push((path, template::listed(path, &text, name)?));
    }
    let mut written: Vec<PathBuf> = Vec::new();
    for file in &new {
        if let Err(error) = create(&root, file) {
            forget(&written);
            return Err(error);
        }
        written.push(root.join(&file.path));
    }
    for (path, text) in lists {
        fs::write(root.join(path), text).with_context(|| format!("{path}: cannot be written"))?;
    }
    let done = Done {
        name,
        written: new.into_iter().map(|file| file.path).collect(),
        changed: LISTS,
        next: next(name),
    };
    match format {
        Format::Json => output::json(&done),
        Format::Human => output::line(&done.for_people()),
    }
}

/// The folder of the sources: the one named, or the nearest around the working directory.
fn root(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let is_root = |folder: &Path| LISTS.iter().all(|list| folder.join(list).is_file());
    if let Some(named) = named {
        let shown = named.display();
        anyhow::ensure!(is_root(named), "--sources {shown}: no sources of Troupe there");
        return Ok(named.to_owned());
    }
    let here = env::current_dir().context("the working directory cannot be read")?;
    let found = here.ancestors().find(|folder| is_root(folder)).map(Path::to_path_buf);
    found.context(
        "a new strategy is compiled into troupe, so this needs its sources: clone the repository \
         and run the command inside it, or name its folder with --sources DIR",
    )
}

/// Never over a file that is there.
fn create(root: &Path, file: &NewFile) -> anyhow::Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(root.join(&file.path));
    opened
        .and_then(|mut opened| opened.write_all(file.text.as_bytes()))
        .with_context(|| format!("{}: cannot be written", file.path))
}

fn forget(written: &[PathBuf]) {
    for path in written {
        // The error that follows says that nothing was made; one that stays behind is found by it.
        fs::remove_file(path).ok();
    }
}

fn next(name: &str) -> [String; 3] {
    [
        format!("cargo nextest run -p strategies {name}"),
        format!("cargo run -- backtest --strategy {name} --data {SAMPLE} --report {name}.html"),
        format!("TROUPE__DEMO__STRATEGY={name} TROUPE__DEMO__PARAMS='{{}}' ./run"),
    ]
}

impl Done<'_> {
    fn for_people(&self) -> String {
        let Self { written, changed, next, .. } = self;
        let mut lines: Vec<String> =
            written.iter().map(|path| format!("wrote    {path}")).collect();
        lines.extend(changed.iter().map(|path| format!("changed  {path}")));
        lines.push("\nNow write the rule into the first of them. Then:\n".to_owned());
        lines.extend(next.iter().map(|command| format!("  {command}")));
        lines.join("\n")
    }
}
