//! The order book of one symbol: what the market displays, and in it the orders of all accounts in
//! the order of price, then time.
//!
//! The displayed side comes from quotes: the touch as quoted, deeper levels invented from the seed.
//! Users' orders queue behind what was displayed when they came, trade with each other when they
//! cross, and what they took from the display stays taken until the market quotes anew.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use uuid::Uuid;

use super::depth::{Depth, Level};
use super::{Left, WorkingOrder};
use crate::market::Quote;
use crate::orders::Side;

/// One execution that the book has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) sequence: u64,
    pub(crate) price: Decimal,
    pub(crate) qty: Decimal,
    /// The resting order of another user on the other side; `None` is the displayed market.
    pub(crate) against: Option<u64>,
}

/// What came to meet the resting orders of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) price: Decimal,
    /// How much of it there is; `None` where nothing is known about sizes.
    pub(crate) size: Option<Decimal>,
    pub(crate) at_price: AtPrice,
    pub(crate) paid: Paid,
}

/// Whether orders whose limit is exactly the incoming price are met too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtPrice {
    /// In their turn: what was displayed before them goes first.
    Queued,
    /// Not at all: nobody knows how many were before them.
    Passed,
}

/// At which price a resting order trades that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// At its limit: the price went through it.
    Limit,
    /// At the incoming price: all trade at once at one price, as at an open.
    Incoming,
}

/// The book of one symbol.
#[derive(Debug)]
pub(crate) struct OrderBook {
    depth: Depth,
    bids: Ladder,
    asks: Ladder,
    /// Where each resting order stands.
    places: HashMap<u64, (Side, Key)>,
    next_ticket: u64,
}

/// Best price first, then the order of arrival.
type Key = (Decimal, u64);

/// One side of the book.
#[derive(Debug)]
struct Ladder {
    side: Side,
    touch: Option<Level>,
    /// The touch when it came to its price; what stands behind it keeps its size meanwhile.
    anchor: Option<Level>,
    /// By price: what users took of the display, until the market quotes another price.
    taken: BTreeMap<Decimal, Decimal>,
    resting: BTreeMap<Key, Resting>,
}

#[derive(Clone, Debug)]
struct Resting {
    sequence: u64,
    account_id: Uuid,
    limit: Decimal,
    left: Left,
    /// What is displayed before this order at its price; `None` where nothing was displayed.
    ahead: Option<Decimal>,
}

impl OrderBook {
    pub(crate) fn new(depth: Depth) -> Self {
        Self {
            depth,
            bids: Ladder::new(Side::Buy),
            asks: Ladder::new(Side::Sell),
            places: HashMap::new(),
            next_ticket: 0,
        }
    }

    /// Shows the market's newest quote. It meets nobody: [`Self::meet`] does that.
    pub(crate) fn show(&mut self, quote: &Quote) {
        self.bids.show(Level { price: quote.bid, size: quote.bid_size });
        self.asks.show(Level { price: quote.ask, size: quote.ask_size });
    }

    /// Takes the display away: nobody quotes any more.
    pub(crate) fn hide(&mut self) {
        self.bids.touch = None;
        self.asks.touch = None;
    }

    /// What a taker would get now, best price first, without doing it.
    pub(crate) fn plan(&self, taker: &WorkingOrder) -> Vec<Match> {
        let ladder = self.ladder(taker.side.opposite());
        let mut want = taker.left;
        let mut matches = Vec::new();
        let mut displayed = ladder.displayed(&self.depth).peekable();
        let mut resting = ladder
            .resting
            .iter()
            .filter(|(_, order)| order.account_id != taker.account_id)
            .peekable();
        loop {
            let of_market = displayed.peek().map(|level| ladder.rank(level.price));
            let of_users = resting.peek().map(|((rank, _), _)| *rank);
            let Some(rank) = [of_market, of_users].into_iter().flatten().min() else { break };
            let price = ladder.price(rank);
            if !taker.accepts(price) || want.is_met_at(price) {
                break;
            }
            let mut level = displayed
                .next_if(|level| level.price == price)
                .map_or(Decimal::ZERO, |level| level.size);
            let mut passed = Decimal::ZERO;
            let mut take = |most: Decimal, against: Option<u64>| {
                let qty = want.at(price).min(most);
                if qty <= Decimal::ZERO {
                    return Decimal::ZERO;
                }
                want = want.less(qty, price);
                matches.push(Match { sequence: taker.sequence, price, qty, against });
                qty
            };
            while let Some((_, order)) = resting.next_if(|((of_user, _), _)| *of_user == rank) {
                let ahead = (order.ahead.unwrap_or_default() - passed).max(Decimal::ZERO);
                let first = take(ahead.min(level), None);
                level -= first;
                passed += first;
                take(order.left.at(price), Some(order.sequence));
            }
            take(level, None);
        }
        matches
    }

