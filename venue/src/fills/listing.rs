//! One symbol in the realistic model: its book, and the orders that wait for any price at all.

use std::collections::BTreeSet;

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

use super::depth::Depth;
use super::order_book::{AtPrice, Incoming, Match, OrderBook, Paid};
use super::{Fill, Liquidity, Scene, WorkingOrder};
use crate::market::{Happening, Quote, Trade};
use crate::options::RealisticOptions;
use crate::orders::{Side, TimeInForce};

/// The book of a symbol and what surrounds it.
#[derive(Debug)]
pub(crate) struct Listing {
    depth: Depth,
    book: OrderBook,
    /// Market orders that found nothing, or not enough, in the order they came.
    at_market: BTreeSet<u64>,
    /// The print that is being dealt with, where prints stand for quotes.
    print: Option<Print>,
}

/// A trade that users' orders take part in, because nothing was quoted.
#[derive(Clone, Copy, Debug)]
struct Print {
    price: Decimal,
    size: Option<Decimal>,
    /// What is left of it; `None` where its size is unknown.
    left: Option<Decimal>,
    paid: Paid,
}

impl Listing {
    pub(crate) fn new(depth: Depth) -> Self {
        let book = OrderBook::new(depth);
        Self { depth, book, at_market: BTreeSet::new(), print: None }
    }

    pub(crate) fn remove(&mut self, sequence: u64) {
        self.book.remove(sequence);
        self.at_market.remove(&sequence);
    }

    /// The order's newest state; it keeps its place unless its price changed.
    pub(crate) fn note(&mut self, order: &WorkingOrder) {
        match self.book.limit_of(order.sequence) {
            Some(limit) if Some(limit) != order.limit_price => self.book.remove(order.sequence),
            Some(_) => self.book.set_left(order.sequence, order.left),
            None => {}
        }
    }

