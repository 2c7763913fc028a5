//! What decides in a backtest: strategies by their stance, or code of one's own.

use super::desk::Desk;
use super::RunError;
use crate::strategy::{Stance, Strategy};

/// Decides at every close. Strategies are run by [`Stances`]; implement this for what a stance
/// cannot say: limit orders, scaling in, exits that move.
///
/// It sees the bars up to this close and its own books, nothing later.
pub trait Tactic {
    /// Looks at [`Desk::bars`] and places or cancels orders.
    fn on_close(&mut self, desk: &mut Desk<'_>) -> Result<(), RunError>;
}

/// Follows strategies: a change of stance becomes orders by the plan of the spec.
#[derive(Debug)]
pub struct Stances {
    strategies: Vec<Box<dyn Strategy>>,
    held: Vec<Option<Stance>>,
}

impl Stances {
    /// One strategy per ticker, in the order of the market.
    pub fn new(strategies: Vec<Box<dyn Strategy>>) -> Self {
        let held = vec![None; strategies.len()];
        Self { strategies, held }
    }

    pub(super) fn len(&self) -> usize {
        self.strategies.len()
    }
}

impl Tactic for Stances {
    fn on_close(&mut self, desk: &mut Desk<'_>) -> Result<(), RunError> {
        for (leg, strategy) in self.strategies.iter_mut().enumerate() {
            let Some(bar) = desk.bars().get(leg).copied().flatten() else { continue };
            let Some(stance) = strategy.on_bar(bar).stance else { continue };
            let Some(held) = self.held.get_mut(leg) else { continue };
            if *held != Some(stance) {
                *held = Some(stance);
                desk.aim(leg, stance)?;
            }
        }
        Ok(())
    }
}
