//! A folder of files: many tickers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Selection, Series, read_file, ticker_of};

/// Files of one folder at most.
const FILES_MAX: usize = 2_000;

/// Bars of one folder at most: all of them are in memory at once.
const BARS_TOTAL_MAX: usize = 20_000_000;

/// Reads all files of a folder whose names end in `.csv` or `.csv.gz`, in the order of their names.
///
/// Of files of the same symbol each is a series of its own, under the name of its file.
pub(crate) fn read_folder(folder: &Path, selection: &Selection) -> anyhow::Result<Vec<Series>> {
    let mut files = bar_files(folder)?;
    if let Some(ticker) = &selection.ticker {
        files.retain(|file| ticker_of(file) == *ticker);
        anyhow::ensure!(!files.is_empty(), "{}: no file of {ticker}", folder.display());
    }
    let mut per_ticker: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        *per_ticker.entry(ticker_of(file)).or_default() += 1;
    }
    let mut all = Vec::with_capacity(files.len());
    let mut bars_total = 0_usize;
    for file in files {
        let one = Selection { ticker: None, ..selection.clone() };
        let mut series = read_file(&file, &one)?;
        if per_ticker.get(&series.name).is_some_and(|count| *count > 1) {
            series.name = stem(&file);
        }
        bars_total += series.bars.len();
        anyhow::ensure!(
            bars_total <= BARS_TOTAL_MAX,
            "{}: more than {BARS_TOTAL_MAX} bars; take less with --from and --to, or longer ones \
             with --timeframe",
            folder.display()
        );
        all.push(series);
    }
    Ok(all)
}

fn bar_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{shown}: cannot be read"))? {
        let path = entry.with_context(|| format!("{shown}: cannot be read"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && (name.ends_with(".csv") || name.ends_with(".csv.gz")) {
            files.push(path);
        }
    }
    files.sort();
    anyhow::ensure!(!files.is_empty(), "{shown}: no files named .csv or .csv.gz");
    anyhow::ensure!(files.len() <= FILES_MAX, "{shown}: more than {FILES_MAX} files");
    Ok(files)
}

/// The file's name without `.csv` and `.gz`.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bare = name.strip_suffix(".gz").unwrap_or(&name);
    bare.strip_suffix(".csv").unwrap_or(bare).to_owned()
}
