//! Faults on demand: what can go wrong between a trader and an exchange, ordered instead of awaited.
//!
//! A fault says what happens, to whom and when (`fault`); a plan is a seed and a list of them
//! (`plan`). The places where they strike: requests (`http`), connections down to half a frame
//! (`wire`), streams (`gate`), trade updates (`updates`) and the market (`market`). Each of those
//! asks this module once per call, so that the counters tell how often it could have happened and
//! how often it did.

mod armed;
mod delay;
mod fault;
mod gate;
mod http;
mod market;
mod plan;
mod scope;
mod trigger;
mod updates;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

pub use self::armed::ArmedFault;
pub use self::delay::Delay;
use self::fault::Family;
pub use self::fault::{Cut, Fault, FaultKind, HaltedOrders};
pub(crate) use self::gate::{Ended, Gate, stream_error};
pub(crate) use self::http::inject;
use self::market::Announced;
pub use self::plan::FaultPlan;
pub use self::scope::{FaultScope, StreamKind};
pub use self::trigger::FaultTrigger;
pub(crate) use self::updates::{Delivery, Post};
pub(crate) use self::wire::{Wire, WireListener};
use crate::clock::VenueClock;
use crate::error::VenueError;
use crate::orders::Order;
use crate::refusal::Refusal;

/// Faults that are armed at the same time.
const FAULTS_MAX: usize = 1_000;

/// A handle on the faults of a venue; clones are the same faults.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// One bit per family with an armed fault: a venue without faults asks nothing else.
    families: AtomicU8,
    /// Grows whenever a fault is armed or removed.
    changes: watch::Sender<u64>,
    /// The accounts by the names that a scope has for them.
    accounts: Mutex<HashMap<String, Uuid>>,
    /// Whether a halt was announced that was not called off yet.
    announced: AtomicBool,
    /// Whether the clock can jump to the end of the day.
    clock_jumps: bool,
}

#[derive(Debug, Default)]
struct State {
    seed: u64,
    newest_id: u64,
    armed: BTreeMap<u64, ArmedFault>,
    announced: Announced,
}

/// A fault that strikes, and the random word of this call.
#[derive(Clone, Debug, PartialEq)]
struct Strike {
    id: u64,
    kind: FaultKind,
    word: u64,
}

