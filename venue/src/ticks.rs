//! What prices and time do to the orders that are there.

use chrono::{DateTime, NaiveTime, Utc};
use rust_decimal::Decimal;

use crate::accounts::{DayEnd, Reserved};
use crate::books::Change;
use crate::calendar;
use crate::exchange::{Exchange, Inner, Step};
use crate::execution;
use crate::fills::{Days, Fill, Liquidity, Occasion, Travels};
use crate::intake;
use crate::market::{Happening, MarketEvent, Newest};
use crate::orders::{Order, Side, TimeInForce};
use crate::phases::Phase;
use crate::rules::DayOrderEnd;
use crate::triggers::Span;

/// Orders that begin on one event may let others begin; a chain is never longer than a group.
const ROUNDS_MAX: u32 = 8;

impl Exchange {
    /// Lets market events, in the order of their times, meet the resting orders.
    pub(crate) fn on_events(&self, events: &[MarketEvent]) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        for event in events {
            self.clock.advance_to(event.at);
            self.expire(inner, event.at);
            self.let_arrive(inner, event.at);
            inner.market.see(event);
            let symbol = event.asset.symbol.as_str();
            let books = &inner.books;
            let idle = books.working.is_idle(symbol)
                && books.waiting.is_idle(symbol)
                && books.triggers.is_idle(symbol);
            if !idle || inner.model.follows(symbol) {
                self.meet(inner, event);
            }
        }
    }

    /// Lets time pass without an event: orders expire, days end.
    pub(crate) fn pass_time(&self, now: DateTime<Utc>) {
        let mut inner = self.lock();
        self.expire(&mut inner, now);
        self.let_arrive(&mut inner, now);
    }

    /// One event meets the orders of its symbol.
    fn meet(&self, inner: &mut Inner, event: &MarketEvent) {
        let symbol = event.asset.symbol.as_str();
        let phase = self.phase_of(inner, &event.asset, event.at);
        self.wake(inner, event, phase);
        self.open_auction(inner, event, phase);
        let fills = inner.fills(symbol, Occasion::Event(event), event.at);
        let mut begun = self.book_fills(inner, fills, phase, event.at);
        for _ in 0..ROUNDS_MAX {
            if phase == Phase::Regular {
                begun.extend(self.elect(inner, event));
            }
            if begun.is_empty() {
                break;
            }
            for sequence in std::mem::take(&mut begun) {
                let working = inner.books.working.of(symbol).get(sequence).cloned();
                let Some(order) = working else { continue };
                let occasion = Occasion::Begun { order: &order, by: event };
                let fills = inner.fills(symbol, occasion, event.at);
                begun.extend(self.book_fills(inner, fills, phase, event.at));
            }
        }
        self.note_first_trade(inner, event);
    }

    /// Orders that were sent outside their hours start to work with the first price inside them.
    fn wake(&self, inner: &mut Inner, event: &MarketEvent, phase: Phase) {
        if !is_price(&event.what) {
            return;
        }
        let symbol = event.asset.symbol.as_str();
        for sequence in inner.books.waiting.queued(symbol) {
            let Some(order) = inner.books.order(sequence) else { continue };
            let immediate = order.time_in_force.is_immediate();
            let touch = inner.market.newest(symbol).and_then(|newest| newest.touch(event.at));
            let waits = order.time_in_force == TimeInForce::Opg
                || !phase.admits(order.asset_class, order.extended_hours)
                || (immediate && touch.is_none());
            if waits {
                continue;
            }
            let steps = execution::woken_steps(inner, sequence, event.at);
            self.commit_quietly(inner, steps);
            let travels = inner.model.travels(&event.asset) != Travels::Not;
            if immediate
                && !travels
                && self.trade_on_arrival(inner, vec![sequence], event.at).is_err()
            {
                tracing::error!("an order that may not rest could not be written");
            }
        }
    }

    /// The first print of the session is the price of its opening auction. What it does not fill
    /// is canceled.
    fn open_auction(&self, inner: &mut Inner, event: &MarketEvent, phase: Phase) {
        let (Happening::Trade(trade) | Happening::OpenTrade(trade)) = &event.what else { return };
        if phase != Phase::Regular {
            return;
        }
        let recorded = inner.fills.days() == Days::OfTape;
        for sequence in inner.books.waiting.opening(&event.asset.symbol) {
            let Some(order) = inner.books.order(sequence) else { continue };
            if recorded || order.created_at < inner.window.from {
                self.auction(inner, sequence, Some(trade.price), event.at);
            }
        }
    }

    /// An order's auction is held at a price, or not at all.
    fn auction(&self, inner: &mut Inner, sequence: u64, price: Option<Decimal>, at: DateTime<Utc>) {
        let Some(order) = inner.books.order(sequence) else { return };
        if let Some(price) = price.filter(|price| order.accepts(*price)) {
            let quantity = order.left_at(Some(price));
            let liquidity = Liquidity::Taker;
            let fill = Fill { sequence, price, quantity, liquidity, against: None };
            let steps = execution::fill_steps(inner, fill, at);
            self.commit_quietly(inner, steps);
        }
        let rest = inner.books.order(sequence).filter(|order| order.status.is_open());
        if let Some(rest) = rest {
            let canceled = execution::canceled(rest, at);
            let steps = execution::end_steps(inner, &canceled, "canceled", at);
            self.commit_quietly(inner, steps);
        }
    }

    /// Moves trailing stops behind the price, and lets the stops that it has met begin.
    fn elect(&self, inner: &mut Inner, event: &MarketEvent) -> Vec<u64> {
        let symbol = event.asset.symbol.as_str();
        if inner.books.triggers.is_idle(symbol) {
            return Vec::new();
        }
        let Some(span) = electing(inner, event) else { return Vec::new() };
        for sequence in inner.books.triggers.trailing(symbol) {
            let Some(order) = inner.books.order(sequence) else { continue };
            let price = match order.side {
                Side::Buy => span.low,
                Side::Sell => span.high,
            };
            let better = order.hwm.is_none_or(|best| match order.side {
                Side::Buy => price < best,
                Side::Sell => price > best,
            });
            if better {
                let moved = intake::trailed(order, &event.asset, price);
                let moved = Order { updated_at: event.at, ..moved };
                self.commit_quietly(inner, vec![execution::silent(moved)]);
            }
        }
        let elected = inner.books.triggers.elected(symbol, span);
        for sequence in &elected {
            let Some(order) = inner.books.order(*sequence) else { continue };
            let order = Order { elected: true, updated_at: event.at, ..order.clone() };
            self.commit_quietly(inner, vec![execution::silent(order)]);
        }
        elected
    }

    /// Notes the day of the first trade, at whose end an order of a tape expires. No news: nothing
    /// that a client sees of the order has changed but its expiry.
    fn note_first_trade(&self, inner: &mut Inner, event: &MarketEvent) {
        let traded = matches!(
            event.what,
            Happening::Trade(_) | Happening::OpenTrade(_) | Happening::PathTrade(_)
        );
        if !traded || inner.fills.days() != Days::OfTape {
            return;
        }
        let day = event.at.date_naive();
        let end = (day + chrono::Days::new(1)).and_time(NaiveTime::MIN).and_utc();
        for sequence in inner.books.waiting.untraded(&event.asset.symbol) {
            let Some(order) = inner.books.order(sequence) else { continue };
            let order =
                Order { first_traded_day: Some(day), expires_at: Some(end), ..order.clone() };
            self.commit_quietly(inner, vec![execution::silent(order)]);
        }
    }

    /// Ends what has run out of time.
    fn expire(&self, inner: &mut Inner, now: DateTime<Utc>) {
        for sequence in inner.books.expired_at(now) {
            let Some(order) = inner.books.order(sequence).filter(|one| one.status.is_open()) else {
                continue;
            };
            match order.time_in_force {
                TimeInForce::Cls | TimeInForce::Opg => {
                    let print = inner.market.newest(&order.symbol).and_then(closing_print(now));
                    let price = print.filter(|_| order.time_in_force == TimeInForce::Cls);
                    self.auction(inner, sequence, price, now);
                }
                tif => {
                    let canceled = tif == TimeInForce::Day
                        && self.rules.day_order_end == DayOrderEnd::Canceled;
                    let (ended, event) = if canceled {
                        (execution::canceled(order, now), "canceled")
                    } else {
                        (execution::expired(order, now), "expired")
                    };
                    let steps = execution::end_steps(inner, &ended, event, now);
                    self.commit_quietly(inner, steps);
                }
            }
        }
        if now >= inner.day_until {
            let today = calendar::new_york_date(now);
            if let Some(ended) = inner.day.replace(today).filter(|day| *day != today) {
                self.charge_day(inner, ended, now);
                let steps = day_ends(inner);
                self.commit_quietly(inner, steps);
            }
            inner.day_until = calendar::new_york(today + chrono::Days::new(1), 0, 0);
        }
        self.act_for_companies(inner, now);
        self.sample_equity(inner, now);
    }
}

