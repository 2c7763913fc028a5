//! The account's history of executions, and its pages.

mod non_trade;

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use chrono_tz::America::New_York;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calendar;
use crate::number;
use crate::orders::{OrderStatus, Side};
use crate::refusal::Refusal;

pub(crate) use non_trade::{Holding, NonTrade, NonTradeActivity, NonTradeKind};

/// The most items on one page.
pub(crate) const PAGE_SIZE_MAX: usize = 100;

/// One execution, as the account's history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activity {
    /// `<New York time to the millisecond>::<uuid>`: text order is paging order.
    pub(crate) id: String,
    pub(crate) account_id: Uuid,
    pub(crate) at: DateTime<Utc>,
    pub(crate) order_id: Uuid,
    pub(crate) symbol: String,
    pub(crate) side: Side,
    /// Whether a sale opened a short position or added to one.
    #[serde(default)]
    pub(crate) short: bool,
    pub(crate) price: Decimal,
    pub(crate) qty: Decimal,
    /// The order's executed quantity after this execution.
    pub(crate) cumulative_qty: Decimal,
    pub(crate) leaves_qty: Decimal,
    pub(crate) order_status: OrderStatus,
}

/// One item of an account's history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    Execution(&'a Activity),
    NonTrade(&'a NonTradeActivity),
}

/// Which kinds of activities are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kinds {
    #[default]
    All,
    Trade,
    NonTrade,
    /// By Alpaca's names.
    Named(BTreeSet<String>),
}

/// Which activities are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) kinds: Kinds,
    pub(crate) after: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) ascending: bool,
    pub(crate) page_size: usize,
    /// The id of the last item of the page before.
    pub(crate) page_token: Option<String>,
}

impl Activity {
    /// The id of an activity at a time. The counter in front of the unique part keeps the order of
    /// executions within one millisecond.
    pub(crate) fn id(at: DateTime<Utc>, sequence: u64, unique: Uuid) -> String {
        let mut bytes = *unique.as_bytes();
        bytes[..6].copy_from_slice(&sequence.to_be_bytes()[2..]);
        let unique = Uuid::from_bytes(bytes);
        format!("{}::{unique}", at.with_timezone(&New_York).format("%Y%m%d%H%M%S%3f"))
    }

    pub(crate) fn json(&self) -> Value {
        let fill = match self.order_status {
            OrderStatus::Filled => "fill",
            _ => "partial_fill",
        };
        json!({
            "id": self.id,
            "activity_type": "FILL",
            "transaction_time": self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "type": fill,
            "price": number::text(self.price),
            "qty": number::text(self.qty),
            "side": if self.short { "sell_short" } else { self.side.as_str() },
            "symbol": self.symbol,
            "leaves_qty": number::text(self.leaves_qty),
            "order_id": self.order_id,
            "cum_qty": number::text(self.cumulative_qty),
            "order_status": self.order_status.as_str(),
            "swap_rate": "1",
        })
    }
}

impl Item<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Execution(activity) => &activity.id,
            Self::NonTrade(activity) => &activity.id,
        }
    }

    fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Execution(activity) => activity.at,
            Self::NonTrade(activity) => activity.filter_time(),
        }
    }

    /// As clients see it.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Execution(activity) => activity.json(),
            Self::NonTrade(activity) => activity.json(),
        }
    }
}

impl Kinds {
    fn contain(&self, item: &Item<'_>) -> bool {
        match (self, item) {
            (Self::All, _)
            | (Self::Trade, Item::Execution(_))
            | (Self::NonTrade, Item::NonTrade(_)) => true,
            (Self::Trade | Self::NonTrade, _) => false,
            (Self::Named(names), Item::Execution(_)) => names.contains("FILL"),
            (Self::Named(names), Item::NonTrade(activity)) => {
                names.contains(activity.kind.as_str())
            }
        }
    }
}

impl Query {
    /// One page out of an account's history, which may come in any order.
    pub(crate) fn page<'a>(&self, items: impl IntoIterator<Item = Item<'a>>) -> Vec<Item<'a>> {
        let past_token = |item: &Item<'_>| match &self.page_token {
            None => true,
            Some(token) if self.ascending => item.id() > token.as_str(),
            Some(token) => item.id() < token.as_str(),
        };
        let mut chosen: Vec<Item<'a>> = items
            .into_iter()
            .filter(|item| self.kinds.contain(item))
            .filter(|item| self.after.is_none_or(|after| item.at() > after))
            .filter(|item| self.until.is_none_or(|until| item.at() < until))
            .filter(past_token)
            .collect();
        chosen.sort_unstable_by(|left, right| left.id().cmp(right.id()));
        if !self.ascending {
            chosen.reverse();
        }
        chosen.truncate(self.page_size);
        chosen
    }
}

