//! How long something is held back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::wrong;
use crate::error::VenueError;
use crate::hash;

/// The longest a fault may hold something back; a typing mistake must not hang a test for days.
pub(super) const DELAY_MS_MAX: u64 = 600_000;
/// An exponential delay stops at this many times its mean.
const EXPONENTIAL_TIMES_MAX: f64 = 10.0;

/// How long something is held back; random ones are drawn from the plan's seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// Always this many milliseconds.
    FixedMs(u64),
    /// Any between these two, in milliseconds.
    UniformMs([u64; 2]),
    /// Many short and a few long ones around this mean, in milliseconds.
    ExponentialMs(u64),
}

impl Delay {
    /// The delay for a random word.
    pub(super) fn draw(self, word: u64) -> Duration {
        match self {
            Self::FixedMs(ms) => Duration::from_millis(ms),
            Self::UniformMs([least, most]) => {
                let span = most.saturating_sub(least).saturating_add(1);
                Duration::from_millis(least + word % span)
            }
            Self::ExponentialMs(mean) => {
                let times = -(1.0 - hash::unit(word)).ln();
                Duration::from_millis(mean).mul_f64(times.clamp(0.0, EXPONENTIAL_TIMES_MAX))
            }
        }
    }

    pub(super) fn check(self) -> Result<(), VenueError> {
        let most = match self {
            Self::FixedMs(ms) | Self::ExponentialMs(ms) => ms,
            Self::UniformMs([least, most]) if least > most => {
                return Err(wrong("inject.delay", &least, "the smaller of the two first"));
            }
            Self::UniformMs([_, most]) => most,
        };
        if most > DELAY_MS_MAX {
            return Err(wrong("inject.delay", &most, "600000 milliseconds at most"));
        }
        Ok(())
    }
}

impl Default for Delay {
    fn default() -> Self {
        Self::FixedMs(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_within_what_was_asked_for() {
        for word in (0..2_000).map(|index| hash::mix(index, 3)) {
            let uniform = Delay::UniformMs([10, 12]).draw(word).as_millis();
            assert!((10..=12).contains(&uniform), "{uniform}");
            assert!(Delay::ExponentialMs(20).draw(word).as_millis() <= 200);
        }
    }
}
