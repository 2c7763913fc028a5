//! Laws of an account that hold after every event. Asserted in property tests, and in production,
//! where a broken one halts that account and tells the operator.

use crate::account::{Account, Book};
use crate::clock::Timestamp;
use crate::ids::{ClientOrderId, ConfigId};
use crate::money::{MoneyError, Usd};
use crate::order::{Order, Side, Status};
use crate::ticker::Ticker;
use rust_decimal::Decimal;
use thiserror::Error;

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// Cash is capital less what was bought plus what was sold.
    #[error("config {config}: cash is {cash} and should be {expected}")]
    CashNotConserved {
        /// The sub-account.
        config: ConfigId,
        /// What the book says.
        cash: Usd,
        /// What it should say.
        expected: Usd,
    },
    /// Nothing is owed: this account is long only.
    #[error("config {config}: {quantity} of {ticker} held")]
    NegativePosition {
        /// The sub-account.
        config: ConfigId,
        /// The ticker.
        ticker: Ticker,
        /// The holding.
        quantity: Decimal,
    },
    /// No order is filled beyond its size.
    #[error("order {0} is filled beyond its size")]
    Overfilled(ClientOrderId),
    /// An order is filled exactly when its fills add up.
    #[error("order {0} says filled and its fills do not add up")]
    FilledWithoutFills(ClientOrderId),
    /// An order is in the set of open ones exactly when it has not ended.
    #[error("order {order} is {status:?} and in the wrong set")]
    OpenSetWrong {
        /// The order.
        order: ClientOrderId,
        /// Its status.
        status: Status,
    },
    /// No order without approval: every order has the checks it passed.
    #[error("order {0} has no approval")]
    Unapproved(ClientOrderId),
    /// An ended order says when it ended.
    #[error("order {0} ended at no time")]
    EndWithoutTime(ClientOrderId),
    /// An amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Checks every law.
pub fn check(account: &Account) -> Result<(), Broken> {
    for (config, book) in account.books() {
        check_book(config, book)?;
    }
    account.orders.values().try_for_each(|order| check_order(account, order))
}

/// Checks the laws that an event of `order` can have broken: what production can afford after
/// every event.
pub fn check_around(account: &Account, order: &ClientOrderId) -> Result<(), Broken> {
    let Some(order) = account.order(order) else { return Ok(()) };
    check_order(account, order)?;
    let config = order.draft.config_id;
    account.book(config).map_or(Ok(()), |book| check_book(config, book))
}

fn check_book(config: ConfigId, book: &Book) -> Result<(), Broken> {
    let expected = book.capital.minus(book.bought)?.plus(book.sold)?;
    if book.cash != expected {
        return Err(Broken::CashNotConserved { config, cash: book.cash, expected });
    }
    for (ticker, position) in &book.positions {
        if position.quantity < Decimal::ZERO {
            let (ticker, quantity) = (ticker.clone(), position.quantity);
            return Err(Broken::NegativePosition { config, ticker, quantity });
        }
    }
    Ok(())
}

fn check_order(account: &Account, order: &Order) -> Result<(), Broken> {
    let id = &order.draft.client_order_id;
    if order.filled() > order.draft.quantity.amount() {
        return Err(Broken::Overfilled(id.clone()));
    }
    if (order.status == Status::Filled) != order.is_wholly_filled() {
        return Err(Broken::FilledWithoutFills(id.clone()));
    }
    if account.open.contains(id) == order.status.is_final() {
        return Err(Broken::OpenSetWrong { order: id.clone(), status: order.status });
    }
    if order.checks.is_empty() {
        return Err(Broken::Unapproved(id.clone()));
    }
    let ended: Option<Timestamp> = order.closed_at;
    if order.status.is_final() && ended.is_none() {
        return Err(Broken::EndWithoutTime(id.clone()));
    }
    Ok(())
}

/// The quantity that the fills of the orders in memory say was traded of one ticker in one
/// sub-account; equals the position while no order has been forgotten.
pub fn traded(account: &Account, config: ConfigId, ticker: &Ticker) -> Decimal {
    let of_it = |order: &&Order| order.draft.config_id == config && &order.draft.ticker == ticker;
    account.orders.values().filter(of_it).fold(Decimal::ZERO, |sum, order| match order.draft.side {
        Side::Buy => sum.saturating_add(order.filled()),
        Side::Sell => sum.saturating_sub(order.filled()),
    })
}
