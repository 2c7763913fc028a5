//! The backtester: strategies on recorded bars, with the order table, positions, sizing and checks
//! of live trading.
//!
//! One step is one instant at which any ticker has a bar, in this order:
//!
//! 1. Orders that stood before meet the bar: first its open, then the rest of it
//!    (`matching.rs` has the rules; a stop that is jumped over is filled at the open).
//! 2. The bar closes, and strategies see it: they never see a bar that an order of theirs can
//!    still meet.
//! 3. Their orders are placed. They meet the ticker's next bar; with [`FillAt::SameClose`] market
//!    orders are filled at this close.
//! 4. The equity is noted: cash and positions at the newest closes.
//!
//! Fills, cash and profits are decimal; the equity of each step and what is made of it are `f64`.
//! An order fills whole: the volume of a bar is not looked at. Selling short needs a collateral of
//! the full value and costs no interest. An equity of zero or below closes everything.

mod costs;
mod data;
mod desk;
mod ledger;
mod matching;
mod monitor;
mod order;
mod outcome;
mod report;
mod run;
mod sizing;
mod spec;
mod tactic;

pub use costs::{Costs, Fees, Liquidity, UsEquityFees};
pub use data::{BARS_MAX, BarFault, DataError, Market, Series, TICKERS_MAX};
pub use desk::Desk;
pub use monitor::{Flow, Monitor, Switch};
pub use order::{Effect, Exits, Level, OrderNumber, OrderRequest, Size};
pub use outcome::{Denial, FillRecord, OpenPosition, OrderRecord, Outcome, Trade, TradeSide};
pub(crate) use report::plain_params;
pub use report::{Labels, Named, Open, Report, timeframe};
pub use run::{RunOptions, run, run_tactic};
pub use spec::{CASH_MAX, Direction, FRACTION_STEP, FillAt, Protection, Sizing, Spec, SpecError};
pub use tactic::{Stances, Tactic};

use crate::money::MoneyError;
use crate::position::PositionError;
use thiserror::Error;

/// Most orders at work at once.
pub const ORDERS_MAX: usize = 10_000;

/// Most refusals that are kept with their reason; all are counted.
pub const DENIALS_MAX: usize = 1_000;

/// How much of a run is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// Trades.
    #[default]
    Trades,
    /// Trades, and every order with what became of it.
    Orders,
}

/// Why a backtest could not run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// A setting makes no sense.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Too few bars for the strategy to form an opinion.
    #[error("{ticker} has {bars} bars, the strategy needs {needed} before its first opinion")]
    TooFewBars {
        /// The ticker.
        ticker: crate::ticker::Ticker,
        /// Bars there are.
        bars: usize,
        /// Bars the strategy needs.
        needed: usize,
    },
    /// As many strategies as tickers are needed, or one that watches all of them.
    #[error("the strategies watch {watched} tickers, the market has {tickers}")]
    StrategyCount {
        /// Tickers that the strategies watch.
        watched: usize,
        /// Tickers of the market.
        tickers: usize,
    },
    /// An order names a ticker that the market does not have.
    #[error("there is no ticker number {leg}")]
    NoSuchTicker {
        /// Its index.
        leg: usize,
    },
    /// More orders at work than one run may have.
    #[error("more than {limit} orders at work at once")]
    TooManyOrders {
        /// The most.
        limit: usize,
    },
    /// An order was filled at a price that it does not have: a fault of ours.
    #[error("an order was filled at a price that it does not have")]
    NoPrice,
    /// An amount does not fit into 28 digits.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A fill that the position cannot have had: a fault of ours.
    #[error(transparent)]
    Position(#[from] PositionError),
}
