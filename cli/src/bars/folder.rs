//! A folder of files: many tickers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use engine::ticker::TICKER_LENGTH_MAX;

use super::{Selection, Series, read_file, ticker_of};

/// Files of one folder at most.
const FILES_MAX: usize = 2_000;

/// Bars of one folder at most: all of them are in memory at once.
const BARS_TOTAL_MAX: usize = 20_000_000;

/// Reads the files of a folder whose names end in `.csv` or `.csv.gz`: all of them by name, or those
/// of some tickers in the order of these.
///
/// Of files of the same symbol each is a series of its own, under a name made of its file's.
pub(crate) fn read_folder(
    folder: &Path,
    tickers: &[String],
    selection: &Selection,
) -> anyhow::Result<Vec<Series>> {
    let mut files = bar_files(folder)?;
    if !tickers.is_empty() {
        let mut wanted = Vec::new();
        for ticker in tickers {
            let of_ticker: Vec<PathBuf> =
                files.iter().filter(|file| ticker_of(file) == *ticker).cloned().collect();
            anyhow::ensure!(!of_ticker.is_empty(), "{}: no file of {ticker}", folder.display());
            wanted.extend(of_ticker);
        }
        files = wanted;
    }
    let mut per_ticker: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        *per_ticker.entry(ticker_of(file)).or_default() += 1;
    }
    let mut all = Vec::with_capacity(files.len());
    let mut bars_total = 0_usize;
    for file in files {
        let mut series = read_file(&file, None, selection)?;
        if per_ticker.get(&series.name).is_some_and(|count| *count > 1) {
            series.name = name_of(&file);
            series.is_one_of_several = true;
        }
        anyhow::ensure!(
            all.iter().all(|other: &Series| other.name != series.name),
            "{}: two files make the ticker {}; rename one",
            folder.display(),
            series.name
        );
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
        if path.is_file() && is_csv(&path) {
            files.push(path);
        }
    }
    files.sort();
    anyhow::ensure!(!files.is_empty(), "{shown}: no files named .csv or .csv.gz");
    anyhow::ensure!(files.len() <= FILES_MAX, "{shown}: more than {FILES_MAX} files");
    Ok(files)
}

/// Whether the name ends in `.csv` or `.csv.gz`.
fn is_csv(path: &Path) -> bool {
    let ends_in = |path: &Path, ending: &str| {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
    };
    let unpacked = if ends_in(path, "gz") { path.with_extension("") } else { path.to_owned() };
    ends_in(&unpacked, "csv")
}

/// The file's name without its endings, in the letters and the length that a ticker may have.
fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    let bare = name.strip_suffix(".GZ").unwrap_or(&name);
    let bare = bare.strip_suffix(".CSV").unwrap_or(bare).replace('_', "-");
    let allowed = |character: &char| character.is_ascii_alphanumeric() || *character == '-';
    bare.chars().filter(allowed).take(TICKER_LENGTH_MAX).collect()
}
