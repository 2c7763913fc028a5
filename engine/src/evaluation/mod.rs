//! Evaluation: strategies × tickers × parameter grids, cut into pieces of work that any number of
//! threads can take, and ranked by a metric.
//!
//! Nothing here starts a thread: the command line and the jobs of the engine share out the
//! [`WorkItem`]s of a [`Plan`] and put the [`Score`]s together again.

mod grid;
mod plan;
mod rank;

pub use grid::{COMBINATIONS_MAX, Grid, GridError};
pub use plan::{Builder, Candidate, Plan, PlanError, RUNS_MAX, Score, Skipped, WorkItem, Worked};
pub use rank::{best_per_ticker, rank};
