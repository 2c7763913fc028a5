//! When a fault strikes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fault::{Family, wrong};
use crate::error::VenueError;

/// When a fault strikes. A "call" is one thing that the fault could happen to: a request, an
/// update, a frame, an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultTrigger {
    /// Calls that are let through first.
    pub skip: u64,
    /// Then each nth call: 1 is every one. With `count = 1`, exactly the nth.
    pub every: u64,
    /// The chance of each of those, 0 to 1, drawn from the plan's seed.
    pub probability: f64,
    /// Times that it strikes at most.
    pub count: Option<u64>,
    /// Not before this time of the venue.
    pub from: Option<DateTime<Utc>>,
    /// Not at this time of the venue or later.
    pub until: Option<DateTime<Utc>>,
    /// Not any more this long after it first struck, in milliseconds of the venue's time.
    pub for_ms: Option<u64>,
}

impl FaultTrigger {
    /// The nth call alone, from 1.
    pub fn nth(nth: u64) -> Self {
        Self { every: nth, count: Some(1), ..Self::default() }
    }

    /// The first so many calls.
    pub fn first(count: u64) -> Self {
        Self { count: Some(count), ..Self::default() }
    }

    /// Each call with this chance.
    pub fn chance(probability: f64) -> Self {
        Self { probability, ..Self::default() }
    }

    pub(super) fn check(&self, family: Family) -> Result<(), VenueError> {
        if self.every == 0 {
            return Err(wrong("trigger.every", &0, "1 or more"));
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(wrong("trigger.probability", &self.probability, "0 to 1"));
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Err(wrong("trigger.until", &until, "after trigger.from"));
        }
        let counts = Self { from: None, until: None, for_ms: None, ..self.clone() };
        if family == Family::Market && counts != Self::default() {
            return Err(wrong(
                "trigger",
                &"counting calls",
                "from, until or for_ms: this kind lasts for a time",
            ));
        }
        Ok(())
    }
}

impl Default for FaultTrigger {
    fn default() -> Self {
        Self {
            skip: 0,
            every: 1,
            probability: 1.0,
            count: None,
            from: None,
            until: None,
            for_ms: None,
        }
    }
}