impl Faults {
    /// No faults, in a venue with this clock.
    pub(crate) fn new(clock: &VenueClock) -> Self {
        let shared = Shared { clock_jumps: clock.jumps(), ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Arms a fault and returns its number.
    pub fn arm(&self, fault: Fault) -> Result<u64, VenueError> {
        self.check(&fault)?;
        let mut state = self.lock();
        let id = state.arm(fault)?;
        self.changed(&state);
        Ok(id)
    }

    /// Replaces all faults, the seed and the counters by those of a plan.
    pub fn load(&self, plan: &FaultPlan) -> Result<(), VenueError> {
        let mut loaded = State { seed: plan.seed, ..State::default() };
        for fault in &plan.faults {
            self.check(fault)?;
            loaded.arm(fault.clone())?;
        }
        let mut state = self.lock();
        // What was announced stays to be called off.
        loaded.announced = std::mem::take(&mut state.announced);
        *state = loaded;
        self.changed(&state);
        Ok(())
    }

    /// Removes a fault; `None` when there is none with this number.
    pub fn remove(&self, id: u64) -> Option<ArmedFault> {
        let mut state = self.lock();
        let removed = state.armed.remove(&id);
        self.changed(&state);
        removed
    }

    /// Removes every fault.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.armed.clear();
        self.changed(&state);
    }

    /// The armed faults and what they have done, in the order of their numbers.
    pub fn list(&self) -> Vec<ArmedFault> {
        self.lock().armed.values().cloned().collect()
    }

    /// How often a fault has struck; 0 when there is none with this number.
    pub fn injected(&self, id: u64) -> u64 {
        self.lock().armed.get(&id).map_or(0, |armed| armed.injected)
    }

    /// The seed that chances and random delays are drawn from.
    pub fn seed(&self) -> u64 {
        self.lock().seed
    }

    /// Refuses an order for a halted symbol where the halt says so; else whether it has to wait.
    pub(crate) fn halts(&self, symbol: &str, now: DateTime<Utc>) -> Result<bool, Refusal> {
        match self.halt(symbol, now) {
            None => Ok(false),
            Some(HaltedOrders::Rest) => Ok(true),
            Some(HaltedOrders::Refuse) => {
                let message = format!("asset \"{symbol}\" is not tradable");
                Err(Refusal::unprocessable(message).with("reason", "halted"))
            }
        }
    }

    /// Whether an order that was accepted is rejected all the same.
    pub(crate) fn rejects(&self, order: &Order, now: DateTime<Utc>) -> bool {
        let strikes = self.strikes(Family::Order, now, |fault| {
            let scope = &fault.scope;
            scope.symbol.as_ref().is_none_or(|wanted| same_symbol(wanted, &order.symbol))
                && scope.account.as_ref().is_none_or(|key| self.owns(key, order.account_id))
        });
        !strikes.is_empty()
    }

    /// Takes note of whose account a key opens.
    pub(crate) fn know(&self, key_id: String, account_id: Uuid) {
        let mut accounts = self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.insert(key_id, account_id);
    }

    fn owns(&self, key_id: &str, account_id: Uuid) -> bool {
        let accounts = self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(key_id) == Some(&account_id)
    }

    /// Whether any fault of a family is armed; cheap enough for every call.
    fn has(&self, family: Family) -> bool {
        self.shared.families.load(Ordering::Acquire) & bit(family) != 0
    }

    /// Counts a call on each fault of a family to which it could happen, and returns those that
    /// strike.
    fn strikes(
        &self,
        family: Family,
        now: DateTime<Utc>,
        applies: impl Fn(&Fault) -> bool,
    ) -> Vec<Strike> {
        if !self.has(family) {
            return Vec::new();
        }
        let mut state = self.lock();
        let seed = state.seed;
        let of_family = state
            .armed
            .values_mut()
            .filter(|armed| armed.fault.inject.family() == family && applies(&armed.fault));
        let strikes: Vec<Strike> = of_family
            .filter_map(|armed| {
                let word = armed.strike(seed, now)?;
                Some(Strike { id: armed.id, kind: armed.fault.inject.clone(), word })
            })
            .collect();
        for strike in &strikes {
            tracing::debug!(
                fault.id = strike.id,
                fault.kind = strike.kind.name(),
                "injected a fault"
            );
        }
        strikes
    }

    fn check(&self, fault: &Fault) -> Result<(), VenueError> {
        if fault.inject == (FaultKind::EndDay {}) && !self.shared.clock_jumps {
            return Err(fault::wrong(
                "inject.kind",
                &"end_day",
                "another kind: this venue's clock cannot jump, start it with a time of its own",
            ));
        }
        fault.check()
    }

    fn has_announced(&self) -> bool {
        self.shared.announced.load(Ordering::Acquire)
    }

    fn set_announced(&self, announced: bool) {
        self.shared.announced.store(announced, Ordering::Release);
    }

    fn is_armed(&self, id: u64) -> bool {
        self.lock().armed.contains_key(&id)
    }

    fn changed(&self, state: &State) {
        let families =
            state.armed.values().fold(0, |bits, armed| bits | bit(armed.fault.inject.family()));
        self.shared.families.store(families, Ordering::Release);
        self.shared.changes.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves counters at most one call behind.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn arm(&mut self, fault: Fault) -> Result<u64, VenueError> {
        if self.armed.len() >= FAULTS_MAX {
            return Err(VenueError::TooManyFaults { limit: FAULTS_MAX });
        }
        self.newest_id += 1;
        self.armed.insert(self.newest_id, ArmedFault::new(self.newest_id, fault));
        Ok(self.newest_id)
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            families: AtomicU8::new(0),
            changes: watch::Sender::new(0),
            accounts: Mutex::default(),
            announced: AtomicBool::new(false),
            clock_jumps: false,
        }
    }
}

/// Whether two spellings mean one symbol; pairs come with a slash and without.
fn same_symbol(one: &str, other: &str) -> bool {
    let letters = |symbol: &str| symbol.replace('/', "").to_ascii_uppercase();
    letters(one) == letters(other)
}

fn bit(family: Family) -> u8 {
    1 << (family as u8)
}
