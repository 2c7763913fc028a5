//! Counts the signals that reach accounts, and wakes who waits for so many.

use actors::bench::SignalProbe;
use engine::instance::Signal;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// A count of signals.
#[derive(Debug, Default)]
pub struct SignalCount {
    told: AtomicU64,
    one_more: Notify,
}

impl SignalCount {
    /// How many so far.
    pub fn get(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// Waits until there are so many.
    pub async fn reaches(&self, number: u64) {
        loop {
            // Made before the look: a signal in between wakes it.
            let one_more = self.one_more.notified();
            if self.get() >= number {
                return;
            }
            one_more.await;
        }
    }
}

impl SignalProbe for SignalCount {
    fn told(&self, _subscriber: usize, _signal: &Signal) {
        self.told.fetch_add(1, Ordering::SeqCst);
        self.one_more.notify_waiters();
    }
}
