//! A directory of recordings: which files are played, and as which instruments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::assets::{Asset, AssetClass};
use crate::corporate_actions;
use crate::error::VenueError;
use crate::number;
use crate::recording::{Broken, Kind, Recording, Row};

/// Stock prices have at least this many digits, coins at least that many.
const STOCK_PRICE_DECIMALS: u32 = 2;
const CRYPTO_PRICE_DECIMALS: u32 = 8;
const QUANTITY_DECIMALS: u32 = 9;

/// The recordings that are played.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) recordings: Vec<Recording>,
    /// By ticker: the seconds in which trades or quotes were recorded, where there are bars too.
    pub(crate) covered_seconds: BTreeMap<String, Vec<i64>>,
}

impl Library {
    /// Looks through a directory. Files that cannot be played are named in the log and left out.
    pub(crate) fn open(directory: &Path) -> Result<Self, VenueError> {
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for path in csv_files(directory)? {
            match Recording::scan(&path) {
                Ok(recording) => usable.push(recording),
                Err(reason) => {
                    tracing::warn!(file = %path.display(), %reason, "left a file out of the replay");
                    unusable.push(format!("{}: {reason}", file_name(&path)));
                }
            }
        }
        let recordings = one_bar_file_each(usable);
        if recordings.is_empty() {
            let reason = if unusable.is_empty() {
                "it has no CSV files".to_owned()
            } else {
                unusable.join("; ")
            };
            return Err(VenueError::NothingToReplay { path: directory.to_owned(), reason });
        }
        let covered_seconds = covered_seconds(&recordings);
        Ok(Self { recordings, covered_seconds })
    }

    /// The first moment of any recording.
    pub(crate) fn start(&self) -> DateTime<Utc> {
        self.recordings.iter().map(|one| one.first).min().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// What the recordings are recordings of.
    pub(crate) fn assets(&self) -> Vec<Asset> {
        let mut assets: BTreeMap<&str, Asset> = BTreeMap::new();
        for recording in &self.recordings {
            let asset = assets.entry(&recording.ticker).or_insert_with(|| asset_of(recording));
            let finer = number::increment(recording.price_decimals);
            asset.price_increment = asset.price_increment.min(finer);
            asset.bar_seconds = asset.bar_seconds.or(recording.bar_seconds);
        }
        assets.into_values().collect()
    }
}

fn asset_of(recording: &Recording) -> Asset {
    let class = recording.class();
    let (exchange, decimals) = match class {
        AssetClass::UsEquity => ("NASDAQ", STOCK_PRICE_DECIMALS),
        AssetClass::Crypto => ("CRYPTO", CRYPTO_PRICE_DECIMALS),
    };
    Asset {
        id: Asset::id_of(&recording.ticker),
        class,
        exchange,
        symbol: recording.ticker.clone(),
        name: format!("{} (recorded)", recording.ticker),
        price_increment: number::increment(decimals),
        quantity_increment: number::increment(QUANTITY_DECIMALS),
        order_size_min: Decimal::new(1, QUANTITY_DECIMALS),
        bar_seconds: None,
        test_only: false,
        recorded: true,
    }
}

fn csv_files(directory: &Path) -> Result<Vec<PathBuf>, VenueError> {
    let failure = |source| VenueError::Recordings { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        let plain = path.with_extension("");
        let is_gzip = path.extension().is_some_and(|end| end == "gz");
        let named = if is_gzip { &plain } else { &path };
        let is_table = path.file_name().is_some_and(|name| name == corporate_actions::FILE_NAME);
        if path.is_file() && !is_table && named.extension().is_some_and(|end| end == "csv") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Keeps one bar file per ticker: the adjusted one, else the first by name.
fn one_bar_file_each(recordings: Vec<Recording>) -> Vec<Recording> {
    let mut chosen: BTreeMap<String, Recording> = BTreeMap::new();
    let mut kept = Vec::new();
    for recording in recordings {
        if recording.kind != Kind::Bars {
            kept.push(recording);
            continue;
        }
        let adjusted = |one: &Recording| file_name(&one.path).contains("_adj");
        let left_out = match chosen.get(&recording.ticker) {
            Some(before) if adjusted(&recording) && !adjusted(before) => {
                chosen.insert(recording.ticker.clone(), recording)
            }
            Some(_) => Some(recording),
            None => chosen.insert(recording.ticker.clone(), recording),
        };
        if let Some(left_out) = left_out {
            let played = chosen.get(&left_out.ticker).map(|one| file_name(&one.path));
            tracing::warn!(
                file = %left_out.path.display(), played = played.unwrap_or_default(),
                "left out of the replay: another file has the bars of this ticker"
            );
        }
    }
    kept.extend(chosen.into_values());
    kept.sort_by(|left, right| left.path.cmp(&right.path));
    kept
}

/// Where single trades or quotes were recorded, bars of the same ticker are not played.
fn covered_seconds(recordings: &[Recording]) -> BTreeMap<String, Vec<i64>> {
    let mut covered: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let has_bars =
        |ticker: &str| recordings.iter().any(|one| one.kind == Kind::Bars && one.ticker == ticker);
    for recording in recordings {
        if recording.kind == Kind::Bars || !has_bars(&recording.ticker) {
            continue;
        }
        // The file could be read a moment ago; if not any more, playing it says so.
        let Ok(rows) = recording.rows(Broken::Silent) else { continue };
        let seconds = covered.entry(recording.ticker.clone()).or_default();
        for second in rows.map(|row: Row| row.at().timestamp()) {
            if seconds.last() != Some(&second) {
                seconds.push(second);
            }
        }
    }
    for seconds in covered.values_mut() {
        seconds.sort_unstable();
        seconds.dedup();
    }
    covered
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
