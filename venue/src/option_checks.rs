//! Options that make no sense, refused before anything starts.

use rust_decimal::Decimal;

use crate::error::VenueError;
use crate::options::{AccountSpec, FillOptions, Speed, SyntheticOptions};
use crate::synthetic::TRADES_PER_SECOND_MAX;

/// The slowest replay, in seconds of tape per second.
const SPEED_MIN: f64 = 0.001;
/// The slowest and the fastest clock of invented prices, in its seconds per second.
const CLOCK_SPEED_MIN: f64 = 0.001;
const CLOCK_SPEED_MAX: f64 = 3_600.0;

pub(crate) fn accounts(accounts: &[AccountSpec]) -> Result<(), VenueError> {
    for account in accounts {
        let wrong = if account.key_id.is_empty() {
            Some("an account with a key id")
        } else if account.cash < Decimal::ZERO {
            Some("an account with cash of 0 or more")
        } else if !matches!(account.multiplier, 1 | 2 | 4) {
            Some("an account with a multiplier of 1 (cash), 2 (margin) or 4 (day trading)")
        } else {
            None
        };
        if let Some(expected) = wrong {
            let value = account.key_id.clone();
            return Err(VenueError::Option { option: "accounts", value, expected });
        }
    }
    Ok(())
}

pub(crate) fn fills(fills: FillOptions) -> Result<(), VenueError> {
    let FillOptions::Realistic(realistic) = fills else { return Ok(()) };
    match realistic.fault() {
        None => Ok(()),
        Some(expected) => {
            Err(VenueError::Option { option: "fills", value: format!("{realistic:?}"), expected })
        }
    }
}

pub(crate) fn speed(speed: Speed) -> Result<(), VenueError> {
    match speed {
        Speed::Max => Ok(()),
        Speed::Times(times) if times.is_finite() && times >= SPEED_MIN => Ok(()),
        Speed::Times(times) => Err(VenueError::Option {
            option: "speed",
            value: times.to_string(),
            expected: "a number from 0.001, or max",
        }),
    }
}

pub(crate) fn synthetic(options: &SyntheticOptions) -> Result<(), VenueError> {
    if !(CLOCK_SPEED_MIN..=CLOCK_SPEED_MAX).contains(&options.speed) {
        return Err(VenueError::Option {
            option: "speed",
            value: options.speed.to_string(),
            expected: "0.001 to 3600 seconds of the venue per second",
        });
    }
    if !(1..=TRADES_PER_SECOND_MAX).contains(&options.trades_per_second) {
        return Err(VenueError::Option {
            option: "trades_per_second",
            value: options.trades_per_second.to_string(),
            expected: "1 to 100",
        });
    }
    if !(0.0..=100.0).contains(&options.liveliness) {
        return Err(VenueError::Option {
            option: "liveliness",
            value: options.liveliness.to_string(),
            expected: "0 to 100, where 1 is a realistic market",
        });
    }
    if !(0.0..=1.0).contains(&options.partial_fill_chance) {
        return Err(VenueError::Option {
            option: "partial_fill_chance",
            value: options.partial_fill_chance.to_string(),
            expected: "0 to 1",
        });
    }
    Ok(())
}
