//! How long a message travels between the venue's door and the book.

use chrono::TimeDelta;
use rust_decimal::prelude::ToPrimitive;

use crate::hash;
use crate::options::Latency;

/// What travels: an order and its cancel draw their times independently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trip {
    Order,
    Cancel,
}

impl Latency {
    /// The time that the trip of an order's message takes: a pure function of the seed and the
    /// order's number.
    ///
    /// Shifted log-normal, the usual shape of network and queueing times: never below the minimum,
    /// half of the trips below the median, few of them much longer.
    pub(crate) fn of(&self, seed: u64, sequence: u64, trip: Trip) -> TimeDelta {
        let word = hash::mix(hash::mix(seed, sequence), 0x1A7E + trip as u64);
        let variable = (self.median_us - self.minimum_us).max(0);
        let variable = variable.to_f64().unwrap_or(0.0) * (self.spread * hash::normal(word)).exp();
        let variable = variable.to_i64().unwrap_or(0);
        TimeDelta::microseconds(self.minimum_us.saturating_add(variable))
    }
}
