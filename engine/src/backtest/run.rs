//! The loop over the bars.

use super::data::Market;
use super::desk::Desk;
use super::monitor::{Flow, INTERVAL, Monitor};
use super::outcome::Outcome;
use super::spec::Spec;
use super::tactic::{Stances, Tactic};
use super::{Journal, RunError};
use crate::bar::Bar;
use crate::strategy::{Stance, Strategy};

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

/// Runs strategies: one per ticker in the order of the market, or one that watches all of them.
pub fn run(
    market: &Market,
    spec: &Spec,
    strategies: Vec<Box<dyn Strategy>>,
    options: RunOptions<'_>,
) -> Result<Outcome, RunError> {
    let mut stances = Stances::new(strategies, market)?;
    match (market.legs(), stances.single()) {
        ([leg], Some(strategy)) => run_single(market, leg.bars(), spec, strategy, options),
        _ => run_tactic(market, spec, &mut stances, options),
    }
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
    let mut upcoming: Vec<_> =
        market.legs().iter().map(|leg| leg.bars().iter().peekable()).collect();
    for steps in market.times().chunks(INTERVAL) {
        for at in steps {
            for (leg, bars) in upcoming.iter_mut().enumerate() {
                desk.set_bar(leg, bars.next_if(|bar| bar.at == *at));
            }
            desk.begin(*at)?;
            tactic.on_close(&mut desk)?;
            desk.finish()?;
        }
        if is_stopped(monitor, steps.len()) {
            return Ok(desk.into_outcome(true));
        }
    }
    Ok(desk.into_outcome(false))
}

/// The same for one strategy on one ticker, without a question per bar: the strategy is shown a
/// stretch of bars at once, and the desk looks at those bars only at which something can happen.
fn run_single(
    market: &Market,
    bars: &[Bar],
    spec: &Spec,
    strategy: &mut dyn Strategy,
    options: RunOptions<'_>,
) -> Result<Outcome, RunError> {
    spec.check()?;
    let RunOptions { journal, monitor, reuse } = options;
    let mut desk = Desk::new(market, spec, journal, reuse);
    let mut told = None;
    let mut stances = Vec::with_capacity(INTERVAL);
    for stretch in bars.chunks(INTERVAL) {
        stances.clear();
        strategy.on_history(stretch, &mut stances);
        follow(&mut desk, stretch, &stances, &mut told)?;
        if is_stopped(monitor, stretch.len()) {
            return Ok(desk.into_outcome(true));
        }
    }
    Ok(desk.into_outcome(false))
}

fn follow<'a>(
    desk: &mut Desk<'a>,
    bars: &'a [Bar],
    stances: &[Option<Stance>],
    told: &mut Option<Stance>,
) -> Result<(), RunError> {
    let (mut bars, mut stances) = (bars, stances);
    loop {
        if desk.is_idle() {
            let same = |stance: &&Option<Stance>| stance.is_none() || **stance == *told;
            let quiet = stances.iter().take_while(same).count();
            let (passed, later) = bars.split_at_checked(quiet).unwrap_or((bars, &[]));
            desk.pass(passed)?;
            bars = later;
            stances = stances.get(quiet..).unwrap_or_default();
        }
        let (Some((bar, later)), Some((stance, answers))) =
            (bars.split_first(), stances.split_first())
        else {
            return Ok(());
        };
        (bars, stances) = (later, answers);
        desk.set_bar(0, Some(bar));
        desk.begin(bar.at)?;
        if let Some(stance) = stance
            && *told != Some(*stance)
        {
            *told = Some(*stance);
            desk.aim(0, *stance)?;
        }
        desk.finish()?;
    }
}

fn is_stopped(monitor: Option<&dyn Monitor>, bars: usize) -> bool {
    let bars = u64::try_from(bars).unwrap_or(u64::MAX);
    monitor.is_some_and(|monitor| monitor.advanced(bars) == Flow::Stop)
}

impl std::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut written = formatter.debug_struct("RunOptions");
        let written = written.field("journal", &self.journal);
        written.field("watched", &self.monitor.is_some()).finish_non_exhaustive()
    }
}