    /// Whether the order rests here, or waits for a price.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.book.is_resting(sequence) || self.at_market.contains(&sequence)
    }

    /// An order reaches the book: it takes what it may, and the rest of it rests.
    pub(crate) fn arrived(
        &mut self,
        options: &RealisticOptions,
        scene: Scene<'_>,
        order: &WorkingOrder,
    ) -> Vec<Fill> {
        match scene.newest.and_then(|newest| newest.touch(scene.at)) {
            Some(quote) => self.book.show(quote),
            None => self.book.hide(),
        }
        let fills = self.take(options, order);
        self.keep(order, &fills);
        fills
    }

    /// A stop was elected, or a group's next order began, while this happened.
    pub(crate) fn begun(
        &mut self,
        options: &RealisticOptions,
        scene: Scene<'_>,
        order: &WorkingOrder,
        what: &Happening,
    ) -> Vec<Fill> {
        let on_print = match what {
            Happening::OpenTrade(_) | Happening::PathTrade(_) => self.print,
            _ => None,
        };
        let Some(mut print) = on_print else { return self.arrived(options, scene, order) };
        let price = match (print.paid, order.elected_price) {
            // The price came through the stop: it was had there, not at the extreme.
            (Paid::Limit, Some(elected)) => elected,
            _ => print.price,
        };
        let fills: Vec<Fill> =
            self.on_print(options, &mut print, order, price).into_iter().collect();
        self.print = Some(print);
        self.keep(order, &fills);
        fills
    }

    /// Something happened in the market.
    pub(crate) fn happened(
        &mut self,
        options: &RealisticOptions,
        scene: Scene<'_>,
        what: &Happening,
    ) -> Vec<Fill> {
        self.print = None;
        match what {
            Happening::Quote(quote) => self.quoted(options, scene, quote),
            Happening::Trade(trade) => self.traded(options, scene, trade),
            Happening::OpenTrade(trade) => {
                self.printed(options, scene, trade, Paid::Incoming, options.bar_volume_share)
            }
            Happening::PathTrade(trade) => {
                self.printed(options, scene, trade, Paid::Limit, options.bar_volume_share)
            }
            Happening::BarOver(_) => {
                self.book.hide();
                Vec::new()
            }
            Happening::Minute(_) | Happening::Day(_) | Happening::Status(_) => Vec::new(),
        }
    }

    fn quoted(&mut self, options: &RealisticOptions, scene: Scene<'_>, quote: &Quote) -> Vec<Fill> {
        self.book.show(quote);
        let mut fills = Vec::new();
        for sequence in self.at_market.clone() {
            let Some(order) = scene.working.get(sequence) else { continue };
            let taken = self.take(options, order);
            self.at_market.remove(&sequence);
            self.keep(order, &taken);
            fills.extend(taken);
        }
        for side in [Side::Buy, Side::Sell] {
            fills.extend(self.book.meet_touch(side).iter().map(made));
        }
        fills
    }

    /// A trade between others consumes the queue on the side that it hit, and reaches whoever
    /// offered a better price on the other.
    fn traded(&mut self, options: &RealisticOptions, scene: Scene<'_>, trade: &Trade) -> Vec<Fill> {
        let touch = scene.newest.and_then(|newest| newest.touch(scene.at));
        let Some(quote) = touch else {
            self.book.hide();
            return self.printed(options, scene, trade, Paid::Limit, Decimal::ONE);
        };
        let hit = if trade.price <= quote.bid {
            Side::Buy
        } else if trade.price >= quote.ask || trade.taker_buys {
            Side::Sell
        } else {
            Side::Buy
        };
        let mut left = known(trade.size);
        let mut fills = Vec::new();
        for (side, at_price) in [(hit, AtPrice::Queued), (hit.opposite(), AtPrice::Passed)] {
            let incoming = Incoming { price: trade.price, size: left, at_price, paid: Paid::Limit };
            let met = self.book.meet(side, incoming);
            left = left.map(|left| left - met.iter().map(|one| one.qty).sum::<Decimal>());
            fills.extend(met.iter().map(made));
        }
        fills
    }

    /// A print where nothing is quoted: users' orders take part in it, market orders first.
    fn printed(
        &mut self,
        options: &RealisticOptions,
        scene: Scene<'_>,
        trade: &Trade,
        paid: Paid,
        share: Decimal,
    ) -> Vec<Fill> {
        self.book.hide();
        let size = known(trade.size).map(|size| self.depth.whole(size * share));
        let mut print = Print { price: trade.price, size, left: size, paid };
        let mut fills = Vec::new();
        for sequence in self.at_market.clone() {
            let Some(order) = scene.working.get(sequence) else { continue };
            let taken: Vec<Fill> =
                self.on_print(options, &mut print, order, trade.price).into_iter().collect();
            self.at_market.remove(&sequence);
            self.keep(order, &taken);
            fills.extend(taken);
        }
        for side in [Side::Buy, Side::Sell] {
            let at_price = AtPrice::Passed;
            let met = self
                .book
                .meet(side, Incoming { price: print.price, size: print.left, at_price, paid });
            print.less(met.iter().map(|one| one.qty).sum());
            fills.extend(met.iter().map(made));
        }
        self.print = Some(print);
        fills
    }

    /// The part of a print that an order gets, at a price near it.
    fn on_print(
        &self,
        options: &RealisticOptions,
        print: &mut Print,
        order: &WorkingOrder,
        price: Decimal,
    ) -> Option<Fill> {
        let wanted = order.left.at(price);
        let most = print.left.map_or(wanted, |left| left.min(wanted));
        let share = print.size.map_or(Decimal::ZERO, |size| ratio(most, size));
        let price = self.slipped(order, price, options.unquoted_slippage_bps, (options, share));
        if !order.accepts(price) {
            return None;
        }
        let quantity = most.min(order.left.at(price));
        print.less(quantity);
        let liquidity = Liquidity::Taker;
        let sequence = order.sequence;
        (quantity > Decimal::ZERO).then_some(Fill {
            sequence,
            price,
            quantity,
            liquidity,
            against: None,
        })
    }

    /// Takes from the book what the order may have now.
    fn take(&mut self, options: &RealisticOptions, order: &WorkingOrder) -> Vec<Fill> {
        let planned = self.book.plan(order);
        let touch = self.book.touch_size(order.side.opposite());
        let mut left = order.left;
        let mut taken = Decimal::ZERO;
        let mut matches = Vec::new();
        let mut fills = Vec::new();
        for found in planned {
            taken += found.qty;
            let price = match found.against {
                Some(_) => found.price,
                None => self.slipped(order, found.price, 0.0, (options, ratio(taken, touch))),
            };
            // Dollars buy less at a worse price.
            let quantity = found.qty.min(left.at(price));
            if quantity <= Decimal::ZERO {
                break;
            }
            left = left.less(quantity, price);
            let sequence = order.sequence;
            let liquidity = Liquidity::Taker;
            fills.push(Fill { sequence, price, quantity, liquidity, against: None });
            if let Some(resting) = found.against {
                let liquidity = Liquidity::Maker;
                let against = Some(sequence);
                fills.push(Fill { sequence: resting, price, quantity, liquidity, against });
            }
            matches.push(Match { qty: quantity, ..found });
        }
        let whole = fills.last().is_some_and(|last| left.is_met_at(last.price));
        if order.time_in_force == TimeInForce::Fok && !whole {
            return Vec::new();
        }
        self.book.commit(order.side, &matches);
        fills
    }

    /// What was not filled rests, or waits for a price, if it may.
    fn keep(&mut self, order: &WorkingOrder, fills: &[Fill]) {
        if matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok) {
            return;
        }
        let own = fills.iter().filter(|fill| fill.sequence == order.sequence);
        let left = own.fold(order.left, |left, fill| left.less(fill.quantity, fill.price));
        let is_met = match fills.last() {
            Some(last) => left.is_met_at(last.price),
            None => false,
        };
        if is_met {
            return;
        }
        match order.limit_price {
            Some(_) => self.book.rest(&WorkingOrder { left, ..order.clone() }),
            None => {
                self.at_market.insert(order.sequence);
            }
        }
    }

    /// A price after slippage, in whole increments against the order and never beyond its limit.
    ///
    /// Impact grows with the square root of what was taken, as measured in real markets.
    fn slipped(
        &self,
        order: &WorkingOrder,
        price: Decimal,
        fixed_bps: f64,
        (options, share): (&RealisticOptions, Decimal),
    ) -> Decimal {
        let bps = fixed_bps + options.impact_bps * share.to_f64().unwrap_or(0.0).sqrt();
        let away = price * Decimal::from_f64(bps / 10_000.0).unwrap_or_default();
        let steps = (away / self.depth.price_increment)
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        let away = steps * self.depth.price_increment;
        match (order.side, order.limit_price) {
            (Side::Buy, None) => price + away,
            (Side::Buy, Some(limit)) => (price + away).min(limit.max(price)),
            (Side::Sell, None) => (price - away).max(self.depth.price_increment.min(price)),
            (Side::Sell, Some(limit)) => (price - away).max(limit.min(price)),
        }
    }
}

impl Print {
    fn less(&mut self, quantity: Decimal) {
        self.left = self.left.map(|left| left - quantity);
    }
}

/// A size; zero is what recordings say that do not know it.
fn known(size: Decimal) -> Option<Decimal> {
    (!size.is_zero()).then_some(size)
}

fn ratio(part: Decimal, whole: Decimal) -> Decimal {
    part.checked_div(whole).unwrap_or_default()
}

fn made(found: &Match) -> Fill {
    let &Match { sequence, price, qty: quantity, against } = found;
    Fill { sequence, price, quantity, liquidity: Liquidity::Maker, against }
}
