//! Flags of `troupe backtest`, `evaluate`, `indicator` and `strategy`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use config::{Commission, Overrides};
use rust_decimal::Decimal;

use super::{StorageArgs, set_text};
use crate::bars::{Selection, Timeframe, range_end, range_start};

/// Flags of `troupe backtest`.
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Name of the strategy; `troupe strategy list` shows them.
    #[arg(long, value_name = "NAME")]
    pub(crate) strategy: String,
    /// A parameter of the strategy, such as fast=10; may be given again for others.
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, f64)>,
    /// Which bars.
    #[command(flatten)]
    pub(crate) bars: BarArgs,
    /// Money, costs and fills.
    #[command(flatten)]
    pub(crate) trading: TradingArgs,
    /// Write a report with charts: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
}

/// Flags of `troupe evaluate`.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// A strategy; may be given again for others. None given: all of them.
    #[arg(long = "strategy", value_name = "NAME")]
    pub(crate) strategies: Vec<String>,
    /// Which bars.
    #[command(flatten)]
    pub(crate) bars: BarArgs,
    /// Parameters to try: the built-in grids (default), or a TOML file [setting research.grid].
    #[arg(long, value_name = "default|FILE", long_help = GRID_HELP)]
    grid: Option<String>,
    /// Metric to rank by [setting research.metric, default sharpe_ratio].
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Backtests at once; 0: one per core [setting research.jobs, default 0].
    #[arg(long, value_name = "N")]
    jobs: Option<u16>,
    /// Money, costs and fills.
    #[command(flatten)]
    pub(crate) trading: TradingArgs,
    /// Rows of the ranking to print; --format json has all of them.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// Keep all results, and the best strategy of each ticker, in the database. Implied by
    /// --data-dir and --database-url.
    #[arg(long)]
    save: bool,
    /// Whose results they are; needed when there are several users.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Where the database is.
    #[command(flatten)]
    storage: StorageArgs,
}

const GRID_HELP: &str = "\
Parameters to try: the built-in grids (default), or a TOML file of strategies with, for each
parameter, a list or a range [setting research.grid]. A parameter that is not named keeps its default:

    [sma_cross]
    fast = [5, 10, 20]
    slow = { from = 20, to = 100, step = 10 }";

/// Flags of `troupe indicator`.
#[derive(Debug, Args)]
pub(crate) struct IndicatorArgs {
    /// Name of the indicator.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// A parameter of the indicator, such as period=14; may be given again for others.
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, f64)>,
    /// Which bars.
    #[command(flatten)]
    pub(crate) bars: BarArgs,
}

/// Flags of `troupe strategy`.
#[derive(Debug, Args)]
pub(crate) struct StrategyArgs {
    /// What to do with strategies.
    #[command(subcommand)]
    pub(crate) command: StrategyCommand,
}

/// What to do with strategies.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategyCommand {
    /// Show the catalogue: every strategy with its parameters, defaults and bounds.
    List,
    /// Write a new strategy: its file with a test, its backtest, and its lines in the lists. Needs the
    /// sources.
    New {
        /// Name of the strategy: small letters, digits and _, such as opening_range.
        name: String,
        /// Folder of Troupe's sources, instead of the one around the working directory.
        #[arg(long, value_name = "DIR")]
        sources: Option<PathBuf>,
    },
}

/// Which bars a command works on.
#[derive(Debug, Args)]
pub(crate) struct BarArgs {
    /// CSV file of bars, ticks or quotes (.gz too), or a folder of them: one per ticker.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) data: PathBuf,
    /// Symbol, instead of the one in the file's name; of a folder: which tickers, with commas between.
    #[arg(long, value_name = "TICKER", value_delimiter = ',')]
    pub(crate) ticker: Vec<String>,
    /// First bar: a date, or an instant such as 2024-01-31T14:30:00Z.
    #[arg(long, value_name = "TIME", value_parser = range_start)]
    from: Option<DateTime<Utc>>,
    /// Last bar: a date, which is included, or an instant.
    #[arg(long, value_name = "TIME", value_parser = range_end)]
    to: Option<DateTime<Utc>>,
    /// Length of the bars: 1Min, 5Min, 15Min, 1H, 1D or another whole part of a day. Default: that of
    /// the file, and 1Min for ticks and quotes.
    #[arg(long, value_name = "LENGTH")]
    timeframe: Option<Timeframe>,
}

