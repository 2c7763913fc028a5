//! Cash that comes from outside or leaves: deposits and withdrawals.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::activities::{NonTrade, NonTradeActivity, NonTradeKind};
use crate::books::Change;
use crate::exchange::{Exchange, Step};
use crate::refusal::Refusal;

impl Exchange {
    /// Pays cash into an account, or out of it when the amount is negative. What open orders hold
    /// back, and what a margin loan stands on, cannot be paid out.
    pub(crate) fn transfer(&self, account_id: Uuid, amount: Decimal) -> Result<(), Refusal> {
        let at = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let account = inner.books.account(account_id).ok_or_else(Refusal::unauthorized)?;
        let free = inner.value(account, None).non_marginable;
        let kind = if amount > Decimal::ZERO {
            NonTradeKind::CashDeposit
        } else if amount.is_zero() {
            return Err(Refusal::invalid("amount must not be 0"));
        } else if -amount > free {
            return Err(Refusal::forbidden("insufficient cash to withdraw")
                .with("available", crate::number::text(free)));
        } else {
            NonTradeKind::CashWithdrawal
        };
        let activity = NonTradeActivity::new(&mut inner.ids, account_id, kind, amount, at);
        let booked = NonTrade::of(account, activity, None);
        let change = Change::NonTrade(Box::new(booked));
        self.commit(inner, vec![Step { change, update: None }])
    }
}
