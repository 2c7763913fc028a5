//! The account's history of executions, and its pages.

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
    pub(crate) price: Decimal,
    pub(crate) qty: Decimal,
    /// The order's executed quantity after this execution.
    pub(crate) cumulative_qty: Decimal,
    pub(crate) leaves_qty: Decimal,
    pub(crate) order_status: OrderStatus,
}

/// Which activities are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// Types by Alpaca's names; empty means all.
    pub(crate) types: BTreeSet<String>,
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
            "side": self.side.as_str(),
            "symbol": self.symbol,
            "leaves_qty": number::text(self.leaves_qty),
            "order_id": self.order_id,
            "cum_qty": number::text(self.cumulative_qty),
            "order_status": self.order_status.as_str(),
            "swap_rate": "1",
        })
    }
}

impl Query {
    /// One page out of an account's activities, which come in the order they happened.
    pub(crate) fn page<'a>(&self, activities: &[&'a Activity]) -> Vec<&'a Activity> {
        if !self.types.is_empty() && !self.types.contains("FILL") {
            return Vec::new();
        }
        let mut chosen: Vec<&Activity> = activities
            .iter()
            .copied()
            .filter(|activity| self.after.is_none_or(|after| activity.at > after))
            .filter(|activity| self.until.is_none_or(|until| activity.at < until))
            .collect();
        chosen.sort_by(|left, right| left.id.cmp(&right.id));
        if !self.ascending {
            chosen.reverse();
        }
        let past_token = |activity: &&Activity| match &self.page_token {
            None => true,
            Some(token) if self.ascending => activity.id > *token,
            Some(token) => activity.id < *token,
        };
        chosen.into_iter().filter(past_token).take(self.page_size).collect()
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

    fn activity(second: i64, sequence: u64) -> Activity {
        let at = DateTime::from_timestamp(1_772_458_200 + second, 0).unwrap();
        Activity {
            id: Activity::id(at, sequence, Uuid::from_u128(u128::from(sequence))),
            account_id: Uuid::nil(),
            at,
            order_id: Uuid::nil(),
            symbol: "AAPL".to_owned(),
            side: Side::Buy,
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
        let all: Vec<&Activity> = all.iter().collect();
        for ascending in [true, false] {
            let mut query = Query { ascending, page_size: 4, ..Query::default() };
            let mut seen = Vec::new();
            loop {
                let page = query.page(&all);
                let Some(last) = page.last() else { break };
                query.page_token = Some(last.id.clone());
                seen.extend(page.iter().map(|activity| activity.id.clone()));
            }
            let mut expected: Vec<String> = all.iter().map(|one| one.id.clone()).collect();
            if !ascending {
                expected.reverse();
            }
            assert_eq!(seen, expected);
        }
    }
}
