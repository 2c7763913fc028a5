//! What open orders hold back, and which of them belong together.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::Books;
use crate::accounts::Reserved;
use crate::orders::{Order, OrderStatus, Role, Side};

impl Books {
    /// What an account's opening orders hold back from buying power; one may be left out.
    pub(crate) fn reserved(&self, account_id: Uuid, except: Option<u64>) -> Reserved {
        let mut reserved = self.reserved.get(&account_id).copied().unwrap_or_default();
        let left_out = except.and_then(|sequence| self.orders.get(&sequence));
        if let Some(order) = left_out.filter(|order| order.account_id == account_id) {
            reserved.remove(order);
        }
        reserved
    }

    /// The orders of a group, in the order they came.
    pub(crate) fn group(&self, group: u64) -> impl Iterator<Item = &Order> {
        self.groups
            .get(&group)
            .into_iter()
            .flatten()
            .filter_map(|sequence| self.orders.get(sequence))
    }

    /// The orders that are listed under a group's parent; none under any other order.
    pub(crate) fn legs_of(&self, order: &Order) -> impl Iterator<Item = &Order> {
        let parent = order.membership.filter(|membership| membership.is_parent());
        let group = parent.filter(|_| order.status != OrderStatus::Replaced);
        group
            .into_iter()
            .flat_map(|membership| self.group(membership.group))
            .filter(|leg| leg.status != OrderStatus::Replaced)
            .filter(|leg| leg.membership.is_some_and(|membership| !membership.is_parent()))
    }

    /// What an account's open orders that close a position hold back from it; one order may be
    /// left out.
    pub(crate) fn held(
        &self,
        account_id: Uuid,
        (symbol, side): (&str, Side),
        price: Option<Decimal>,
        except: Option<u64>,
    ) -> Decimal {
        self.open_orders_of(account_id)
            .filter(|order| order.side == side && order.symbol == symbol)
            .filter(|order| Some(order.sequence) != except)
            // Of two exits of one group only one happens.
            .filter(|order| order.role() != Some(Role::StopLoss) || !self.has_take_profit(order))
            .map(|order| order.held_quantity(price))
            .sum()
    }

    fn has_take_profit(&self, order: &Order) -> bool {
        let Some(membership) = order.membership else { return false };
        self.group(membership.group)
            .any(|one| one.role() == Some(Role::TakeProfit) && one.status.is_open())
    }
}
