//! The exchange: takes orders, lets prices meet them, writes every change down, then tells.
//!
//! Owns the books, the newest prices and the log behind one lock. Within the lock the order is
//! always: decide, write, apply, publish; so whoever hears of a change can read it over REST.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::accounts::{Account, Configuration, Valuation};
use crate::assets::AssetTable;
use crate::books::{Books, Change, Record};
use crate::calendar::{self, Hours};
use crate::checks::{self, Desk};
use crate::clock::VenueClock;
use crate::equity::Sampler;
use crate::execution;
use crate::faults::Faults;
use crate::fills::fees::Accrued;
use crate::fills::{Days, Fill, FillModel, Fills, Occasion, Scene, Travels};
use crate::ids::Ids;
use crate::market::{Market, MarketEvent};
use crate::options::{AccountSpec, FeeRates};
use crate::order_request::OrderRequest;
use crate::orders::{Order, OrderStatus, TimeInForce};
use crate::refusal::Refusal;
use crate::store::{Log, Opened};
use crate::trade_hub::{TradeHub, TradeUpdate};

/// Days that a good-till-canceled order lives.
const GTC_DAYS: i64 = 90;

/// The exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) clock: VenueClock,
    pub(crate) assets: AssetTable,
    pub(crate) hours: Hours,
    pub(crate) trade_hub: TradeHub,
    pub(crate) faults: Faults,
    inner: Mutex<Inner>,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) books: Books,
    pub(crate) market: Market,
    pub(crate) fills: Fills,
    pub(crate) model: Box<dyn FillModel>,
    /// What executions cost; `None` as in Alpaca's paper trading.
    pub(crate) fees: Option<FeeRates>,
    pub(crate) ids: Ids,
    pub(crate) sampler: Sampler,
    log: Log,
    day: Option<NaiveDate>,
}

/// A change that was decided, and the news of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) change: Change,
    pub(crate) update: Option<TradeUpdate>,
}

impl Exchange {
    pub(crate) fn new(
        clock: VenueClock,
        assets: AssetTable,
        hours: Hours,
        fills: Fills,
        opened: Opened,
    ) -> Self {
        let Opened { log, books, ids } = opened;
        let (market, mut model) = (Market::default(), fills.model());
        for order in books.open_orders() {
            if let Some(asset) = assets.find(&order.symbol) {
                model.note(order, asset);
            }
        }
        let sampler = Sampler::default();
        let inner = Inner { books, market, fills, model, fees: None, ids, sampler, log, day: None };
        let faults = Faults::new(&clock);
        Self {
            clock,
            assets,
            hours,
            trade_hub: TradeHub::new(faults.clone()),
            faults,
            inner: Mutex::new(inner),
        }
    }

    /// The same exchange with fees.
    pub(crate) fn charging(self, fees: Option<FeeRates>) -> Self {
        self.lock().fees = fees;
        self
    }

    /// Opens an account, unless its key is already in the books.
    pub(crate) fn open_account(&self, spec: &AccountSpec) -> Result<Uuid, Refusal> {
        let mut inner = self.lock();
        if let Some(known) = inner.books.account_by_key(&spec.key_id) {
            return Ok(known.id);
        }
        let id = inner.ids.next();
        let number = inner.ids.next_sequence();
        let account = Account {
            id,
            key_id: spec.key_id.clone(),
            account_number: format!("PA3V{number:08}"),
            created_at: self.clock.now(),
            cash: spec.cash,
            multiplier: spec.multiplier,
            last_equity: spec.cash,
            configuration: Configuration::new(spec.multiplier),
            positions: BTreeMap::new(),
            accrued_fees: Accrued::default(),
        };
        self.commit(&mut inner, vec![Step { change: Change::Account { account }, update: None }])?;
        Ok(id)
    }

