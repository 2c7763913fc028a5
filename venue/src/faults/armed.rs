//! One armed fault: its counters, and the decision whether it strikes now.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::fault::Fault;
use super::trigger::FaultTrigger;
use crate::hash;

/// An armed fault and what it has done so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmedFault {
    /// Its number, by which it can be removed.
    pub id: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// Things that it could have happened to.
    pub calls: u64,
    /// Times that it struck.
    pub injected: u64,
    /// When it struck first, in the venue's time.
    pub first_at: Option<DateTime<Utc>>,
}

impl ArmedFault {
    pub(super) fn new(id: u64, fault: Fault) -> Self {
        Self { id, fault, calls: 0, injected: 0, first_at: None }
    }

    /// Counts a call. When the fault strikes: a random word that belongs to this call.
    pub(super) fn strike(&mut self, seed: u64, now: DateTime<Utc>) -> Option<u64> {
        if !self.in_time(now) {
            return None;
        }
        self.calls += 1;
        let FaultTrigger { skip, every, probability, count, .. } = self.fault.trigger;
        let counted = self.calls.saturating_sub(skip);
        if counted == 0 || !counted.is_multiple_of(every.max(1)) {
            return None;
        }
        if count.is_some_and(|count| self.injected >= count) {
            return None;
        }
        let word = hash::mix(hash::mix(seed, self.id), self.calls);
        if hash::unit(word) >= probability {
            return None;
        }
        self.note(now);
        Some(hash::mix(word, 1))
    }

    /// Whether a fault that lasts for a time is on; its time starts when this is first asked.
    pub(super) fn is_on(&mut self, now: DateTime<Utc>) -> bool {
        if !self.in_time(now) {
            return false;
        }
        self.first_at.get_or_insert(now);
        true
    }

    /// Counts something that the fault did.
    pub(super) fn note(&mut self, now: DateTime<Utc>) {
        self.injected += 1;
        self.first_at.get_or_insert(now);
    }

    fn in_time(&self, now: DateTime<Utc>) -> bool {
        let FaultTrigger { from, until, for_ms, .. } = self.fault.trigger;
        let span = for_ms.map(|ms| TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX)));
        from.is_none_or(|from| now >= from)
            && until.is_none_or(|until| now < until)
            && match (span, self.first_at) {
                (Some(span), Some(first)) => now - first < span,
                (_, _) => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::fault::FaultKind;

    fn calls(trigger: FaultTrigger, seed: u64) -> Vec<u64> {
        let fault = Fault::new(FaultKind::LostAnswer {}).when(trigger);
        let mut armed = ArmedFault::new(1, fault);
        let second = |call: i64| DateTime::from_timestamp(call, 0).unwrap();
        (1..=12)
            .filter(|&call| armed.strike(seed, second(call)).is_some())
            .map(i64::unsigned_abs)
            .collect()
    }

    #[test]
    fn a_trigger_strikes_the_calls_that_it_names() {
        let trigger = FaultTrigger::default;
        let second = |s: i64| DateTime::from_timestamp(s, 0);
        assert_eq!(calls(FaultTrigger::nth(3), 0), [3]);
        assert_eq!(calls(FaultTrigger::first(2), 0), [1, 2]);
        assert_eq!(calls(FaultTrigger { every: 4, ..trigger() }, 0), [4, 8, 12]);
        assert_eq!(calls(FaultTrigger { skip: 9, ..trigger() }, 0), [10, 11, 12]);
        let between = FaultTrigger { from: second(4), until: second(6), ..trigger() };
        assert_eq!(calls(between, 0), [4, 5]);
        let burst = FaultTrigger { skip: 2, for_ms: Some(2_500), ..trigger() };
        assert_eq!(calls(burst, 0), [3, 4, 5]);
    }

    #[test]
    fn chance_is_a_function_of_the_seed() {
        let one = calls(FaultTrigger::chance(0.5), 1);
        assert_eq!(one, calls(FaultTrigger::chance(0.5), 1));
        assert_ne!(one, calls(FaultTrigger::chance(0.5), 2));
        assert!((1..12).contains(&one.len()), "{one:?}");
        assert_eq!(calls(FaultTrigger::chance(0.0), 1), [0_u64; 0]);
    }
}
