//! Plays the invented market in real time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::clock;
use crate::data_hub::DataHub;
use crate::exchange::SharedExchange;
use crate::history::SyntheticHistory;
use crate::market::{Happening, MarketEvent};
use crate::synthetic::{Listing, Synthetic, Walker, second_of};
use crate::tasks;
use crate::timeframe::Timeframe;

/// How often the market moves on.
const TICK: Duration = Duration::from_millis(50);
/// After a longer standstill (a machine that slept) the missed prices are skipped; they can still
/// be read as history.
const CATCH_UP_MAX: TimeDelta = TimeDelta::seconds(10);

/// The feed of the invented market.
#[derive(Clone, Debug)]
pub(crate) struct SyntheticFeed {
    pub(crate) exchange: SharedExchange,
    pub(crate) hub: Arc<DataHub>,
    pub(crate) market: Arc<Synthetic>,
    pub(crate) history: Arc<SyntheticHistory>,
}

struct Lane {
    listing: Listing,
    walker: Walker,
}

impl SyntheticFeed {
    /// Shows the exchange where the market stands, so that the first order finds a price.
    pub(crate) fn prime(&self) {
        let now = self.exchange.clock.now();
        for listing in self.market.listings() {
            let hours = self.market.hours(&listing.asset);
            let closed = match hours.session_at(now) {
                Some(session) => hours.previous_session(session.open),
                None => hours.previous_session(now),
            };
            let mut walker = self.market.walker(listing);
            let mut moments: Vec<i64> =
                closed.iter().map(|session| second_of(session.close) - 1).collect();
            if hours.session_at(now).is_some() {
                moments.push(second_of(now) - 1);
            }
            for second in moments {
                let Some(slot) = walker.slots(second).pop() else { continue };
                self.exchange.prime(&[
                    event(listing, slot.quote.at, Happening::Quote(slot.quote)),
                    event(listing, slot.trade.at, Happening::Trade(slot.trade)),
                ]);
            }
        }
    }

    /// Runs until the venue stops.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut lanes: Vec<Lane> = self
            .market
            .listings()
            .iter()
            .map(|listing| Lane { listing: listing.clone(), walker: self.market.walker(listing) })
            .collect();
        let mut until = self.exchange.clock.now();
        // A fast clock makes more of its seconds in one tick.
        let catch_up_max = clock::scaled(CATCH_UP_MAX, self.exchange.clock.speed().max(1.0));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = tasks::stopped(&mut stop) => return,
                _tick = ticks.tick() => {}
            }
            let now = self.exchange.clock.now();
            if now - until > catch_up_max || now < until {
                tracing::warn!(from = %until, to = %now, "time jumped, the prices in between are skipped");
                self.prime();
                until = now;
                continue;
            }
            let exchange = &self.exchange;
            let events = self.events(&mut lanes, until, now);
            let events = exchange.faults.pass(&exchange.assets, events, now);
            self.exchange.on_events(&events);
            self.exchange.pass_time(now);
            self.hub.publish(&events);
            if minute_of(until) != minute_of(now) {
                // A day's bar may need a day of trades: not on a thread that serves connections.
                let feed = self.clone();
                tokio::task::spawn_blocking(move || feed.publish_bars(minute_of(now)));
            }
            until = now;
        }
    }

    /// What happened after one moment and up to another, in the order of time.
    fn events(
        &self,
        lanes: &mut [Lane],
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Vec<MarketEvent> {
        let mut events = Vec::new();
        let is_new = |at: DateTime<Utc>| after < at && at <= until;
        for lane in lanes {
            let hours = self.market.hours(&lane.listing.asset);
            for second in second_of(after)..=second_of(until) {
                let open = DateTime::from_timestamp(second, 0)
                    .is_some_and(|start| hours.session_at(start).is_some());
                if !open {
                    continue;
                }
                for slot in lane.walker.slots(second) {
                    if is_new(slot.quote.at) {
                        let at = slot.quote.at;
                        events.push(event(&lane.listing, at, Happening::Quote(slot.quote)));
                    }
                    if is_new(slot.trade.at) {
                        let at = slot.trade.at;
                        events.push(event(&lane.listing, at, Happening::Trade(slot.trade)));
                    }
                }
            }
        }
        events.sort_by_key(|event| event.at);
        events
    }

    /// The bars of the minute that just ended, and the day's bars so far.
    fn publish_bars(&self, minute_end: DateTime<Utc>) {
        let minute = minute_end - TimeDelta::minutes(1);
        let mut events = Vec::new();
        for listing in self.market.listings() {
            let asset = &listing.asset;
            if let Some(bar) = self.history.bar(asset, Timeframe::MINUTE, minute, minute_end) {
                events.push(event(listing, bar.at, Happening::Minute(bar)));
            }
            if self.hub.wants_daily_bars(asset) {
                let start = Timeframe::DAY.start_of(minute);
                if let Some(bar) = self.history.bar(asset, Timeframe::DAY, start, minute_end) {
                    events.push(event(listing, bar.at, Happening::Day(bar)));
                }
            }
        }
        let exchange = &self.exchange;
        let events = exchange.faults.pass(&exchange.assets, events, exchange.clock.now());
        self.exchange.prime(&events);
        self.hub.publish(&events);
    }
}

fn minute_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(time)
}

fn event(listing: &Listing, at: DateTime<Utc>, what: Happening) -> MarketEvent {
    MarketEvent { asset: Arc::clone(&listing.asset), at, what }
}
