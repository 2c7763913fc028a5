//! An account's books at one moment, for programs and tests in the same process.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::exchange::Inner;

/// What the books say of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookSnapshot {
    /// Cash, in USD.
    pub cash: Decimal,
    /// Cash and positions at the newest prices, in USD.
    pub equity: Decimal,
    /// What stocks may still be bought for, in USD.
    pub buying_power: Decimal,
    /// Shares or coins by symbol; nothing that is flat.
    pub positions: BTreeMap<String, Decimal>,
    /// Orders that may still trade.
    pub open_orders: usize,
    /// All orders of the account.
    pub orders: usize,
    /// All executions of the account.
    pub executions: usize,
}

impl BookSnapshot {
    /// The books of the account with a key; `None` when there is none.
    pub(crate) fn of(inner: &Inner, key_id: &str) -> Option<Self> {
        let account = inner.books.account_by_key(key_id)?;
        let value = inner.value(account, None);
        let positions = account.positions.values();
        Some(Self {
            cash: account.cash,
            equity: value.equity,
            buying_power: value.buying_power,
            positions: positions.map(|one| (one.symbol.clone(), one.qty)).collect(),
            open_orders: inner.books.open_orders_of(account.id).count(),
            orders: inner.books.orders_of(account.id).count(),
            executions: inner.books.activities_of(account.id).len(),
        })
    }
}
