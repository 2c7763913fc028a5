//! Bars for the research benches: real ones from a folder, or a walk as long as they are.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta};
use engine::Ticker;
use engine::backtest::Series;
use engine::bar::Bar;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Variable that names a folder with `BTCUSDT_1m.csv.gz` and `GOOG_1d_bt.csv`.
pub const FOLDER: &str = "TROUPE_BENCH_DATA";

/// Bars of a file of the folder; without a folder a walk of `count` bars.
pub fn series(file: &str, seconds: u32, count: usize) -> anyhow::Result<Series> {
    let ticker = Ticker::new(file.split('_').next().context("a file is named after its ticker")?)?;
    let bars = match std::env::var_os(FOLDER) {
        Some(folder) => read(&Path::new(&folder).join(file), seconds)?,
        None => walk(count, seconds, 1),
    };
    Ok(Series::new(ticker, bars)?)
}

/// Bars of an invented ticker: a walk, the same for the same seed.
pub fn invented(number: u64, seconds: u32, count: usize) -> anyhow::Result<Series> {
    let ticker = Ticker::new(&format!("WALK{number}"))?;
    Ok(Series::new(ticker, walk(count, seconds, number))?)
}

fn walk(count: usize, seconds: u32, seed: u64) -> Vec<Bar> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut close: f64 = 100.0;
    let step = TimeDelta::seconds(i64::from(seconds));
    let starts = std::iter::successors(Some(DateTime::UNIX_EPOCH), |at| Some(*at + step));
    starts
        .take(count)
        .map(|at| {
            let mut cents =
                |spread: f64| (random.random_range(-spread..spread) * 100.0).round() / 100.0;
            let open = close;
            close = (open + cents(open * 0.02)).max(1.0);
            let high = open.max(close) + cents(0.5).abs();
            let low = (open.min(close) - cents(0.5).abs()).max(0.5);
            Bar { at, seconds, open, high, low, close, volume: 1_000.0, trades: 100 }
        })
        .collect()
}

fn read(path: &Path, seconds: u32) -> anyhow::Result<Vec<Bar>> {
    let mut text = String::new();
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    } else {
        file.read_to_string(&mut text)?;
    }
    text.lines().skip(1).map(|line| bar(line, seconds).with_context(|| line.to_owned())).collect()
}

fn bar(line: &str, seconds: u32) -> anyhow::Result<Bar> {
    let (at, numbers) = line.split_once(',').context("no comma")?;
    let numbers: Vec<f64> = numbers.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let [open, high, low, close, volume] = numbers[..] else { anyhow::bail!("not six fields") };
    let at = DateTime::parse_from_rfc3339(at)?.to_utc();
    Ok(Bar { at, seconds, open, high, low, close, volume, trades: 0 })
}
