//! Doors for benches: an exchange without its port, fed with orders and quotes of the bench's own.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use crate::assets::{Asset, AssetTable};
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::error::VenueError;
use crate::exchange::Exchange;
use crate::fills::Fills;
use crate::market::{Happening, MarketEvent, Quote};
use crate::options::{AccountSpec, FeeRates, FillOptions, Store};
use crate::order_request::{Amount, OrderRequest};
use crate::orders::{OrderType, Side, TimeInForce};
use crate::store::Opened;
use crate::universe;

/// What is traded.
const SYMBOL: &str = "KO";
/// The bid that the market moves about, in cents.
const BID_CENTS: i64 = 7_000;
/// How far the bid moves to either side, in cents.
const SWING_CENTS: i64 = 20;
/// What is displayed at the touch, in shares.
const DISPLAYED: i64 = 500;
/// Quotes that the exchange takes in one call, as the synthetic feed hands them over.
const BATCH: u64 = 64;

/// An exchange, an account that trades there, and a market.
#[derive(Debug)]
pub struct Floor {
    exchange: Exchange,
    account_id: Uuid,
    asset: Arc<Asset>,
    now: DateTime<Utc>,
    quotes: u64,
}

impl Floor {
    /// An exchange with a first quote. A directory holds its log; without one nothing is written.
    pub fn open(store: &Store, fills: FillOptions) -> Result<Self, VenueError> {
        let opened = match store {
            Store::Ephemeral => Opened::ephemeral(),
            Store::Directory(directory) => Opened::directory(directory)?,
        };
        let assets = AssetTable::new(universe::assets());
        let paper = Fills::Paper { seed: 1, partial_chance: 0.1 };
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = VenueClock::simulated(now);
        let model = Fills::chosen(fills, paper);
        let exchange = Exchange::new(clock, assets, Hours::Always, model, opened)
            .charging(Some(FeeRates::default()));
        let spec = AccountSpec {
            key_id: "PKBENCH".to_owned(),
            secret: SecretString::from("bench"),
            cash: Decimal::from(1_000_000_000),
            multiplier: 2,
        };
        let refused = |what: &'static str| VenueError::Option {
            option: "bench",
            value: SYMBOL.to_owned(),
            expected: what,
        };
        let account_id = exchange.open_account(&spec).map_err(|_refusal| refused("an account"))?;
        let asset = exchange.assets.find(SYMBOL).ok_or_else(|| refused("a listed symbol"))?;
        let asset = Arc::clone(asset);
        let mut floor = Self { exchange, account_id, asset, now, quotes: 0 };
        floor.quote(1);
        Ok(floor)
    }

    /// Puts orders to rest that no quote of this market reaches: one cent apart each, from one
    /// dollar below the market down. The answer is how many were accepted.
    pub fn rest(&self, orders: u64) -> u64 {
        let price = |nth: u64| {
            let cents = BID_CENTS - SWING_CENTS - 100 - i64::try_from(nth % 1_000).unwrap_or(0);
            Decimal::new(cents, 2)
        };
        count(0..orders, |nth| self.send(Side::Buy, Some(price(nth))))
    }

    /// Sends orders that trade at once, buys and sells in turns. The answer is how many were
    /// accepted.
    pub fn trade(&mut self, orders: u64) -> u64 {
        count(0..orders, |nth| {
            let side = if nth % 2 == 0 { Side::Buy } else { Side::Sell };
            if nth % BATCH == 0 {
                self.quote(1);
            }
            self.send(side, None)
        })
    }

    /// Lets that many quotes meet the book; the price moves about as it goes.
    pub fn quote(&mut self, quotes: u64) {
        let mut events = Vec::new();
        for _ in 0..quotes {
            events.push(self.next_quote());
            if events.len() >= usize::try_from(BATCH).unwrap_or(1) {
                self.exchange.on_events(&events);
                events.clear();
            }
        }
        self.exchange.on_events(&events);
    }

    /// Executions so far.
    pub fn executions(&self) -> usize {
        self.exchange.read(|inner| inner.books.activities_of(self.account_id).len())
    }

    /// Orders that are open.
    pub fn open_orders(&self) -> usize {
        self.exchange.read(|inner| inner.books.open_orders_of(self.account_id).count())
    }

    fn next_quote(&mut self) -> MarketEvent {
        self.quotes += 1;
        self.now += TimeDelta::milliseconds(1);
        let step = i64::try_from(self.quotes % 80).unwrap_or(0);
        let away = (step - 40).abs() - SWING_CENTS;
        let bid = Decimal::new(BID_CENTS + away, 2);
        let quote = Quote {
            at: self.now,
            bid,
            bid_size: Decimal::from(DISPLAYED),
            ask: bid + Decimal::new(1, 2),
            ask_size: Decimal::from(DISPLAYED + step),
        };
        MarketEvent { asset: Arc::clone(&self.asset), at: self.now, what: Happening::Quote(quote) }
    }

    fn send(&self, side: Side, limit: Option<Decimal>) -> bool {
        let amount = Amount::Quantity(Decimal::ONE);
        let symbol = SYMBOL.to_owned();
        let market = OrderRequest::market(symbol, side, amount, TimeInForce::Gtc);
        let order_type = if limit.is_some() { OrderType::Limit } else { OrderType::Market };
        let request = OrderRequest { order_type, limit_price: limit, ..market };
        self.exchange.submit(self.account_id, &request).is_ok()
    }
}

fn count(range: std::ops::Range<u64>, mut accepted: impl FnMut(u64) -> bool) -> u64 {
    range.map(|nth| u64::from(accepted(nth))).sum()
}
