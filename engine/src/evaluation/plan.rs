//! What is to be run, in pieces of work, and how one piece is done.

use crate::backtest::{
    DataError, Market, Monitor, Outcome, RunError, RunOptions, Series, Spec, plain_params, run,
};
use crate::metrics::Metrics;
use crate::strategy::{ParamError, Params, Strategy};
use crate::ticker::Ticker;
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;
use thiserror::Error;

/// Most runs of one evaluation.
pub const RUNS_MAX: usize = 2_000_000;

/// Runs of one piece of work: enough to make the taking of it cheap, few enough to share out.
const ITEM_RUNS: usize = 32;

/// A strategy with the parameters to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Name of the strategy.
    pub strategy: String,
    /// Tickers it watches together: with two, every pair of tickers is tried.
    pub tickers: usize,
    /// Complete, checked parameters, one set per run.
    pub params: Vec<Params>,
}

/// Makes a strategy of complete parameters.
pub type Builder<'a> = dyn Fn(&str, &Params) -> Result<Box<dyn Strategy>, ParamError> + Sync + 'a;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    candidates: Vec<Candidate>,
    /// One market per ticker.
    markets: Vec<Market>,
    items: Vec<WorkItem>,
    runs: usize,
}

/// A piece of work: one strategy on one ticker or pair, with some of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    candidate: usize,
    /// Indices of the tickers.
    legs: Vec<usize>,
    params: Range<usize>,
}

/// What one run has made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Name of the strategy.
    pub strategy: String,
    /// All its parameters.
    #[serde(serialize_with = "plain_params")]
    pub params: Params,
    /// The ticker, or the pair.
    pub tickers: Vec<Ticker>,
    /// Its metrics.
    pub metrics: Metrics,
}

/// A run that could not be made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// Name of the strategy.
    pub strategy: String,
    /// All its parameters.
    #[serde(serialize_with = "plain_params")]
    pub params: Params,
    /// The ticker, or the pair.
    pub tickers: Vec<Ticker>,
    /// Why not.
    pub reason: String,
}

/// What a piece of work has made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worked {
    /// The runs that were made.
    pub scores: Vec<Score>,
    /// Those that could not be.
    pub skipped: Vec<Skipped>,
    /// Whether it was canceled before its end; a run that was canceled has no score.
    pub canceled: bool,
}

