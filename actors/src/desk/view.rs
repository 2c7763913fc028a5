//! An account as others see it.

use engine::account::Account;
use engine::{ConfigId, Ticker, UserId};
use rust_decimal::Decimal;
use serde::Serialize;

/// A user's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// Whose it is.
    pub user: UserId,
    /// Whether it takes signals now; when not, why.
    pub not_trading: Option<String>,
    /// Its sub-accounts.
    pub books: Vec<BookView>,
    /// Orders that have not ended.
    pub open_orders: usize,
    /// Events of its journal.
    pub events: i64,
}

/// A sub-account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookView {
    /// The config.
    pub config: ConfigId,
    /// Whether it takes signals.
    pub active: bool,
    /// What it started with, US dollars.
    pub capital: Decimal,
    /// Its cash, US dollars.
    pub cash: Decimal,
    /// Profit of what was sold, before fees, US dollars.
    pub realized: Decimal,
    /// What it holds.
    pub holdings: Vec<HoldingView>,
}

/// A holding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldingView {
    /// The ticker.
    pub ticker: Ticker,
    /// Shares or coins.
    pub quantity: Decimal,
    /// Average price paid, US dollars.
    pub average_price: Decimal,
}

pub(super) fn view(account: &Account, not_trading: Option<String>) -> AccountView {
    let books = account.books().map(|(config, book)| BookView {
        config,
        active: book.is_active(),
        capital: book.capital().amount(),
        cash: book.cash().amount(),
        realized: book.realized().unwrap_or_default().amount(),
        holdings: book
            .positions()
            .iter()
            .filter(|(_, position)| !position.quantity.is_zero())
            .map(|(ticker, position)| HoldingView {
                ticker: ticker.clone(),
                quantity: position.quantity,
                average_price: position.average_price,
            })
            .collect(),
    });
    AccountView {
        user: account.user(),
        not_trading,
        books: books.collect(),
        open_orders: account.open_orders().count(),
        events: account.seq(),
    }
}
