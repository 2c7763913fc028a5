//! Dividends and splits: the table of them, and what a split makes of numbers.
//!
//! A recording brings its own table in a file beside it:
//!
//! ```csv
//! symbol,kind,ex_date,pay_date,amount
//! AAPL,dividend,2020-08-07,2020-08-13,0.82
//! AAPL,split,2020-08-31,,4:1
//! ```

mod booking;
mod table_file;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::activities::{NonTradeActivity, NonTradeKind};

pub(crate) use table_file::{FILE_NAME, announce, announce_table};

/// The most actions that one set of books keeps; further ones are refused.
pub(crate) const ACTIONS_MAX: usize = 100_000;

/// Something that a company does to its shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorporateAction {
    /// Whose shares.
    pub symbol: String,
    /// The first day on which a share trades without it, in New York (of a recording: in UTC).
    pub ex_date: NaiveDate,
    /// What is done.
    pub kind: CorporateActionKind,
}

/// What a company does to its shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CorporateActionKind {
    /// Cash for each share that is held when the ex-date begins; who is short pays it.
    Dividend {
        /// USD per share; above zero.
        per_share: Decimal,
        /// When it is paid; not before the ex-date.
        pay_date: NaiveDate,
    },
    /// Each `old` shares become `new` ones at the ex-date.
    Split {
        /// Above zero; 4 in a split of four for one.
        new: Decimal,
        /// Above zero; 1 in a split of four for one.
        old: Decimal,
    },
}

/// Every action that was announced, and how far each has come.
#[derive(Debug, Default)]
pub(crate) struct ActionTable {
    by_id: BTreeMap<Uuid, Announced>,
    /// Not carried out yet, by ex-date.
    ahead: BTreeSet<(NaiveDate, Uuid)>,
    /// Dividends that were earned and not paid yet, by pay date, account and action.
    entitlements: BTreeMap<(NaiveDate, Uuid, Uuid), Entitlement>,
    /// The day for which nothing is left to do.
    seen_on: Option<NaiveDate>,
}

/// An action and whether it has been carried out in these books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announced {
    pub(crate) action: CorporateAction,
    pub(crate) done: bool,
}

/// A dividend that an account has earned, or owes, until it is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entitlement {
    pub(crate) action_id: Uuid,
    pub(crate) account_id: Uuid,
    pub(crate) symbol: String,
    /// Shares held at the ex-date; below zero for a short position.
    pub(crate) qty: Decimal,
    pub(crate) per_share: Decimal,
    pub(crate) pay_date: NaiveDate,
}

/// What a split multiplies quantities by, and divides prices by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) new: Decimal,
    pub(crate) old: Decimal,
}

impl CorporateAction {
    /// The same action always has the same id, so that a table can be read again.
    pub(crate) fn id(&self) -> Uuid {
        let words = match self.kind {
            CorporateActionKind::Dividend { per_share, pay_date } => {
                format!("dividend/{}/{pay_date}", per_share.normalize())
            }
            CorporateActionKind::Split { new, old } => {
                format!("split/{}/{}", new.normalize(), old.normalize())
            }
        };
        let name = format!("troupe-venue/action/{}/{}/{words}", self.symbol, self.ex_date);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
    }

    /// What is wrong with it, if something is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self.kind {
            CorporateActionKind::Dividend { per_share, .. } if per_share <= Decimal::ZERO => {
                Some("the dividend must be above 0")
            }
            CorporateActionKind::Dividend { pay_date, .. } if pay_date < self.ex_date => {
                Some("the pay date must not be before the ex-date")
            }
            CorporateActionKind::Split { new, old }
                if new <= Decimal::ZERO || old <= Decimal::ZERO =>
            {
                Some("both sides of the ratio must be above 0")
            }
            CorporateActionKind::Split { new, old } if new == old => {
                Some("a split must change the number of shares")
            }
            _ => None,
        }
    }
}

impl ActionTable {
    /// Takes an action in, or what has become of it.
    pub(crate) fn put(&mut self, announced: Announced) {
        let id = announced.action.id();
        let key = (announced.action.ex_date, id);
        if announced.done {
            self.ahead.remove(&key);
        } else {
            self.ahead.insert(key);
            self.seen_on = None;
        }
        self.by_id.insert(id, announced);
    }

