//! Plays the invented market in real time.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::clock;
use crate::data_hub::{Audience, DataHub, Item};
use crate::exchange::SharedExchange;
use crate::history::SyntheticHistory;
use crate::market::{Happening, MarketEvent};
use crate::news::{Newsroom, Search};
use crate::notices::Notice;
use crate::routes::DELAY;
use crate::synthetic::{Listing, Slot, Synthetic, Walker, second_of};
use crate::synthetic_notices;
use crate::tasks;
use crate::timeframe::Timeframe;
use crate::universe;

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
    pub(crate) news: Arc<Newsroom>,
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
        self.hub.delay();
        let mut lanes = self.lanes();
        let mut delayed: Option<Vec<Lane>> = None;
        let mut later: Vec<Notice> = Vec::new();
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
            self.hub.publish(&events, Audience::Live);
            self.publish_delayed(&mut delayed, until, now);
            self.publish_due(&mut later, now);
            let minutes = minutes_between(until, now);
            if !minutes.is_empty() {
                for minute_end in &minutes {
                    later.extend(self.publish_amendments(*minute_end));
                }
                // A day's bar may need a day of trades: not on a thread that serves connections.
                let feed = self.clone();
                tokio::task::spawn_blocking(move || {
                    for minute_end in minutes {
                        feed.publish_minute(minute_end);
                    }
                });
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

    fn lanes(&self) -> Vec<Lane> {
        let listings = self.market.listings().iter();
        listings
            .map(|listing| Lane { listing: listing.clone(), walker: self.market.walker(listing) })
            .collect()
    }

    /// Makes the market of a quarter of an hour ago again for who is on the delayed feed.
    fn publish_delayed(
        &self,
        lanes: &mut Option<Vec<Lane>>,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) {
        if !self.hub.has_delayed() {
            *lanes = None;
            return;
        }
        let lanes = lanes.get_or_insert_with(|| self.lanes());
        let events = self.events(lanes, after - DELAY, until - DELAY);
        self.hub.publish(&events, Audience::Delayed);
    }

    /// Tells what was put off.
    fn publish_due(&self, later: &mut Vec<Notice>, now: DateTime<Utc>) {
        let due: Vec<Notice> = later.extract_if(.., |notice| notice.at <= now).collect();
        let items: Vec<Item<'_>> = due.iter().map(Item::Notice).collect();
        self.hub.publish_items(&items, Audience::Live);
    }

    /// Tells what becomes of the test symbol's trades of the minute that just ended, and returns
    /// what is told later.
    fn publish_amendments(&self, minute_end: DateTime<Utc>) -> Vec<Notice> {
        let minute = minute_end - TimeDelta::minutes(1);
        let Some(listing) = self.market.listing(universe::TEST_SYMBOL) else { return Vec::new() };
        let Some(bar) = self.history.bar(&listing.asset, Timeframe::MINUTE, minute, minute_end)
        else {
            return Vec::new();
        };
        let mut walker = self.market.walker(listing);
        let slots: Vec<Slot> = (second_of(minute)..second_of(minute_end))
            .flat_map(|second| walker.slots(second))
            .collect();
        let amendments = synthetic_notices::amendments(listing, &slots, &bar, minute_end);
        let first_bar = amendments.first_bar.unwrap_or(bar);
        let mut events = vec![event(listing, first_bar.at, Happening::Minute(first_bar))];
        events.extend(amendments.statuses);
        let mut items: Vec<Item<'_>> = events.iter().map(Item::Event).collect();
        items.extend(amendments.notices.iter().map(Item::Notice));
        self.hub.publish_items(&items, Audience::Live);
        amendments.later
    }

    /// What the end of a minute brings: bars, bands, imbalances, news.
    fn publish_minute(&self, minute_end: DateTime<Utc>) {
        let (events, notices) = self.bars(minute_end, Audience::Live);
        let exchange = &self.exchange;
        let events = exchange.faults.pass(&exchange.assets, events, exchange.clock.now());
        exchange.prime(&events);
        self.hub.publish(&events, Audience::Live);
        let items: Vec<Item<'_>> = notices.iter().map(Item::Notice).collect();
        self.hub.publish_items(&items, Audience::Live);
        if self.hub.has_delayed() {
            let (events, _) = self.bars(minute_end - DELAY, Audience::Delayed);
            self.hub.publish(&events, Audience::Delayed);
        }
        let (articles, _) = self.news.search(&Search {
            from: minute_end - TimeDelta::minutes(1),
            until: minute_end - TimeDelta::nanoseconds(1),
            newest_first: false,
            symbols: Vec::new(),
            start_at: None,
            limit: usize::MAX,
        });
        let items: Vec<Item<'_>> = articles.iter().map(Item::News).collect();
        self.hub.publish_items(&items, Audience::Live);
    }

    /// The bars of the minute that ends at a time, the day's bars so far, and what follows from
    /// them.
    fn bars(
        &self,
        minute_end: DateTime<Utc>,
        audience: Audience,
    ) -> (Vec<MarketEvent>, Vec<Notice>) {
        let minute = minute_end - TimeDelta::minutes(1);
        let (mut events, mut notices) = (Vec::new(), Vec::new());
        for listing in self.market.listings() {
            let asset = &listing.asset;
            let live = audience == Audience::Live;
            if live && self.hub.wants("dailyBars", asset, minute_end) || !live && !asset.is_crypto()
            {
                let start = Timeframe::DAY.start_of(minute);
                if let Some(bar) = self.history.bar(asset, Timeframe::DAY, start, minute_end) {
                    events.push(event(listing, bar.at, Happening::Day(bar)));
                }
            }
            let Some(bar) = self.history.bar(asset, Timeframe::MINUTE, minute, minute_end) else {
                continue;
            };
            if !asset.is_crypto() && live {
                let session = self.market.hours(asset).session_at(minute);
                notices.extend(synthetic_notices::of_session(listing, &bar, session, minute_end));
            }
            // The test symbol's bar is told with what is amended of it.
            if !(asset.test_only && live) {
                events.push(event(listing, bar.at, Happening::Minute(bar)));
            }
        }
        (events, notices)
    }
}

/// The minutes that ended after one moment and up to another; a fast clock may pass several.
fn minutes_between(after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let next = |time: &DateTime<Utc>| Some(*time + TimeDelta::minutes(1));
    std::iter::successors(next(&minute_of(after)), next).take_while(|end| *end <= until).collect()
}

fn minute_of(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::minutes(1)).unwrap_or(time)
}

fn event(listing: &Listing, at: DateTime<Utc>, what: Happening) -> MarketEvent {
    MarketEvent { asset: Arc::clone(&listing.asset), at, what }
}
