//! Carries corporate actions out: at the ex-date splits change holdings and open orders and
//! dividends are earned, at the pay date they are paid.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{ACTIONS_MAX, Announced, CorporateAction, CorporateActionKind, Entitlement, Ratio};
use crate::accounts::Account;
use crate::activities::{Holding, NonTrade, NonTradeActivity, NonTradeKind};
use crate::books::Change;
use crate::exchange::{Exchange, Inner, Step};
use crate::execution;
use crate::fills::Days;
use crate::orders::{Order, Side, Trail};
use crate::positions::Position;
use crate::refusal::Refusal;
use crate::{calendar, number};

/// Digits that an average entry price is kept to.
const AVERAGE_DECIMALS: u32 = 12;

impl Exchange {
    /// Announces actions; those that the books know already are left alone.
    pub(crate) fn announce(&self, actions: Vec<CorporateAction>) -> Result<(), Refusal> {
        let mut inner = self.lock();
        for action in actions {
            if let Some(fault) = action.fault() {
                return Err(Refusal::invalid(format!(
                    "corporate action of {}: {fault}",
                    action.symbol
                )));
            }
            if self.assets.find(&action.symbol).is_none() {
                return Err(Refusal::not_found(format!("asset not found for {}", action.symbol)));
            }
            if inner.books.actions.contains(action.id()) {
                continue;
            }
            if inner.books.actions.len() >= ACTIONS_MAX {
                return Err(Refusal::forbidden("the venue keeps no more corporate actions"));
            }
            let announced = Announced { action, done: false };
            let change = Change::CorporateAction { announced };
            self.commit(&mut inner, vec![Step { change, update: None }])?;
        }
        Ok(())
    }

    /// Carries out what is due on a day, before its first price.
    pub(crate) fn act_for_companies(&self, inner: &mut Inner, now: DateTime<Utc>) {
        // The day of a recording is the one that its bars are named after.
        let today = match inner.fills.days() {
            Days::OfSessions => inner.day.unwrap_or_else(|| calendar::new_york_date(now)),
            Days::OfTape => now.date_naive(),
        };
        if !inner.books.actions.is_new_day(today) {
            return;
        }
        for action in inner.books.actions.due(today) {
            let steps = match action.kind {
                CorporateActionKind::Split { new, old } => {
                    let ratio = Ratio { new, old };
                    inner.market.split(&action.symbol, ratio);
                    let kept = self.split_orders(inner, &action, ratio, now);
                    let mut steps = split_holdings(inner, &action, ratio, now);
                    steps.extend(kept);
                    steps
                }
                CorporateActionKind::Dividend { per_share, pay_date } => {
                    earned(inner, &action, per_share, pay_date)
                }
            };
            let announced = Announced { action, done: true };
            let done = Step { change: Change::CorporateAction { announced }, update: None };
            self.commit_quietly(inner, steps.into_iter().chain([done]).collect());
        }
        for entitlement in inner.books.actions.payable(today) {
            let steps = payment(inner, &entitlement, now).into_iter().collect();
            self.commit_quietly(inner, steps);
        }
    }

    /// Open orders in new shares; those that cannot be expressed in them are canceled at once. No
    /// news goes out of the others: clients read what they have become.
    fn split_orders(
        &self,
        inner: &mut Inner,
        action: &CorporateAction,
        ratio: Ratio,
        now: DateTime<Utc>,
    ) -> Vec<Step> {
        let open = inner.books.open_orders().filter(|order| order.symbol == action.symbol);
        let open: Vec<Order> = open.cloned().collect();
        let increment = self.assets.find(&action.symbol).map(|asset| asset.price_increment);
        let mut kept = Vec::new();
        for order in open {
            if let Some(after) = divided(&order, ratio, increment) {
                kept.push(Order { updated_at: now, ..after });
            } else {
                let canceled = execution::canceled(&order, now);
                let steps = execution::end_steps(inner, &canceled, "canceled", now);
                self.commit_quietly(inner, steps);
            }
        }
        // The end of one may have ended others of its group.
        let is_open = |order: &Order| {
            inner.books.order(order.sequence).is_some_and(|order| order.status.is_open())
        };
        kept.into_iter().filter(is_open).map(execution::silent).collect()
    }
}

/// Who holds shares when the ex-date begins earns the dividend, or owes it.
fn earned(
    inner: &Inner,
    action: &CorporateAction,
    per_share: Decimal,
    pay_date: NaiveDate,
) -> Vec<Step> {
    holders(inner, &action.symbol)
        .into_iter()
        .map(|(account, position)| Entitlement {
            action_id: action.id(),
            account_id: account.id,
            symbol: action.symbol.clone(),
            qty: position.qty,
            per_share,
            pay_date,
        })
        .map(|entitlement| Step { change: Change::Entitlement { entitlement }, update: None })
        .collect()
}

