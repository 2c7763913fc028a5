//! What decides in a backtest: strategies by their stance, or code of one's own.

use super::RunError;
use super::data::Market;
use super::desk::Desk;
use crate::strategy::{Stance, Strategy};

/// Decides at every close. Strategies are run by [`Stances`]; implement this for what a stance
/// cannot say: limit orders, scaling in, exits that move.
///
/// It sees the bars up to this close and its own books, nothing later.
pub trait Tactic {
    /// Looks at [`Desk::bars`] and places or cancels orders.
    fn on_close(&mut self, desk: &mut Desk<'_>) -> Result<(), RunError>;
}

/// Follows strategies: a change of stance becomes orders by the plan of the spec, as a signal does
/// in live trading.
#[derive(Debug)]
pub struct Stances {
    strategies: Vec<Box<dyn Strategy>>,
    /// The stance towards each ticker, newest one first told.
    told: Vec<Option<Stance>>,
    /// Room for the answer of a strategy of several tickers.
    answer: Vec<Option<Stance>>,
}

impl Stances {
    /// One strategy per ticker in the order of the market, or one that watches all of them.
    pub fn new(strategies: Vec<Box<dyn Strategy>>, market: &Market) -> Result<Self, RunError> {
        let tickers = market.legs().len();
        let watched = strategies.iter().fold(0_usize, |sum, one| sum.saturating_add(one.tickers()));
        let alone = strategies.iter().all(|strategy| strategy.tickers() == 1);
        if watched != tickers || (!alone && strategies.len() != 1) {
            return Err(RunError::StrategyCount { watched, tickers });
        }
        for (leg, needed) in market.legs().iter().zip(strategies.iter().cycle()) {
            let needed = usize::try_from(needed.warmup_bars()).unwrap_or(usize::MAX);
            let bars = leg.bars().len();
            if bars < needed {
                return Err(RunError::TooFewBars { ticker: leg.ticker().clone(), bars, needed });
            }
        }
        Ok(Self { strategies, told: vec![None; tickers], answer: vec![None; tickers] })
    }

    /// The strategy, when it is one on one ticker: it can be shown many bars at once, because
    /// nothing that the desk does changes what it thinks.
    pub(super) fn single(&mut self) -> Option<&mut dyn Strategy> {
        match self.strategies.as_mut_slice() {
            [strategy] if strategy.tickers() == 1 => Some(strategy.as_mut()),
            _ => None,
        }
    }
}

impl Tactic for Stances {
    fn on_close(&mut self, desk: &mut Desk<'_>) -> Result<(), RunError> {
        self.answer.fill(None);
        if let [strategy] = self.strategies.as_mut_slice() {
            strategy.on_bars(desk.bars(), &mut self.answer);
        } else {
            let places = desk.bars().iter().zip(&mut self.answer);
            for (strategy, (bar, answer)) in self.strategies.iter_mut().zip(places) {
                *answer = bar.and_then(|bar| strategy.on_bar(bar));
            }
        }
        for (leg, (answer, told)) in self.answer.iter().zip(&mut self.told).enumerate() {
            if let Some(stance) = *answer
                && *told != Some(stance)
            {
                *told = Some(stance);
                desk.aim(leg, stance)?;
            }
        }
        Ok(())
    }
}