/// Whether an event is somewhere to trade.
fn is_price(what: &Happening) -> bool {
    match what {
        Happening::Quote(_)
        | Happening::Trade(_)
        | Happening::OpenTrade(_)
        | Happening::PathTrade(_) => true,
        Happening::BarOver(_) | Happening::Minute(_) | Happening::Day(_) | Happening::Status(_) => {
            false
        }
    }
}

/// The prices by which an event elects stops: those of trades, within the quote where there is
/// one. On a tape without trades the quotes stand in.
fn electing(inner: &Inner, event: &MarketEvent) -> Option<Span> {
    let newest = inner.market.newest(&event.asset.symbol)?;
    match &event.what {
        Happening::Trade(trade) => {
            let outside = newest
                .touch(event.at)
                .is_some_and(|quote| trade.price < quote.bid || trade.price > quote.ask);
            let ignored = outside && inner.fills.days() != Days::OfTape;
            (!ignored).then_some(Span { low: trade.price, high: trade.price })
        }
        Happening::OpenTrade(trade) | Happening::PathTrade(trade) => {
            Some(Span { low: trade.price, high: trade.price })
        }
        Happening::Quote(quote) if newest.trade.is_none() => {
            Some(Span { low: quote.bid, high: quote.ask })
        }
        Happening::Quote(_)
        | Happening::BarOver(_)
        | Happening::Minute(_)
        | Happening::Day(_)
        | Happening::Status(_) => None,
    }
}

/// The last print of the day that ends at a time.
fn closing_print(close: DateTime<Utc>) -> impl Fn(&Newest) -> Option<Decimal> {
    move |newest| {
        let trade = newest.trade.as_ref()?;
        (close - trade.at <= chrono::Duration::days(1)).then_some(trade.price)
    }
}

/// What each account is worth as the day ends.
fn day_ends(inner: &Inner) -> Vec<Step> {
    let end_of = |account: &crate::accounts::Account| {
        let value = account.value(|symbol| inner.market.price(symbol), Reserved::default());
        let marks = account
            .positions
            .keys()
            .filter_map(|symbol| inner.market.price(symbol).map(|price| (symbol.clone(), price)));
        let day_end = DayEnd {
            account_id: account.id,
            equity: value.equity,
            maintenance_margin: value.maintenance_margin,
            day_use: value.day_use,
            marks: marks.collect(),
        };
        Step { change: Change::DayEnd { day_end }, update: None }
    };
    inner.books.accounts().map(end_of).collect()
}
