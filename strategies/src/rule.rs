//! What rules have in common: crossings, and how entries and exits make a stance.

use engine::params::{ParamError, Params, number};
use engine::strategy::Stance;
use serde::{Deserialize, Serialize};

/// Watches two lines. A crossing is strict: below before, above now; lines that touch and part to
/// the same side have not crossed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Crossing {
    before: Option<(f64, f64)>,
}

/// A crossing of the first line over the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was below and is above now.
    Up,
    /// It was above and is below now.
    Down,
}

impl Crossing {
    /// Takes the lines after the newest bar.
    pub(crate) fn next(&mut self, first: f64, second: f64) -> Option<Turn> {
        let (first_before, second_before) = self.before.replace((first, second))?;
        if first_before < second_before && first > second {
            Some(Turn::Up)
        } else if first_before > second_before && first < second {
            Some(Turn::Down)
        } else {
            None
        }
    }
}

impl Turn {
    /// The side of a rule that goes with the crossing.
    pub(crate) fn stance(self) -> Stance {
        match self {
            Self::Up => Stance::Long,
            Self::Down => Stance::Short,
        }
    }
}

/// The stance after a bar: an entry wins; without one, a side that is to be left becomes
/// [`Stance::Flat`]; otherwise it stays what it was.
pub(crate) fn after(
    before: Option<Stance>,
    enter: Option<Stance>,
    leave: impl Fn(Stance) -> bool,
) -> Option<Stance> {
    match before {
        _ if enter.is_some() => enter,
        Some(side) if side != Stance::Flat && leave(side) => Some(Stance::Flat),
        _ => before,
    }
}

/// Refuses parameters of which `less` is not less than `more`.
pub(crate) fn consistent(
    strategy: &'static str,
    params: &Params,
    (less, more): (&str, &str),
    reason: &'static str,
) -> Result<(), ParamError> {
    if number(params, less) < number(params, more) {
        return Ok(());
    }
    Err(ParamError::Inconsistent { strategy, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_touch_and_part_to_the_same_side_have_not_crossed() {
        let mut crossing = Crossing::default();
        let turns: Vec<_> = [(1.0, 2.0), (3.0, 2.0), (2.0, 2.0), (3.0, 2.0), (1.0, 2.0)]
            .into_iter()
            .map(|(first, second)| crossing.next(first, second))
            .collect();
        assert_eq!(turns, [None, Some(Turn::Up), None, None, Some(Turn::Down)]);
    }

    #[test]
    fn an_entry_wins_over_leaving_and_leaving_nothing_is_no_opinion() {
        use Stance::{Flat, Long, Short};
        assert_eq!(after(Some(Long), Some(Short), |_| true), Some(Short));
        assert_eq!(after(Some(Long), None, |side| side == Long), Some(Flat));
        assert_eq!(after(Some(Long), None, |side| side == Short), Some(Long));
        assert_eq!(after(None, None, |_| true), None);
    }
}
