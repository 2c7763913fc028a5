//! Accounts that are closed.

use uuid::Uuid;

use crate::books::Change;
use crate::exchange::{Exchange, Step};
use crate::refusal::Refusal;

impl Exchange {
    /// Takes an account out of the books with its orders, positions and history.
    pub(crate) fn close_account(&self, account_id: Uuid) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if inner.books.account(account_id).is_none() {
            return Err(Refusal::not_found("account not found"));
        }
        let change = Change::AccountClosed { account_id };
        self.commit(&mut inner, vec![Step { change, update: None }])
    }
}
