//! The loop over the bars.

use super::data::Market;
use super::desk::Desk;
use super::monitor::{Flow, INTERVAL, Monitor};
use super::outcome::Outcome;
use super::spec::Spec;
use super::tactic::{Stances, Tactic};
use super::{Journal, RunError};
use crate::strategy::Strategy;

/// What a run takes besides market, spec and strategy.
#[derive(Default)]
pub struct RunOptions<'a> {
    /// What is written down.
    pub journal: Journal,
    /// Who is told of progress and may stop the run; nobody when `None`.
    pub monitor: Option<&'a dyn Monitor>,
    /// An outcome that is no longer needed: its memory is used again.
    pub reuse: Outcome,
}

impl std::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let watched = self.monitor.is_some();
        formatter.debug_struct("RunOptions").field("journal", &self.journal).field("watched", &watched).finish_non_exhaustive()
    }
}

/// Runs one strategy per ticker of the market.
pub fn run(
    market: &Market,
    spec: &Spec,
    strategies: Vec<Box<dyn Strategy>>,
    options: RunOptions<'_>,
) -> Result<Outcome, RunError> {
    let mut stances = Stances::new(strategies);
    let tickers = market.legs().len();
    if stances.len() != tickers {
        return Err(RunError::StrategyCount { strategies: stances.len(), tickers });
    }
    run_tactic(market, spec, &mut stances, options)
}

/// Runs whatever decides.
pub fn run_tactic<T: Tactic + ?Sized>(
    market: &Market,
    spec: &Spec,
    tactic: &mut T,
    options: RunOptions<'_>,
) -> Result<Outcome, RunError> {
    spec.check()?;
    let RunOptions { journal, monitor, reuse } = options;
    let mut desk = Desk::new(market, spec, journal, reuse);
    let mut upcoming: Vec<_> = market.legs().iter().map(|leg| leg.bars().iter().peekable()).collect();
    for steps in market.times().chunks(INTERVAL) {
        for at in steps {
            desk.begin(*at);
            for (leg, bars) in upcoming.iter_mut().enumerate() {
                desk.set_bar(leg, bars.next_if(|bar| bar.at == *at));
            }
            desk.meet_bars()?;
            desk.mark_closes();
            tactic.on_close(&mut desk)?;
            desk.finish()?;
        }
        let bars = u64::try_from(steps.len()).unwrap_or(u64::MAX);
        if monitor.is_some_and(|monitor| monitor.advanced(bars) == Flow::Stop) {
            return Ok(desk.into_outcome(true));
        }
    }
    Ok(desk.into_outcome(false))
}