    /// Whether a day has not been looked at yet; asking is looking.
    pub(crate) fn is_new_day(&mut self, today: NaiveDate) -> bool {
        self.seen_on.replace(today) != Some(today)
    }

    /// A dividend was earned.
    pub(crate) fn entitle(&mut self, earned: Entitlement) {
        let key = (earned.pay_date, earned.account_id, earned.action_id);
        self.entitlements.insert(key, earned);
    }

    /// An activity was booked: a dividend that is paid is owed no longer.
    pub(crate) fn booked(&mut self, activity: &NonTradeActivity) {
        if activity.kind == NonTradeKind::Dividend {
            let paid = |earned: &Entitlement| {
                earned.account_id == activity.account_id
                    && Some(earned.action_id) == activity.group_id
            };
            self.entitlements.retain(|_, earned| !paid(earned));
        }
    }

    /// Dividends that were earned and not paid yet.
    pub(crate) fn entitlements(&self) -> impl Iterator<Item = &Entitlement> {
        self.entitlements.values()
    }

    /// Dividends whose pay date has come.
    pub(crate) fn payable(&self, today: NaiveDate) -> Vec<Entitlement> {
        let has_come = |earned: &&Entitlement| earned.pay_date <= today;
        self.entitlements.values().take_while(has_come).cloned().collect()
    }

    pub(crate) fn contains(&self, id: Uuid) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Every action, carried out or not.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Announced> {
        self.by_id.values()
    }

    /// The actions whose ex-date has come and that were not carried out yet, oldest first. Of one
    /// day dividends come first: they are earned on the shares of before.
    pub(crate) fn due(&self, today: NaiveDate) -> Vec<CorporateAction> {
        let mut due: Vec<CorporateAction> = self
            .ahead
            .iter()
            .take_while(|(ex_date, _)| *ex_date <= today)
            .filter_map(|(_, id)| self.by_id.get(id))
            .map(|announced| announced.action.clone())
            .collect();
        due.sort_by_key(|action| {
            (action.ex_date, matches!(action.kind, CorporateActionKind::Split { .. }))
        });
        due
    }
}

impl Ratio {
    /// A quantity after the split: of whole shares whole ones, towards zero; of parts of a share
    /// parts, to the ninth digit.
    pub(crate) fn quantity(self, before: Decimal) -> Decimal {
        let places = if before.fract().is_zero() { 0 } else { crate::orders::QUANTITY_DECIMALS };
        self.exact_quantity(before).round_dp_with_strategy(places, RoundingStrategy::ToZero)
    }

    /// The same with the part of a share that is left over.
    pub(crate) fn exact_quantity(self, before: Decimal) -> Decimal {
        before * self.new / self.old
    }

    pub(crate) fn price(self, before: Decimal) -> Decimal {
        before * self.old / self.new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_split_multiplies_shares_divides_prices_and_leaves_no_part_of_a_whole_share() {
        let four = Ratio { new: dec("4"), old: dec("1") };
        assert_eq!((four.quantity(dec("10")), four.price(dec("500"))), (dec("40"), dec("125")));
        let reverse = Ratio { new: dec("1"), old: dec("8") };
        assert_eq!(reverse.quantity(dec("-21")), dec("-2"));
        assert_eq!(reverse.exact_quantity(dec("-21")), dec("-2.625"));
        let odd = Ratio { new: dec("3"), old: dec("2") };
        assert_eq!(odd.quantity(dec("0.5")), dec("0.75"), "parts of a share stay parts");
    }

    #[test]
    fn an_action_is_due_once_and_from_its_ex_date_on() {
        let date = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let kind = CorporateActionKind::Split { new: dec("2"), old: dec("1") };
        let action = CorporateAction { symbol: "AAPL".to_owned(), ex_date: date(3), kind };
        let mut table = ActionTable::default();
        table.put(Announced { action: action.clone(), done: false });
        assert_eq!(table.due(date(2)), []);
        assert_eq!(table.due(date(9)), std::slice::from_ref(&action));
        table.put(Announced { action, done: true });
        assert_eq!((table.due(date(9)), table.len()), (Vec::new(), 1));
    }
}