/// A time in a query: RFC 3339, or a date, which means its start in New York.
pub(crate) fn parse_time(name: &str, text: &str) -> Result<DateTime<Utc>, Refusal> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    match text.parse::<NaiveDate>() {
        Ok(date) => Ok(calendar::new_york(date, 0, 0)),
        Err(_) => {
            text.parse::<chrono::NaiveDateTime>().map(|time| time.and_utc()).map_err(|_invalid| {
                Refusal::invalid(format!("{name} must be an RFC 3339 time or a date, not {text}"))
            })
        }
    }
}

/// The two ends of a New York day.
pub(crate) fn day_bounds(date: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = calendar::new_york(date, 0, 0);
    let before = start - chrono::Duration::nanoseconds(1);
    let next = date.succ_opt().map_or_else(
        || date.and_time(NaiveTime::MIN).and_utc(),
        |next| calendar::new_york(next, 0, 0),
    );
    (before, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    fn activity(second: i64, sequence: u64) -> Activity {
        let at = DateTime::from_timestamp(1_772_458_200 + second, 0).unwrap();
        Activity {
            id: Activity::id(at, sequence, Uuid::from_u128(u128::from(sequence))),
            account_id: Uuid::nil(),
            at,
            order_id: Uuid::nil(),
            symbol: "AAPL".to_owned(),
            side: Side::Buy,
            short: false,
            price: Decimal::ONE,
            qty: Decimal::ONE,
            cumulative_qty: Decimal::ONE,
            leaves_qty: Decimal::ZERO,
            order_status: OrderStatus::Filled,
        }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let all: Vec<Activity> =
            (0..25_u64).map(|index| activity(i64::try_from(index / 3).unwrap(), index)).collect();
        for ascending in [true, false] {
            let mut query = Query { ascending, page_size: 4, ..Query::default() };
            let mut seen = Vec::new();
            loop {
                let page = query.page(all.iter().map(Item::Execution));
                let Some(last) = page.last() else { break };
                query.page_token = Some(last.id().to_owned());
                seen.extend(page.iter().map(|item| item.id().to_owned()));
            }
            let mut expected: Vec<String> = all.iter().map(|one| one.id.clone()).collect();
            if !ascending {
                expected.reverse();
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn every_kind_is_found_by_its_name_and_by_its_category() {
        let mut ids = Ids::fresh();
        let at = "2026-03-02T18:00:00Z".parse().unwrap();
        let others: Vec<NonTradeActivity> = NonTradeKind::ALL
            .into_iter()
            .map(|kind| NonTradeActivity::new(&mut ids, Uuid::nil(), kind, Decimal::ONE, at))
            .collect();
        let fill = activity(0, 1);
        let items =
            || std::iter::once(Item::Execution(&fill)).chain(others.iter().map(Item::NonTrade));
        let count = |kinds: Kinds| {
            Query { kinds, page_size: PAGE_SIZE_MAX, ..Query::default() }.page(items()).len()
        };
        assert_eq!(count(Kinds::All), 1 + others.len());
        assert_eq!((count(Kinds::Trade), count(Kinds::NonTrade)), (1, others.len()));
        for kind in NonTradeKind::ALL {
            assert_eq!(count(Kinds::Named(BTreeSet::from([kind.as_str().to_owned()]))), 1);
        }
    }

    #[test]
    fn a_fee_counts_for_the_whole_of_its_date() {
        let mut ids = Ids::fresh();
        let at = "2026-03-03T02:00:00Z".parse().unwrap();
        let fee =
            NonTradeActivity::new(&mut ids, Uuid::nil(), NonTradeKind::Fee, -Decimal::ONE, at);
        assert!(fee.id.starts_with("20260302000000000::"), "{}", fee.id);
        let (before, next) = day_bounds("2026-03-02".parse().unwrap());
        let query =
            Query { after: Some(before), until: Some(next), page_size: 1, ..Query::default() };
        assert_eq!(query.page([Item::NonTrade(&fee)]).len(), 1);
    }
}
