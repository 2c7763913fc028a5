//! The exchange: takes orders, lets prices meet them, writes every change down, then tells.
//!
//! Owns the books, the newest prices and the log behind one lock. Within the lock the order is
//! always: decide, write, apply, publish; so whoever hears of a change can read it over REST. What
//! clients ask for is in `intake` and `replacing`, what prices and time do in `ticks`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::accounts::{Account, Configuration, Valuation};
use crate::assets::AssetTable;
use crate::books::{Books, Change, Record};
use crate::calendar::Hours;
use crate::clock::VenueClock;
use crate::equity::Sampler;
use crate::faults::Faults;
use crate::fills::fees::Accrued;
use crate::fills::{Fill, FillModel, Fills, Occasion, Scene};
use crate::ids::Ids;
use crate::market::{Market, MarketEvent};
use crate::options::{AccountSpec, FeeRates};
use crate::phases::{Phase, PhaseWindow};
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::store::{Log, LogState, Opened};
use crate::trade_hub::{TradeHub, TradeUpdate};

/// The exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) clock: VenueClock,
    pub(crate) assets: AssetTable,
    pub(crate) hours: Hours,
    pub(crate) rules: Rules,
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
    /// The part of the day that the newest moment is in.
    pub(crate) window: PhaseWindow,
    /// The New York date of the newest moment.
    pub(crate) day: Option<NaiveDate>,
    /// When that date ends.
    pub(crate) day_until: DateTime<Utc>,
    log: Log,
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
        let inner = Inner {
            books,
            market,
            fills,
            model,
            fees: None,
            ids,
            sampler: Sampler::default(),
            window: PhaseWindow::NEVER,
            day: None,
            day_until: DateTime::<Utc>::MIN_UTC,
            log,
        };
        let faults = Faults::new(&clock);
        let trade_hub = TradeHub::new(faults.clone());
        let (rules, inner) = (Rules::default(), Mutex::new(inner));
        Self { clock, assets, hours, rules, trade_hub, faults, inner }
    }

    /// The same exchange under other rules.
    pub(crate) fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
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
            last_maintenance_margin: Decimal::ZERO,
            last_day_use: Decimal::ZERO,
            configuration: Configuration::new(spec.multiplier),
            positions: BTreeMap::new(),
            accrued_fees: Accrued::default(),
        };
        self.commit(&mut inner, vec![Step { change: Change::Account { account }, update: None }])?;
        Ok(id)
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

    /// Shows prices without letting any order meet them.
    pub(crate) fn prime(&self, events: &[MarketEvent]) {
        let mut inner = self.lock();
        for event in events {
            inner.market.see(event);
        }
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

    /// The part of the day that stocks are in.
    pub(crate) fn phase_at(&self, inner: &mut Inner, at: DateTime<Utc>) -> Phase {
        if !inner.window.contains(at) {
            inner.window = PhaseWindow::around(self.hours, at);
        }
        inner.window.phase
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
                Change::Order { order } => Some((**order).clone()),
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
        inner.log.compact_if_long(&inner.books, &inner.ids);
        Ok(())
    }
}

impl Inner {
    /// How the books' file stands; `None` when they are kept in memory only.
    pub(crate) fn log_state(&self) -> Option<LogState> {
        self.log.state()
    }

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

/// The exchange, shared by the server's tasks.
pub(crate) type SharedExchange = Arc<Exchange>;
