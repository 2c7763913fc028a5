//! Watching a run: rates since the last look, and the first equity to compare with.

use std::sync::Mutex;
use std::time::Instant;

use actors::{CountersView, StatusView, Troupe};
use rust_decimal::Decimal;
use venue::Venue;

use super::summary;

/// What a run looks like over time.
#[derive(Debug)]
pub(super) struct Watcher {
    started: Instant,
    last: Mutex<(Instant, CountersView)>,
}

/// The run at one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) status: StatusView,
    /// Prints and quotes per second since the last look.
    pub(super) events_per_s: f64,
    /// Seconds since the start.
    pub(super) up_s: u64,
}

impl Watcher {
    /// Starts the watch.
    pub(super) fn start(_troupe: &Troupe, _venue: Option<&Venue>) -> Self {
        let now = monotonic();
        Self { started: now, last: Mutex::new((now, CountersView::default())) }
    }

    /// Looks.
    pub(super) async fn look(&self, troupe: &Troupe) -> Look {
        let status = troupe.status().await;
        let now = monotonic();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (then, before) = std::mem::replace(&mut *last, (now, status.counters));
        let events = |counters: &CountersView| counters.trades + counters.quotes;
        let more = u32::try_from(events(&status.counters) - events(&before)).unwrap_or(u32::MAX);
        let seconds = now.duration_since(then).as_secs_f64().max(0.001);
        let events_per_s = f64::from(more) / seconds;
        Look { status, events_per_s, up_s: now.duration_since(self.started).as_secs() }
    }

    /// What is said at the end.
    pub(super) async fn summary(&self, troupe: &Troupe, venue: Option<&Venue>) -> String {
        let status = troupe.status().await;
        let took = monotonic().duration_since(self.started);
        summary::text(&status, venue.and_then(Venue::replay_progress).as_ref(), took)
    }
}

/// Profit against what the sub-accounts started with, US dollars; none while a price is missing.
pub(super) fn profit(status: &StatusView) -> Option<Decimal> {
    // From the cents that are shown, so that the two figures always agree.
    status.equity.and_then(|equity| equity.round_dp(2).checked_sub(status.capital))
}

#[expect(clippy::disallowed_methods, reason = "rates on a screen, nothing is decided on them")]
fn monotonic() -> Instant {
    Instant::now()
}