    /// Takes an order: checks it, books it, and lets it trade if a price is there.
    ///
    /// The answer is the order as it was accepted, before any execution, as Alpaca answers.
    pub(crate) fn submit(&self, account_id: Uuid, request: OrderRequest) -> Result<Order, Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let ids = (inner.ids.next(), inner.ids.next_sequence());
        let (mut order, travels) = {
            let asset = self.assets.find(&request.symbol).ok_or_else(|| {
                Refusal::unprocessable(format!("asset \"{}\" not found", request.symbol))
            })?;
            let travels = inner.model.travels(asset);
            let account = inner.books.account(account_id).ok_or_else(Refusal::unauthorized)?;
            let desk = Desk { books: &inner.books, market: &inner.market, account, asset, now };
            let reserved_price = checks::admit(desk, &request)?;
            (checks::accepted(desk, request, ids, reserved_price), travels)
        };
        order.expires_at = self.expiry(&order, now, inner.fills);
        let open = order.asset_class == crate::assets::AssetClass::Crypto
            || self.hours.session_at(now).is_some();
        // A halted symbol does not trade: its orders wait as those outside the session do.
        let open = open && !self.faults.halts(&order.symbol, now)?;
        let mut steps = Vec::new();
        if open {
            steps.push(execution::step(&mut inner.ids, &order, "pending_new", now));
        } else {
            order.status = OrderStatus::Accepted;
            steps.push(execution::step(&mut inner.ids, &order, "accepted", now));
        }
        let answer = order.clone();
        if open {
            order.status = OrderStatus::New;
            steps.push(execution::step(&mut inner.ids, &order, "new", now));
        }
        if self.faults.rejects(&order, now) {
            let rejected = execution::rejected(&order, now);
            steps.push(execution::step(&mut inner.ids, &rejected, "rejected", now));
            self.commit(inner, steps)?;
            return Ok(answer);
        }
        self.commit(inner, steps)?;
        if travels != Travels::Not {
            self.let_arrive(inner, now);
        } else if open {
            self.trade_on_arrival(inner, &order, now)?;
        }
        Ok(answer)
    }

    /// Cancels an open order.
    pub(crate) fn cancel(&self, account_id: Uuid, order_id: Uuid) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let order = inner
            .books
            .order_by_id(account_id, order_id)
            .ok_or_else(|| Refusal::not_found(format!("order not found for {order_id}")))?;
        if !order.status.is_open() {
            return Err(Refusal::unprocessable(format!(
                "order is already in \"{}\" state",
                order.status.as_str()
            )));
        }
        if self.cancel_travels(inner, order) {
            let pending = execution::pending_cancel(order, now);
            let step = execution::step(&mut inner.ids, &pending, "pending_cancel", now);
            return self.commit(inner, vec![step]);
        }
        let canceled = execution::canceled(order, now);
        let step = execution::step(&mut inner.ids, &canceled, "canceled", now);
        self.commit(inner, vec![step])
    }

    /// Changes an account's settings.
    pub(crate) fn configure(
        &self,
        account_id: Uuid,
        configuration: Configuration,
    ) -> Result<(), Refusal> {
        let change = Change::Configuration { account_id, configuration };
        self.commit(&mut self.lock(), vec![Step { change, update: None }])
    }

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
            let idle = inner.books.working.is_idle(symbol) && inner.books.waiting.is_idle(symbol);
            if idle && !inner.model.follows(symbol) {
                continue;
            }
            for sequence in execution::woken(inner, event) {
                let steps = execution::woken_steps(inner, sequence, event.at);
                self.commit_quietly(inner, steps);
            }
            let fills = inner.fills(symbol, Occasion::Event(event), event.at);
            self.book_fills(inner, fills, event.at);
            for sequence in execution::first_trades(inner, event) {
                let steps = execution::first_trade_steps(inner, sequence, event.at);
                self.commit_quietly(inner, steps);
            }
        }
    }

    /// Shows prices without letting any order meet them.
    pub(crate) fn prime(&self, events: &[MarketEvent]) {
        let mut inner = self.lock();
        for event in events {
            inner.market.see(event);
        }
    }

    /// Lets time pass without an event: orders expire, days end.
    pub(crate) fn pass_time(&self, now: DateTime<Utc>) {
        let mut inner = self.lock();
        self.expire(&mut inner, now);
        self.let_arrive(&mut inner, now);
    }

    /// Looks at the books and the newest prices.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.lock())
    }

    /// A number that grows with every change of the books.
    pub(crate) fn version(&self) -> u64 {
        self.lock().books.version
    }

    /// Makes the log survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), crate::error::VenueError> {
        self.lock().log.sync()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held leaves applied changes only, which is a valid state.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An order that arrives while there is a quote trades at once; what may not rest is canceled.
    pub(crate) fn trade_on_arrival(
        &self,
        inner: &mut Inner,
        order: &Order,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if let Some(working) = order.working() {
            let fills = inner.fills(&order.symbol, Occasion::Arrival(&working), now);
            self.book_fills(inner, fills, now);
        }
        if matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
            && let Some(rest) = inner.books.order(order.sequence).filter(|o| o.status.is_open())
        {
            let canceled = execution::canceled(rest, now);
            let step = execution::step(&mut inner.ids, &canceled, "canceled", now);
            self.commit(inner, vec![step])?;
        }
        Ok(())
    }

    fn expiry(&self, order: &Order, now: DateTime<Utc>, fills: Fills) -> Option<DateTime<Utc>> {
        match (order.time_in_force, fills.days()) {
            (TimeInForce::Gtc, _) => Some(now + chrono::Duration::days(GTC_DAYS)),
            (TimeInForce::Day, Days::OfSessions) => Some(self.hours.current_or_next(now).close),
            // On a tape the day ends after the symbol has traded, whenever that is.
            (TimeInForce::Day, Days::OfTape) | (TimeInForce::Ioc | TimeInForce::Fok, _) => None,
        }
    }

    fn expire(&self, inner: &mut Inner, now: DateTime<Utc>) {
        for sequence in inner.books.expired_at(now) {
            let Some(order) = inner.books.order(sequence) else { continue };
            let expired = execution::expired(order, now);
            let step = execution::step(&mut inner.ids, &expired, "expired", now);
            self.commit_quietly(inner, vec![step]);
        }
        let today = calendar::new_york_date(now);
        if let Some(ended) = inner.day.filter(|day| *day != today) {
            self.charge_day(inner, ended, now);
            close_day(inner);
        }
        inner.day = Some(today);
        self.sample_equity(inner, now);
    }

    /// Commits what no client waits for. When the log cannot be written the order stays as it was,
    /// and the next price tries again.
    pub(crate) fn commit_quietly(&self, inner: &mut Inner, steps: Vec<Step>) {
        if self.commit(inner, steps).is_err() {
            tracing::error!("an execution or expiry was put off because it could not be written");
        }
    }

    /// Writes, applies, publishes: in this order.
    pub(crate) fn commit(&self, inner: &mut Inner, steps: Vec<Step>) -> Result<(), Refusal> {
        if steps.is_empty() {
            return Ok(());
        }
        let (changes, updates): (Vec<Change>, Vec<Option<TradeUpdate>>) =
            steps.into_iter().map(|step| (step.change, step.update)).unzip();
        let records: Vec<Record> =
            changes.into_iter().map(|change| Record { ids: inner.ids.clone(), change }).collect();
        if let Err(error) = inner.log.append(&records) {
            tracing::error!(%error, "the venue's books cannot be written, check the disk");
            return Err(Refusal::internal());
        }
        for (record, update) in records.into_iter().zip(updates) {
            let order = match &record.change {
                Change::Order { order } => Some(order.clone()),
                Change::Execution(executed) => Some(executed.order.clone()),
                _ => None,
            };
            inner.books.apply(record.change);
            if let Some(order) = &order
                && let Some(asset) = self.assets.find(&order.symbol)
            {
                inner.model.note(order, asset);
            }
            if let (Some(order), Some(update)) = (order, update) {
                self.trade_hub.publish(&order, &update);
            }
        }
        Ok(())
    }
}