    /// Carries a plan out: the display shrinks, resting orders are served.
    pub(crate) fn commit(&mut self, taker: Side, matches: &[Match]) {
        for found in matches {
            match found.against {
                Some(sequence) => self.serve(sequence, found.qty, found.price),
                None => self.ladder_mut(taker.opposite()).take(found.price, found.qty),
            }
        }
    }

    /// Lets something that came from the market (a trade, a quote through their prices) meet the
    /// resting orders of one side, and serves them.
    pub(crate) fn meet(&mut self, side: Side, incoming: Incoming) -> Vec<Match> {
        let matches = self.ladder_mut(side).meet(incoming);
        for found in &matches {
            self.serve(found.sequence, found.qty, found.price);
        }
        matches
    }

    /// What a quote means for orders that rest at its other side or beyond: its size meets them.
    pub(crate) fn meet_touch(&mut self, side: Side) -> Vec<Match> {
        let Some(touch) = self.ladder(side.opposite()).available_touch() else { return Vec::new() };
        let matches = self.meet(
            side,
            Incoming {
                price: touch.price,
                size: Some(touch.size),
                at_price: AtPrice::Queued,
                paid: Paid::Limit,
            },
        );
        let met: Decimal = matches.iter().map(|found| found.qty).sum();
        if !met.is_zero() {
            self.ladder_mut(side.opposite()).take(touch.price, met);
        }
        matches
    }

    /// Puts an order at the end of the queue of its price. A market order cannot rest.
    pub(crate) fn rest(&mut self, order: &WorkingOrder) {
        let Some(limit) = order.limit_price else { return };
        self.remove(order.sequence);
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let depth = self.depth;
        let ladder = self.ladder_mut(order.side);
        let key = (ladder.rank(limit), ticket);
        let ahead = ladder.ahead_at(limit, &depth);
        ladder.resting.insert(
            key,
            Resting {
                sequence: order.sequence,
                account_id: order.account_id,
                limit,
                left: order.left,
                ahead,
            },
        );
        self.places.insert(order.sequence, (order.side, key));
    }

    /// Takes an order out.
    pub(crate) fn remove(&mut self, sequence: u64) {
        if let Some((side, key)) = self.places.remove(&sequence) {
            self.ladder_mut(side).resting.remove(&key);
        }
    }

    /// Sets what a resting order still wants; it keeps its place.
    pub(crate) fn set_left(&mut self, sequence: u64, left: Left) {
        let Some((side, key)) = self.places.get(&sequence).copied() else { return };
        if let Some(order) = self.ladder_mut(side).resting.get_mut(&key) {
            order.left = left;
        }
    }

    /// What the touch of one side displays; nothing where nobody quotes.
    pub(crate) fn touch_size(&self, side: Side) -> Decimal {
        self.ladder(side).touch.map_or(Decimal::ZERO, |touch| touch.size)
    }

    /// The limit of an order that rests here.
    pub(crate) fn limit_of(&self, sequence: u64) -> Option<Decimal> {
        let (side, key) = self.places.get(&sequence)?;
        self.ladder(*side).resting.get(key).map(|order| order.limit)
    }

    pub(crate) fn is_resting(&self, sequence: u64) -> bool {
        self.places.contains_key(&sequence)
    }

    fn serve(&mut self, sequence: u64, qty: Decimal, price: Decimal) {
        let Some((side, key)) = self.places.get(&sequence).copied() else { return };
        let Some(order) = self.ladder_mut(side).resting.get_mut(&key) else { return };
        order.left = order.left.less(qty, price);
        if order.left.is_met_at(price) {
            self.remove(sequence);
        }
    }

    fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

impl Ladder {
    fn new(side: Side) -> Self {
        Self { side, touch: None, anchor: None, taken: BTreeMap::new(), resting: BTreeMap::new() }
    }

