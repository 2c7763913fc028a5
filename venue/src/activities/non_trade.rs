//! What changes an account besides its orders: fees, dividends, splits, deposits, withdrawals.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Activity;
use crate::accounts::Account;
use crate::calendar;
use crate::ids::Ids;
use crate::number;
use crate::positions::Position;

/// Why cash or a holding changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NonTradeKind {
    /// A regulator's or the broker's fee, in USD.
    Fee,
    /// A fee on a coin trade, in USD or taken from the coins.
    CryptoFee,
    /// A cash dividend: received by holders, paid by those who are short.
    Dividend,
    /// More or fewer shares for the same value.
    Split,
    CashDeposit,
    CashWithdrawal,
    /// Cash moved between accounts of one owner.
    Journal,
    Interest,
}

/// Whether an activity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NonTradeStatus {
    Executed,
    /// It replaces an earlier one.
    Correct,
    Canceled,
}

/// One item of an account's history that is no execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NonTradeActivity {
    /// `<New York midnight of its date>::<uuid>`: text order is paging order.
    pub(crate) id: String,
    pub(crate) account_id: Uuid,
    /// When it was booked. Clients see the date only.
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: NonTradeKind,
    /// Alpaca's finer name, such as `REG` or `TAF`; empty where there is none.
    pub(crate) sub_type: String,
    /// The New York date that it counts for.
    pub(crate) date: NaiveDate,
    /// What cash changed by, in USD; negative when the account paid.
    pub(crate) net_amount: Decimal,
    pub(crate) description: String,
    /// The asset's symbol, with the slash of a pair.
    pub(crate) symbol: Option<String>,
    /// Shares or coins: what the holding changed by, or what a dividend was paid on.
    pub(crate) qty: Option<Decimal>,
    /// The price that a fee was computed at.
    pub(crate) price: Option<Decimal>,
    pub(crate) per_share_amount: Option<Decimal>,
    pub(crate) status: NonTradeStatus,
    /// What belongs together, such as the fees of one order.
    pub(crate) group_id: Option<Uuid>,
}

/// A non-trade activity and what it leaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NonTrade {
    /// The account's cash afterwards.
    pub(crate) cash: Decimal,
    /// The holding that changed with it, if one did.
    pub(crate) holding: Option<Holding>,
    pub(crate) activity: NonTradeActivity,
}

/// What an account holds of a symbol afterwards; no position when that is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    pub(crate) symbol: String,
    pub(crate) position: Option<Position>,
}

impl NonTradeKind {
    /// Every kind that this venue books.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] = [
        Self::Fee,
        Self::CryptoFee,
        Self::Dividend,
        Self::Split,
        Self::CashDeposit,
        Self::CashWithdrawal,
        Self::Journal,
        Self::Interest,
    ];

    /// Alpaca's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Fee => "FEE",
            Self::CryptoFee => "CFEE",
            Self::Dividend => "DIV",
            Self::Split => "SPLIT",
            Self::CashDeposit => "CSD",
            Self::CashWithdrawal => "CSW",
            Self::Journal => "JNLC",
            Self::Interest => "INT",
        }
    }

    /// Whether the cash came from or went to the outside, so that it is neither gain nor loss.
    pub(crate) fn is_cash_flow(self) -> bool {
        matches!(self, Self::CashDeposit | Self::CashWithdrawal | Self::Journal)
    }
}

impl NonTradeStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Correct => "correct",
            Self::Canceled => "canceled",
        }
    }
}

impl NonTradeActivity {
    /// An executed activity of today; what is particular to it is filled in by the caller.
    pub(crate) fn new(
        ids: &mut Ids,
        account_id: Uuid,
        kind: NonTradeKind,
        net_amount: Decimal,
        at: DateTime<Utc>,
    ) -> Self {
        let date = calendar::new_york_date(at);
        let sequence = ids.next_sequence();
        Self {
            id: Activity::id(calendar::new_york(date, 0, 0), sequence, ids.next()),
            account_id,
            at,
            kind,
            sub_type: String::new(),
            date,
            net_amount,
            description: String::new(),
            symbol: None,
            qty: None,
            price: None,
            per_share_amount: None,
            status: NonTradeStatus::Executed,
            group_id: None,
        }
    }

    /// The moment that time filters see: the start of its date, as its id has it.
    pub(crate) fn filter_time(&self) -> DateTime<Utc> {
        calendar::new_york(self.date, 0, 0)
    }

    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "activity_type": self.kind.as_str(),
            "activity_sub_type": self.sub_type,
            "date": self.date.to_string(),
            "net_amount": number::text(self.net_amount),
            "description": self.description,
            "status": self.status.as_str(),
        });
        let amounts =
            [("qty", self.qty), ("price", self.price), ("per_share_amount", self.per_share_amount)];
        for (name, amount) in amounts {
            if let Some(amount) = amount {
                body[name] = number::text(amount).into();
            }
        }
        if let Some(symbol) = &self.symbol {
            body["symbol"] = symbol.replace('/', "").into();
        }
        if let Some(group_id) = self.group_id {
            body["group_id"] = group_id.to_string().into();
        }
        body
    }
}

impl NonTrade {
    /// The booking of an activity: cash moves by its net amount.
    pub(crate) fn of(
        account: &Account,
        activity: NonTradeActivity,
        holding: Option<Holding>,
    ) -> Self {
        Self { cash: account.cash + activity.net_amount, holding, activity }
    }
}