/// A plan that cannot be made.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    /// Nothing to run.
    #[error("there is nothing to run: {missing}")]
    Nothing {
        /// What is missing.
        missing: &'static str,
    },
    /// Too much to run.
    #[error("{runs} runs, at most {limit}: take fewer tickers or smaller grids")]
    TooMany {
        /// How many there would be.
        runs: usize,
        /// The most.
        limit: usize,
    },
    /// The bars are no market data.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Plan {
    /// Every candidate on every ticker, or on every pair of them.
    pub fn new(candidates: Vec<Candidate>, series: Vec<Series>) -> Result<Self, PlanError> {
        let missing = |missing| Err(PlanError::Nothing { missing });
        if series.is_empty() {
            return missing("no bars");
        }
        if candidates.iter().all(|candidate| candidate.params.is_empty()) {
            return missing("no strategy with parameters to try");
        }
        // Tickers given twice and bars of different lengths are found here.
        let names = series.iter().map(Series::ticker);
        if let Some(twice) = first_repeated(names) {
            return Err(DataError::TickerTwice { ticker: twice }.into());
        }
        let runs = candidates.iter().fold(0_usize, |sum, candidate| {
            let places = places_of(candidate, series.len());
            sum.saturating_add(candidate.params.len().saturating_mul(places))
        });
        if runs > RUNS_MAX {
            return Err(PlanError::TooMany { runs, limit: RUNS_MAX });
        }
        if runs == 0 {
            return missing("a pair needs two tickers");
        }
        let markets = series.into_iter().map(|series| Market::new(vec![series]));
        let markets: Vec<_> = markets.collect::<Result<_, _>>()?;
        let items = items(&candidates, markets.len());
        Ok(Self { candidates, markets, items, runs })
    }

    /// The pieces of work, in any order and on any thread.
    pub fn items(&self) -> &[WorkItem] {
        &self.items
    }

    /// Runs of all pieces together.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Does one piece of work. `scratch` is memory that a thread may keep between pieces.
    pub fn work(
        &self,
        item: &WorkItem,
        spec: &Spec,
        build: &Builder<'_>,
        monitor: &dyn Monitor,
        scratch: &mut Outcome,
    ) -> Result<Worked, RunError> {
        let mut worked = Worked::default();
        let Some(candidate) = self.candidates.get(item.candidate) else { return Ok(worked) };
        let params = candidate.params.get(item.params.clone()).unwrap_or_default();
        let market = match self.market(item) {
            Ok(market) => market,
            Err(error) => {
                let skip = |params| self.skipped(item, candidate, params, &error);
                worked.skipped.extend(params.iter().map(skip));
                return Ok(worked);
            }
        };
        for params in params {
            let strategy = match build(&candidate.strategy, params) {
                Ok(strategy) => strategy,
                Err(error) => {
                    worked.skipped.push(self.skipped(item, candidate, params, &error));
                    continue;
                }
            };
            let reuse = std::mem::take(scratch);
            let options = RunOptions { monitor: Some(monitor), reuse, ..RunOptions::default() };
            match run(&market, spec, vec![strategy], options) {
                Ok(outcome) if outcome.canceled => {
                    worked.canceled = true;
                    return Ok(worked);
                }
                Ok(outcome) => {
                    let metrics = Metrics::of(&outcome, &market, spec.class);
                    worked.scores.push(self.score(item, candidate, params, metrics));
                    *scratch = outcome;
                }
                Err(error @ RunError::TooFewBars { .. }) => {
                    worked.skipped.push(self.skipped(item, candidate, params, &error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(worked)
    }

    /// The market of a piece of work: that of its ticker, or one made of its pair.
    fn market(&self, item: &WorkItem) -> Result<Cow<'_, Market>, DataError> {
        let mut markets = item.legs.iter().filter_map(|leg| self.markets.get(*leg));
        if item.legs.len() == 1
            && let Some(market) = markets.next()
        {
            return Ok(Cow::Borrowed(market));
        }
        let series = markets.flat_map(|market| market.legs().iter().cloned());
        Market::new(series.collect()).map(Cow::Owned)
    }

    fn tickers(&self, item: &WorkItem) -> Vec<Ticker> {
        let markets = item.legs.iter().filter_map(|leg| self.markets.get(*leg));
        markets.flat_map(Market::legs).map(|leg| leg.ticker().clone()).collect()
    }

    fn score(
        &self,
        item: &WorkItem,
        candidate: &Candidate,
        params: &Params,
        metrics: Metrics,
    ) -> Score {
        Score {
            strategy: candidate.strategy.clone(),
            params: params.clone(),
            tickers: self.tickers(item),
            metrics,
        }
    }

    fn skipped(
        &self,
        item: &WorkItem,
        candidate: &Candidate,
        params: &Params,
        reason: &dyn std::error::Error,
    ) -> Skipped {
        Skipped {
            strategy: candidate.strategy.clone(),
            params: params.clone(),
            tickers: self.tickers(item),
            reason: reason.to_string(),
        }
    }
}

fn first_repeated<'a>(names: impl Iterator<Item = &'a Ticker>) -> Option<Ticker> {
    let mut seen = std::collections::BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name)).cloned()
}

/// On how many tickers, or pairs of them, a candidate is tried.
fn places_of(candidate: &Candidate, tickers: usize) -> usize {
    if candidate.tickers <= 1 {
        return tickers;
    }
    tickers.saturating_mul(tickers.saturating_sub(1)).checked_div(2).unwrap_or(0)
}

fn items(candidates: &[Candidate], tickers: usize) -> Vec<WorkItem> {
    let mut items = Vec::new();
    for (candidate, of) in candidates.iter().enumerate() {
        for first in 0..tickers {
            let others: Vec<Vec<usize>> = if of.tickers <= 1 {
                vec![vec![first]]
            } else {
                (first.saturating_add(1)..tickers).map(|second| vec![first, second]).collect()
            };
            for legs in others {
                let mut start = 0;
                while start < of.params.len() {
                    let end = start.saturating_add(ITEM_RUNS).min(of.params.len());
                    items.push(WorkItem { candidate, legs: legs.clone(), params: start..end });
                    start = end;
                }
            }
        }
    }
    items
}
