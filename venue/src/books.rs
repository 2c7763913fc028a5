//! The books: accounts, orders and history, and the one function that changes them.

mod compacted;
mod holds;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::{Account, Configuration, DayEnd, Reserved};
use crate::activities::{Activity, Holding, Item, NonTrade, NonTradeActivity};
use crate::corporate_actions::{ActionTable, Announced, Entitlement};
use crate::equity::{Curves, Point};
use crate::fills::fees::Accrued;
use crate::ids::Ids;
use crate::matching::WorkingBook;
use crate::orders::{Order, OrderStatus};
use crate::positions::Position;
use crate::triggers::TriggerBook;
use crate::waiting::WaitingBook;
use crate::watchlists::{Watchlist, Watchlists};

/// The most orders that one set of books keeps; a further one is refused.
pub(crate) const ORDERS_MAX: usize = 1_000_000;

/// One change of the books, as it is written down. It holds what is true afterwards, so that
/// applying it needs no judgement: starting from the log and trading live are one path.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// An account was opened, or (in a compacted file) stands like this.
    Account {
        account: Account,
    },
    /// An account is gone with everything it had.
    AccountClosed {
        account_id: Uuid,
    },
    /// The owner changed a setting.
    Configuration {
        account_id: Uuid,
        configuration: Configuration,
    },
    /// An order came in or changed without an execution.
    Order {
        order: Box<Order>,
    },
    /// An execution, with its effect on cash and position.
    Execution(Box<Executed>),
    /// A fee, a dividend, a deposit: cash or a holding changed without an execution.
    NonTrade(Box<NonTrade>),
    /// A day ended.
    DayEnd {
        day_end: DayEnd,
    },
    /// A dividend or split was announced, or has been carried out.
    CorporateAction {
        announced: Announced,
    },
    /// An account has earned a dividend, or owes it.
    Entitlement {
        entitlement: Entitlement,
    },
    /// An activity alone (in a compacted file).
    Activity {
        activity: Activity,
    },
    /// A non-trade activity alone (in a compacted file).
    NonTradeActivity {
        activity: Box<NonTradeActivity>,
    },
    /// A watchlist is new or changed.
    Watchlist {
        watchlist: Watchlist,
    },
    WatchlistDeleted {
        account_id: Uuid,
        id: Uuid,
    },
    /// What accounts were worth at a second since 1970.
    Equity {
        at: i64,
        equities: Vec<(Uuid, Decimal)>,
    },
    /// What one account was worth over time (in a compacted file).
    EquityCurve {
        account_id: Uuid,
        points: Vec<(i64, Decimal)>,
    },
}

/// An execution and what it leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Executed {
    pub(crate) order: Order,
    pub(crate) cash: Decimal,
    pub(crate) position: Option<Position>,
    pub(crate) activity: Activity,
    /// The fees of the day so far.
    #[serde(default)]
    pub(crate) accrued_fees: Accrued,
    /// The fee that was taken at once; cash and position are what is left after it.
    #[serde(default)]
    pub(crate) fee: Option<Box<NonTradeActivity>>,
}

/// A change with the counters of the identifiers after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) ids: Ids,
    #[serde(flatten)]
    pub(crate) change: Change,
}

/// Everything the venue knows about its customers.
#[derive(Debug, Default)]
pub(crate) struct Books {
    accounts: BTreeMap<Uuid, Account>,
    by_key: HashMap<String, Uuid>,
    orders: BTreeMap<u64, Order>,
    by_id: HashMap<Uuid, u64>,
    by_client_id: HashMap<(Uuid, String), u64>,
    open_orders: HashMap<Uuid, BTreeSet<u64>>,
    /// What the open orders of an account hold back, kept so that an order is not weighed against
    /// each of them.
    reserved: HashMap<Uuid, Reserved>,
    account_orders: HashMap<Uuid, Vec<u64>>,
    activities: HashMap<Uuid, Vec<Activity>>,
    non_trades: HashMap<Uuid, Vec<NonTradeActivity>>,
    /// The orders of each group, by the sequence of its first parent.
    groups: HashMap<u64, Vec<u64>>,
    expiries: BTreeSet<(DateTime<Utc>, u64)>,
    pub(crate) watchlists: Watchlists,
    pub(crate) curves: Curves,
    pub(crate) actions: ActionTable,
    /// What a price can move.
    pub(crate) working: WorkingBook,
    /// Stops that wait for a price.
    pub(crate) triggers: TriggerBook,
    /// What waits for something else.
    pub(crate) waiting: WaitingBook,
    /// Grows with every change that clients may answer.
    pub(crate) version: u64,
}

