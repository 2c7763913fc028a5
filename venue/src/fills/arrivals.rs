//! Books what a model found, and lets messages arrive when their time has come.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::{Due, Fill, Travels, Trip};
use crate::exchange::{Exchange, Inner};
use crate::execution;
use crate::groups;
use crate::orders::Order;
use crate::phases::Phase;

impl Exchange {
    /// Lets every order and cancel arrive whose time has come, in the order of their times.
    pub(crate) fn let_arrive(&self, inner: &mut Inner, now: DateTime<Utc>) {
        while let Some(Due { at, sequence, trip }) = inner.model.next_due(now) {
            let open = inner.books.order(sequence).filter(|order| order.status.is_open());
            let Some(order) = open.cloned() else { continue };
            let at = at.max(order.updated_at);
            match trip {
                Trip::Order => {
                    if self.trade_on_arrival(inner, vec![sequence], at).is_err() {
                        tracing::error!(order.id = %order.id, "an order's arrival could not be written");
                    }
                }
                Trip::Cancel => {
                    let canceled = execution::canceled(&order, at);
                    let steps = execution::end_steps(inner, &canceled, "canceled", at);
                    self.commit_quietly(inner, steps);
                }
            }
        }
    }

    /// Whether the cancelation of an order takes time to reach the book.
    pub(crate) fn cancel_travels(&self, inner: &Inner, order: &Order) -> bool {
        let asset = self.assets.find(&order.symbol);
        // What is not in the book is canceled at the exchange's door.
        order.working().is_some()
            && asset.is_some_and(|asset| inner.model.travels(asset) == Travels::ForSomeTime)
    }

    /// Books fills in their order, where the session allows them; the answer is the orders that
    /// began to work thereby. Of two users who trade with each other the second gets what the first
    /// could book.
    pub(crate) fn book_fills(
        &self,
        inner: &mut Inner,
        fills: Vec<Fill>,
        phase: Phase,
        at: DateTime<Utc>,
    ) -> Vec<u64> {
        let mut begun = Vec::new();
        // What each order has booked of its newest fill.
        let mut booked: HashMap<u64, Decimal> = HashMap::new();
        for fill in fills {
            let most = fill.against.and_then(|other| booked.get(&other).copied());
            let quantity = most.map_or(fill.quantity, |most| fill.quantity.min(most));
            let before = filled(inner, fill.sequence);
            let admitted = inner
                .books
                .order(fill.sequence)
                .is_some_and(|order| phase.admits(order.asset_class, order.extended_hours));
            if quantity > Decimal::ZERO && admitted {
                let steps = execution::fill_steps(inner, Fill { quantity, ..fill }, at);
                self.commit_quietly(inner, steps);
            }
            let quantity_booked = filled(inner, fill.sequence) - before;
            booked.insert(fill.sequence, quantity_booked);
            if quantity_booked > Decimal::ZERO {
                begun.extend(groups::begun_by(inner, fill.sequence));
            }
            if quantity_booked < fill.quantity {
                self.show_again(inner, fill.sequence);
            }
        }
        begun
    }

    /// The model took more off an order than was booked: it is told how the order really stands.
    fn show_again(&self, inner: &mut Inner, sequence: u64) {
        if let Some(order) = inner.books.order(sequence)
            && let Some(asset) = self.assets.find(&order.symbol)
        {
            inner.model.note(order, asset);
        }
    }
}

fn filled(inner: &Inner, sequence: u64) -> Decimal {
    inner.books.order(sequence).map_or(Decimal::ZERO, |order| order.filled_qty)
}