fn payment(inner: &mut Inner, earned: &Entitlement, now: DateTime<Utc>) -> Option<Step> {
    let account = inner.books.account(earned.account_id)?;
    let amount = (earned.qty * earned.per_share)
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let paid =
        NonTradeActivity::new(&mut inner.ids, account.id, NonTradeKind::Dividend, amount, now);
    let paid = NonTradeActivity {
        description: format!("Cash DIV @ {}", number::text(earned.per_share)),
        symbol: Some(earned.symbol.clone()),
        qty: Some(earned.qty),
        per_share_amount: Some(earned.per_share),
        group_id: Some(earned.action_id),
        ..paid
    };
    let change = Change::NonTrade(Box::new(NonTrade::of(account, paid, None)));
    Some(Step { change, update: None })
}

/// Every holding in new shares; what is left of a whole share is paid for.
fn split_holdings(
    inner: &mut Inner,
    action: &CorporateAction,
    ratio: Ratio,
    now: DateTime<Utc>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    // The market has been divided already.
    let price = inner.market.price(&action.symbol);
    for (account, position) in holders(inner, &action.symbol) {
        let qty = ratio.quantity(position.qty);
        let average = ratio.price(position.average_entry_price).round_dp(AVERAGE_DECIMALS);
        let left_over = ratio.exact_quantity(position.qty) - qty;
        let cash = (left_over * price.unwrap_or(average))
            .round_dp_with_strategy(2, RoundingStrategy::ToZero);
        let kind = NonTradeKind::Split;
        let booked = NonTradeActivity::new(&mut inner.ids, account.id, kind, cash, now);
        let booked = NonTradeActivity {
            description: format!(
                "Split {} for {}",
                number::text(ratio.new),
                number::text(ratio.old)
            ),
            symbol: Some(action.symbol.clone()),
            qty: Some(qty - position.qty),
            price: (!left_over.is_zero()).then(|| price.unwrap_or(average)),
            group_id: Some(action.id()),
            ..booked
        };
        let day_cost = position.day_cost.map(|cost| cost - left_over * average);
        let after = Position { qty, average_entry_price: average, day_cost, ..position };
        let holding =
            Holding { symbol: action.symbol.clone(), position: (!qty.is_zero()).then_some(after) };
        let change = Change::NonTrade(Box::new(NonTrade::of(&account, booked, Some(holding))));
        steps.push(Step { change, update: None });
    }
    steps
}

/// The order in new shares. `None` when it cannot be expressed in them: less than a share would be
/// left, or its executed part would not be whole.
fn divided(order: &Order, ratio: Ratio, increment: Option<Decimal>) -> Option<Order> {
    let on_grid = |before: Decimal, up: bool| {
        let exact = ratio.price(before);
        let steps = increment.and_then(|increment| exact.checked_div(increment));
        match (steps, increment) {
            (Some(steps), Some(increment)) if up => steps.ceil() * increment,
            (Some(steps), Some(increment)) => steps.floor() * increment,
            _ => exact,
        }
    };
    let buys = order.side == Side::Buy;
    let filled_qty = ratio.exact_quantity(order.filled_qty);
    let qty = order.qty.map(|qty| ratio.quantity(qty));
    let is_lost =
        qty.is_some_and(|qty| qty <= filled_qty) || ratio.quantity(order.filled_qty) != filled_qty;
    (!is_lost).then(|| Order {
        qty,
        filled_qty,
        // Never a worse limit than was asked for, and no stop that is met earlier.
        limit_price: order.limit_price.map(|limit| on_grid(limit, !buys)),
        stop_price: order.stop_price.map(|stop| on_grid(stop, buys)),
        trail: order.trail.map(|trail| match trail {
            Trail::Price(dollars) => Trail::Price(ratio.price(dollars)),
            Trail::Percent(_) => trail,
        }),
        hwm: order.hwm.map(|best| ratio.price(best)),
        reserved_price: order.reserved_price.map(|reserved| ratio.price(reserved)),
        ..order.clone()
    })
}

fn holders(inner: &Inner, symbol: &str) -> Vec<(Account, Position)> {
    let holding = |account: &Account| {
        let position = account.positions.get(symbol)?.clone();
        Some((account.clone(), position))
    };
    inner.books.accounts().filter_map(holding).collect()
}

#[cfg(test)]
#[path = "booking_tests.rs"]
mod tests;
