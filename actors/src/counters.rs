//! What the engine counts: a closed set, so that nothing disappears unseen.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn count(&self) {
        self.add(1);
    }

    /// `number` more.
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Every counter of one engine.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: Counter,)* }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct CountersView { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            /// Reads them all.
            pub fn view(&self) -> CountersView {
                CountersView { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Prints received.
    trades,
    /// Quotes received.
    quotes,
    /// Market-data elements that could not be read or are no market data.
    feed_errors,
    /// Times a feed's connection was lost.
    feed_disconnects,
    /// Prints that came after their bar had closed.
    late_trades,
    /// Bars closed.
    bars,
    /// Bars that were read from history because the stream had a gap.
    bars_recovered,
    /// Prices replaced by newer ones before a client was told.
    prices_conflated,
    /// Signals given.
    signals,
    /// Orders approved and journalled.
    orders,
    /// Orders refused by our own checks.
    orders_denied,
    /// Orders that the venue refused.
    orders_rejected,
    /// Executions booked.
    fills,
    /// Reports that told us nothing new.
    reports_repeated,
    /// Reports of orders that are not this account's.
    reports_foreign,
    /// Answers of the venue that left open whether an order is there.
    ambiguous_answers,
    /// Journal transactions committed.
    journal_commits,
    /// Journal transactions that had to be tried again.
    journal_retries,
    /// Rows that the recorder had to give up.
    recorder_dropped,
    /// Actors that failed.
    actor_failures,
}