/// How a backtest trades.
#[derive(Debug, Args)]
pub(crate) struct TradingArgs {
    /// US dollars at the start [setting research.cash, default 10000].
    #[arg(long, value_name = "USD")]
    cash: Option<Decimal>,
    /// Cost of each side: a rate of its value, or alpaca for what Alpaca passes on [setting
    /// research.commission, default 0.002].
    #[arg(long, value_name = "RATE|alpaca")]
    commission: Option<Commission>,
    /// Basis points by which market and stop orders fill worse [setting research.slippage_bps,
    /// default 0].
    #[arg(long, value_name = "BPS")]
    slippage_bps: Option<Decimal>,
    /// When an order fills that a close decided [setting research.fill, default next-open].
    #[arg(long, value_name = "WHEN", value_enum)]
    fill: Option<FillName>,
    /// Trade parts of a share, to nine decimals [setting research.fractional].
    #[arg(long)]
    fractional: bool,
    /// Sell short as well, or not [setting research.direction, default long].
    #[arg(long, value_name = "SIDES", value_enum)]
    direction: Option<DirectionName>,
    /// How large an entry is: all of the equity, or as live trading sizes it.
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) sizing: SizingName,
    /// Leave a position when it has lost this fraction of its entry, such as 0.05.
    #[arg(long, value_name = "FRACTION")]
    pub(crate) stop_loss: Option<Decimal>,
    /// Leave a position when it has won this fraction of its entry.
    #[arg(long, value_name = "FRACTION")]
    pub(crate) take_profit: Option<Decimal>,
    /// Leave a position when it has fallen this fraction below its best price.
    #[arg(long, value_name = "FRACTION")]
    pub(crate) trailing_stop: Option<Decimal>,
}

/// When an order that a close decided is filled.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FillName {
    /// At the open of the next bar.
    NextOpen,
    /// At that very close: optimistic, because nobody knows a close and trades at it.
    SameClose,
}

/// Which sides of the market are traded.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DirectionName {
    /// Bought and sold.
    Long,
    /// Sold short too.
    LongShort,
}

/// How large an entry is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizingName {
    /// All of the equity, in equal parts for the tickers.
    #[default]
    Equity,
    /// As a config with default settings: 2 % of its capital at risk over the assumed stop.
    Live,
}

impl BarArgs {
    /// What to read of the files.
    pub(crate) fn selection(&self) -> Selection {
        Selection { from: self.from, to: self.to, timeframe: self.timeframe }
    }
}

impl TradingArgs {
    fn set(&self, overrides: &mut Overrides) {
        let numbers = [
            ("--cash", "research.cash", self.cash.map(|cash| cash.to_string())),
            ("--commission", "research.commission", self.commission.map(|rate| rate.to_string())),
            (
                "--slippage-bps",
                "research.slippage_bps",
                self.slippage_bps.map(|bps| bps.to_string()),
            ),
        ];
        for (flag, key, value) in numbers {
            set_text(overrides, flag, key, value.as_deref());
        }
        if let Some(fill) = self.fill {
            let name = match fill {
                FillName::NextOpen => "next-open",
                FillName::SameClose => "same-close",
            };
            overrides.set("--fill", "research.fill", name);
        }
        if let Some(direction) = self.direction {
            let name = match direction {
                DirectionName::Long => "long",
                DirectionName::LongShort => "long-short",
            };
            overrides.set("--direction", "research.direction", name);
        }
        if self.fractional {
            overrides.set("--fractional", "research.fractional", true);
        }
    }
}

impl BacktestArgs {
    pub(super) fn set(&self, overrides: &mut Overrides) {
        self.trading.set(overrides);
    }
}

impl EvaluateArgs {
    pub(super) fn set(&self, overrides: &mut Overrides) {
        self.trading.set(overrides);
        self.storage.set(overrides);
        // The word for the built-in grids, in a setting that is a path.
        let grid = self.grid.as_deref().map(|grid| if grid == "default" { "" } else { grid });
        set_text(overrides, "--grid", "research.grid", grid);
        set_text(overrides, "--metric", "research.metric", self.metric.as_deref());
        if let Some(jobs) = self.jobs {
            overrides.set("--jobs", "research.jobs", i64::from(jobs));
        }
    }

    /// Whether the results go into the database.
    pub(crate) fn saves(&self) -> bool {
        self.save || self.storage.is_given()
    }
}

/// `key=value` with a number.
fn parameter(text: &str) -> Result<(String, f64), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.trim().is_empty());
    let (key, value) = pair.ok_or_else(|| "write KEY=VALUE, such as fast=10".to_owned())?;
    match value.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((key.trim().to_owned(), number)),
        _ => Err(format!("`{value}` is not a number")),
    }
}
