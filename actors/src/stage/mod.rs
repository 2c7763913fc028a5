//! What every actor stands on.
//!
//! A [`Stage`] belongs to one engine (two engines in one process never meet): it knows the clock
//! and every actor by its path. Actors are reached through an [`Address`], which
//! stays valid over restarts.

mod address;
mod idle;
mod role;
mod supervision;
mod tasks;
mod vitals;

pub(crate) use address::Address;
pub use address::AskError;
pub(crate) use role::{Cue, Fault, Message, Role};
pub use supervision::SupervisionPolicy;
pub(crate) use supervision::{Supervised, group, is_supervised, living_pool, pool, supervised};
pub(crate) use tasks::{Running, Work};
pub(crate) use vitals::Vitals;
pub use vitals::{ActorState, ActorView};

use crate::counters::Counters;
use address::Slot;
use engine::{Clock, IdSource};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of the roster, by path.
type Roster = BTreeMap<Arc<str>, Entry>;

/// One engine's ground: clock, policy and the roster of all its actors.
pub(crate) struct Stage {
    /// Part of every actor's registered name, so that two engines in one process never collide.
    prefix: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: SupervisionPolicy,
    pub(crate) counters: Counters,
    work: Arc<tasks::WorkTally>,
    roster: Mutex<Roster>,
}

struct Entry {
    vitals: Arc<Vitals>,
    slot: Arc<dyn Any + Send + Sync>,
    observe: Observer,
}

/// Asks the actor behind an entry for a summary of its own.
type Observer =
    Arc<dyn Fn() -> futures_util::future::BoxFuture<'static, serde_json::Value> + Send + Sync>;

impl Stage {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        ids: &dyn IdSource,
        policy: SupervisionPolicy,
    ) -> Arc<Self> {
        let prefix = ids.uuid().simple().to_string();
        Arc::new(Self {
            prefix,
            clock,
            policy,
            counters: Counters::default(),
            work: Arc::default(),
            roster: Mutex::default(),
        })
    }

    /// The address of the actor at `path`, which need not be alive yet. One path always has the
    /// same message type; asking with another gives an address that reaches nobody.
    pub(crate) fn address<M: Message>(
        self: &Arc<Self>,
        path: &str,
        kind: &'static str,
    ) -> Address<M> {
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = roster.get(path) {
            let slot = Arc::clone(&entry.slot);
            if let Ok(slot) = slot.downcast::<Slot<M>>() {
                return Address::new(slot, Arc::clone(&entry.vitals));
            }
        }
        let vitals = Arc::new(Vitals::new(path.into(), kind));
        let slot = Arc::new(Slot::<M>::default());
        let address = Address::new(Arc::clone(&slot), Arc::clone(&vitals));
        let observed = address.clone();
        let observe: Observer = Arc::new(move || {
            let address = observed.clone();
            Box::pin(async move { address.observe().await })
        });
        roster.insert(path.into(), Entry { vitals, slot, observe });
        address
    }

    /// Forgets an actor that ended for good.
    pub(crate) fn forget(&self, path: &str) {
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        roster.remove(path);
    }

    /// Name of `path` in the registry of the process.
    pub(crate) fn registered(&self, path: &str) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// Counts a piece of work that no mailbox shows, such as a request on the wire.
    pub(crate) fn work(&self) -> Work {
        Work::begin(&self.work)
    }

    /// Every actor, with what it says of itself.
    pub(crate) async fn view(&self) -> Vec<ActorView> {
        let entries: Vec<_> = {
            let roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
            roster
                .values()
                .map(|entry| (Arc::clone(&entry.vitals), Arc::clone(&entry.observe)))
                .collect()
        };
        let views = entries.into_iter().map(|(vitals, observe)| async move {
            let summary = observe().await;
            vitals.view(summary)
        });
        futures_util::future::join_all(views).await
    }

    /// Whether nobody has anything to do: no message waits or is being handled, nothing is on a
    /// wire. A replay moves on when this holds.
    pub(crate) fn is_idle(&self) -> bool {
        idle::is_idle(&self.work, || {
            let roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
            roster.values().map(|entry| entry.vitals.pending()).collect()
        })
    }

    /// Number of living actors.
    pub(crate) fn alive(&self) -> usize {
        let roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        roster.values().filter(|entry| entry.vitals.is_running()).count()
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stage").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