impl Books {
    /// Takes a change in.
    pub(crate) fn apply(&mut self, change: Change) {
        // A sample of the equity, or the end of a day, is no news: a replay does not wait for
        // anybody's answer to it.
        if !matches!(change, Change::Equity { .. } | Change::DayEnd { .. }) {
            self.version += 1;
        }
        match change {
            Change::DayEnd { day_end } => self.end_day(day_end),
            Change::Account { account } => {
                self.by_key.insert(account.key_id.clone(), account.id);
                if !self.accounts.contains_key(&account.id) {
                    let at = account.created_at.timestamp();
                    self.curves.push(account.id, Point { at, equity: account.cash });
                }
                self.accounts.insert(account.id, account);
            }
            Change::AccountClosed { account_id } => self.forget(account_id),
            Change::Configuration { account_id, configuration } => {
                if let Some(account) = self.accounts.get_mut(&account_id) {
                    account.configuration = configuration;
                }
            }
            Change::Order { order } => self.put_order(*order),
            Change::Execution(executed) => {
                let Executed { order, cash, position, activity, accrued_fees, fee } = *executed;
                if let Some(account) = self.accounts.get_mut(&order.account_id) {
                    account.cash = cash;
                    account.accrued_fees = accrued_fees;
                    match position {
                        Some(position) => {
                            account.positions.insert(order.symbol.clone(), position);
                        }
                        None => {
                            account.positions.remove(&order.symbol);
                        }
                    }
                }
                self.activities.entry(order.account_id).or_default().push(activity);
                if let Some(fee) = fee {
                    self.non_trades.entry(order.account_id).or_default().push(*fee);
                }
                self.put_order(order);
            }
            Change::Activity { activity } => {
                self.activities.entry(activity.account_id).or_default().push(activity);
            }
            Change::CorporateAction { announced } => self.actions.put(announced),
            Change::Entitlement { entitlement } => self.actions.entitle(entitlement),
            Change::NonTrade(non_trade) => self.book_non_trade(*non_trade),
            Change::NonTradeActivity { activity } => {
                self.non_trades.entry(activity.account_id).or_default().push(*activity);
            }
            Change::Watchlist { watchlist } => self.watchlists.put(watchlist),
            Change::WatchlistDeleted { account_id, id } => self.watchlists.remove(account_id, id),
            Change::Equity { at, equities } => {
                for (account_id, equity) in equities {
                    self.curves.push(account_id, Point { at, equity });
                }
            }
            Change::EquityCurve { account_id, points } => {
                for (at, equity) in points {
                    self.curves.push(account_id, Point { at, equity });
                }
            }
        }
    }