    /// A number that is smaller the better the price.
    fn rank(&self, price: Decimal) -> Decimal {
        match self.side {
            Side::Buy => -price,
            Side::Sell => price,
        }
    }

    fn price(&self, rank: Decimal) -> Decimal {
        match self.side {
            Side::Buy => -rank,
            Side::Sell => rank,
        }
    }

    /// Takes the newest quote of this side in, and moves the queues forward that got shorter.
    fn show(&mut self, level: Level) {
        match self.touch {
            // At an unchanged price only what was added to it is new to those who emptied it.
            Some(old) if old.price == level.price => {
                if let Some(taken) = self.taken.get_mut(&level.price) {
                    *taken = (*taken).min(level.size);
                }
            }
            _ => {
                self.taken.clear();
                self.anchor = Some(level);
            }
        }
        self.touch = Some(level);
        let rank = self.rank(level.price);
        for ((of_order, _), order) in self.resting.range_mut(..=(rank, u64::MAX)) {
            // Nothing is displayed before an order inside the spread.
            let displayed = if *of_order == rank { level.size } else { Decimal::ZERO };
            order.ahead = Some(order.ahead.map_or(displayed, |ahead| ahead.min(displayed)));
        }
    }

    /// The displayed levels with what is left of them, best first.
    fn displayed<'a>(&'a self, depth: &'a Depth) -> impl Iterator<Item = Level> + 'a {
        let behind = self.anchor.into_iter().flat_map(|anchor| depth.behind(self.side, anchor));
        let levels = self.touch.into_iter().chain(behind.take_while(|_| self.touch.is_some()));
        levels.map(|level| self.left_of(level)).filter(|level| level.size > Decimal::ZERO)
    }

    fn available_touch(&self) -> Option<Level> {
        self.touch.map(|touch| self.left_of(touch)).filter(|left| left.size > Decimal::ZERO)
    }

    fn left_of(&self, level: Level) -> Level {
        let taken = self.taken.get(&level.price).copied().unwrap_or_default();
        Level { size: (level.size - taken).max(Decimal::ZERO), ..level }
    }

    /// What is displayed at a price before an order that joins now.
    fn ahead_at(&self, price: Decimal, depth: &Depth) -> Option<Decimal> {
        let touch = self.touch?;
        let displayed = if touch.price == price {
            Some(touch)
        } else {
            depth.behind_at(self.side, self.anchor?, price)
        };
        Some(displayed.map_or(Decimal::ZERO, |level| self.left_of(level).size))
    }

    /// Somebody took from the display: those who waited behind it move forward.
    fn take(&mut self, price: Decimal, qty: Decimal) {
        *self.taken.entry(price).or_default() += qty;
        self.move_up(self.rank(price), qty);
    }

    /// So much of the display before the orders of one price is gone.
    fn move_up(&mut self, rank: Decimal, gone: Decimal) {
        if gone.is_zero() {
            return;
        }
        for (_, order) in self.resting.range_mut((rank, 0)..=(rank, u64::MAX)) {
            order.ahead = order.ahead.map(|ahead| (ahead - gone).max(Decimal::ZERO));
        }
    }

    /// Shares what came among the resting orders that it reaches.
    fn meet(&mut self, incoming: Incoming) -> Vec<Match> {
        let rank = self.rank(incoming.price);
        let mut left = incoming.size;
        let mut passed = Decimal::ZERO;
        let mut matches = Vec::new();
        for ((of_order, _), order) in self.resting.range(..=(rank, u64::MAX)) {
            if left.is_some_and(|left| left <= Decimal::ZERO) {
                break;
            }
            if *of_order == rank {
                if incoming.at_price == AtPrice::Passed {
                    break;
                }
                let Some(ahead) = order.ahead else { continue };
                let before = (ahead - passed).max(Decimal::ZERO);
                let gone = left.map_or(before, |left| left.min(before));
                passed += gone;
                left = left.map(|left| left - gone);
            }
            let price = match incoming.paid {
                Paid::Limit => order.limit,
                Paid::Incoming => incoming.price,
            };
            let want = order.left.at(price);
            let qty = left.map_or(want, |left| left.min(want));
            if qty > Decimal::ZERO {
                left = left.map(|left| left - qty);
                matches.push(Match { sequence: order.sequence, price, qty, against: None });
            }
        }
        self.move_up(rank, passed);
        matches
    }
}

#[cfg(test)]
#[path = "order_book_tests.rs"]
mod tests;
