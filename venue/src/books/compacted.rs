//! The books as the shortest list of changes that says the same.

use super::{Books, Change};

impl Books {
    /// The changes that lead from empty books to these.
    pub(crate) fn as_changes(&self) -> impl Iterator<Item = Change> {
        let accounts =
            self.accounts.values().map(|account| Change::Account { account: account.clone() });
        let orders =
            self.orders.values().map(|order| Change::Order { order: Box::new(order.clone()) });
        let activities = self
            .activities
            .values()
            .flatten()
            .map(|activity| Change::Activity { activity: activity.clone() });
        let non_trades = self
            .non_trades
            .values()
            .flatten()
            .map(|activity| Change::NonTradeActivity { activity: Box::new(activity.clone()) });
        let watchlists =
            self.watchlists.iter().map(|list| Change::Watchlist { watchlist: list.clone() });
        let curves = self
            .curves
            .points()
            .map(|(account_id, points)| Change::EquityCurve { account_id, points });
        let actions = self
            .actions
            .iter()
            .map(|announced| Change::CorporateAction { announced: announced.clone() });
        let entitlements = self
            .actions
            .entitlements()
            .map(|earned| Change::Entitlement { entitlement: earned.clone() });
        let histories = activities.chain(non_trades).chain(curves);
        let companies = actions.chain(entitlements);
        accounts.chain(orders).chain(histories).chain(watchlists).chain(companies)
    }
}