    pub(crate) fn account(&self, id: Uuid) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub(crate) fn account_by_key(&self, key_id: &str) -> Option<&Account> {
        self.by_key.get(key_id).and_then(|id| self.accounts.get(id))
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    pub(crate) fn order(&self, sequence: u64) -> Option<&Order> {
        self.orders.get(&sequence)
    }

    /// An account's order by the venue's id.
    pub(crate) fn order_by_id(&self, account_id: Uuid, id: Uuid) -> Option<&Order> {
        self.by_id
            .get(&id)
            .and_then(|sequence| self.orders.get(sequence))
            .filter(|order| order.account_id == account_id)
    }

    /// An account's order by the client's id, open or closed.
    pub(crate) fn order_by_client_id(&self, account_id: Uuid, client_id: &str) -> Option<&Order> {
        self.by_client_id
            .get(&(account_id, client_id.to_owned()))
            .and_then(|sequence| self.orders.get(sequence))
    }

    /// An account's orders in the order they came.
    pub(crate) fn orders_of(&self, account_id: Uuid) -> impl DoubleEndedIterator<Item = &Order> {
        self.account_orders
            .get(&account_id)
            .into_iter()
            .flatten()
            .filter_map(|sequence| self.orders.get(sequence))
    }

    /// An account's open orders in the order they came.
    pub(crate) fn open_orders_of(&self, account_id: Uuid) -> impl Iterator<Item = &Order> {
        self.open_orders
            .get(&account_id)
            .into_iter()
            .flatten()
            .filter_map(|sequence| self.orders.get(sequence))
    }

    /// Every open order in the order they came.
    pub(crate) fn open_orders(&self) -> impl Iterator<Item = &Order> {
        let open: BTreeSet<u64> = self.open_orders.values().flatten().copied().collect();
        open.into_iter().filter_map(|sequence| self.orders.get(&sequence))
    }

    pub(crate) fn order_count(&self) -> usize {
        self.orders.len()
    }

    /// Executions, other activities and points of equity.
    /// An account's executions in the order they happened.
    pub(crate) fn activities_of(&self, account_id: Uuid) -> &[Activity] {
        self.activities.get(&account_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// An account's fees, dividends and transfers in the order they happened.
    pub(crate) fn non_trades_of(&self, account_id: Uuid) -> &[NonTradeActivity] {
        self.non_trades.get(&account_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// An account's whole history, executions first.
    pub(crate) fn history_of(&self, account_id: Uuid) -> impl Iterator<Item = Item<'_>> {
        let executions = self.activities_of(account_id).iter().map(Item::Execution);
        executions.chain(self.non_trades_of(account_id).iter().map(Item::NonTrade))
    }

    /// Open orders whose time has run out.
    pub(crate) fn expired_at(&self, now: DateTime<Utc>) -> Vec<u64> {
        self.expiries.range(..=(now, u64::MAX)).map(|(_, sequence)| *sequence).collect()
    }

    fn book_non_trade(&mut self, non_trade: NonTrade) {
        let NonTrade { cash, holding, activity } = non_trade;
        self.actions.booked(&activity);
        if let Some(account) = self.accounts.get_mut(&activity.account_id) {
            account.cash = cash;
            account.accrued_fees.charged(&activity);
            match holding {
                Some(Holding { symbol, position: Some(position) }) => {
                    account.positions.insert(symbol, position);
                }
                Some(Holding { symbol, position: None }) => {
                    account.positions.remove(&symbol);
                }
                None => {}
            }
        }
        self.non_trades.entry(activity.account_id).or_default().push(activity);
    }

    fn end_day(&mut self, day_end: DayEnd) {
        let DayEnd { account_id, equity, maintenance_margin, day_use, marks } = day_end;
        let Some(account) = self.accounts.get_mut(&account_id) else { return };
        account.last_equity = equity;
        account.last_maintenance_margin = maintenance_margin;
        account.last_day_use = day_use;
        for (symbol, price) in marks {
            if let Some(position) = account.positions.get_mut(&symbol) {
                position.day_cost = Some(position.qty * price);
            }
        }
    }

    fn forget(&mut self, account_id: Uuid) {
        let Some(account) = self.accounts.remove(&account_id) else { return };
        self.by_key.remove(&account.key_id);
        for sequence in self.account_orders.remove(&account_id).unwrap_or_default() {
            let Some(order) = self.orders.get(&sequence).cloned() else { continue };
            let key = (account_id, order.client_order_id.clone());
            self.by_id.remove(&order.id);
            if let Some(membership) = order.membership {
                self.groups.remove(&membership.group);
            }
            // An order that is over waits for nothing any more.
            self.put_order(Order { status: OrderStatus::Canceled, ..order });
            self.orders.remove(&sequence);
            self.by_client_id.remove(&key);
        }
        self.open_orders.remove(&account_id);
        self.activities.remove(&account_id);
        self.non_trades.remove(&account_id);
        self.watchlists.forget(account_id);
        self.curves.forget(account_id);
    }

    fn put_order(&mut self, order: Order) {
        self.working.put(&order);
        self.waiting.put(&order);
        self.triggers.put(&order);
        let open = self.open_orders.entry(order.account_id).or_default();
        if order.status.is_open() {
            open.insert(order.sequence);
        } else {
            open.remove(&order.sequence);
        }
        let before = self.orders.get(&order.sequence);
        let reserved = self.reserved.entry(order.account_id).or_default();
        if let Some(before) = before {
            reserved.remove(before);
        }
        reserved.add(&order);
        if let Some(at) = before.and_then(|before| before.expires_at) {
            self.expiries.remove(&(at, order.sequence));
        }
        if let (Some(at), true) = (order.expires_at, order.status.is_open()) {
            self.expiries.insert((at, order.sequence));
        }
        if before.is_none() {
            self.by_id.insert(order.id, order.sequence);
            if let Some(membership) = order.membership {
                self.groups.entry(membership.group).or_default().push(order.sequence);
            }
            self.by_client_id
                .insert((order.account_id, order.client_order_id.clone()), order.sequence);
            self.account_orders.entry(order.account_id).or_default().push(order.sequence);
        }
        self.orders.insert(order.sequence, order);
    }
}