impl Inner {
    /// An account at the newest prices.
    pub(crate) fn value(&self, account: &Account, except: Option<u64>) -> Valuation {
        account.value(|symbol| self.market.price(symbol), self.books.reserved(account.id, except))
    }

    /// What the fill model makes of an occasion.
    pub(crate) fn fills(
        &mut self,
        symbol: &str,
        occasion: Occasion<'_>,
        at: DateTime<Utc>,
    ) -> Vec<Fill> {
        let (newest, working) = (self.market.newest(symbol), self.books.working.of(symbol));
        self.model.fills(Scene { symbol, newest, working, at }, occasion)
    }

    /// What an account holds of a symbol.
    pub(crate) fn position_qty(&self, account_id: Uuid, symbol: &str) -> Decimal {
        self.books
            .account(account_id)
            .and_then(|account| account.positions.get(symbol))
            .map_or(Decimal::ZERO, |position| position.qty)
    }
}

/// Remembers what each account was worth when the day ended.
fn close_day(inner: &mut Inner) {
    let market = &inner.market;
    for account in inner.books.accounts_mut() {
        let value =
            account.value(|symbol| market.price(symbol), crate::accounts::Reserved::default());
        account.last_equity = value.equity;
    }
}

/// The exchange, shared by the server's tasks.
pub(crate) type SharedExchange = Arc<Exchange>;
