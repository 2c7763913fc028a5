//! The journal: the facts of all accounts, and what is read from them, committed before anything is
//! done about them.
//!
//! Group commit: what many accounts decided in the same moment goes into one transaction, a
//! handful of statements and one wait for the disk. Each account numbers its events without gaps,
//! and the number is the key: of two writers of one account the second is fenced off.

mod commit;
mod events;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::is_unavailable;
use crate::fills::FillRecord;
use crate::orders::OrderRecord;
use crate::positions::PositionRecord;
use crate::trades::TradeRecord;

pub use commit::{Refusal, commit, commit_each};
pub use events::{last_seq, load, users_with_events};

/// What one account wants stored, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The account.
    pub user_id: Uuid,
    /// Numbered without gaps, following what is stored; at least one.
    pub events: Vec<NewEvent>,
    /// Orders as they are after the events.
    pub orders: Vec<OrderRecord>,
    /// Fills the events book.
    pub fills: Vec<FillRecord>,
    /// Positions as they are after the events.
    pub positions: Vec<PositionRecord>,
    /// The same fills for the history.
    pub trades: Vec<TradeRecord>,
}

/// A fact to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Number within the account; not negative.
    pub seq: i64,
    /// When it happened, by the engine's clock; stored to the microsecond.
    pub at: DateTime<Utc>,
    /// Name of the event type, `snake_case`.
    pub kind: String,
    /// Version of the payload's shape for this kind, from 1.
    pub version: i16,
    /// The order it is about; `None`: about the account.
    pub client_order_id: Option<String>,
    /// The sub-account it is about; `None`: the whole account.
    pub config_id: Option<Uuid>,
    /// The event itself; amounts as decimal strings.
    pub payload: Value,
}

/// A fact as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The account.
    pub user_id: Uuid,
    /// What was stored.
    pub event: NewEvent,
    /// When the engine handed it over.
    pub recorded_at: DateTime<Utc>,
}

/// Why a commit was not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The server is away, shutting down or too slow. Whether the commit is stored is not known:
    /// try the same commit again, a stored one is then left alone.
    #[error("the journal is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Another writer has stored other events under these numbers: this account must stop and be
    /// rebuilt from the journal.
    #[error("another writer has stored event {seq} of user {user_id}")]
    Fenced {
        /// The account.
        user_id: Uuid,
        /// The first event found to differ.
        seq: i64,
    },
    /// The commit can never be stored: a defect of the writer.
    #[error("the journal cannot take this: {0}")]
    Broken(#[from] BrokenCommit),
}

/// What is wrong with a commit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenCommit {
    /// Nothing to journal, yet something to write.
    #[error("a commit of user {user_id} writes rows and has no event")]
    NoEvent {
        /// The account.
        user_id: Uuid,
    },
    /// Events are missing in between.
    #[error("user {user_id}: event {expected} should come next, {found} came")]
    Gap {
        /// The account.
        user_id: Uuid,
        /// The number that follows what is stored.
        expected: i64,
        /// The number that came.
        found: i64,
    },
    /// A row of another account.
    #[error("a commit of user {user_id} holds the {row} of another user")]
    ForeignRow {
        /// The account.
        user_id: Uuid,
        /// What kind of row, and which.
        row: String,
    },
    /// The server refused a row.
    #[error("{0}")]
    Refused(#[source] sqlx::Error),
}

impl JournalError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "journal_unavailable",
            Self::Fenced { .. } => "journal_fenced",
            Self::Broken(_) => "journal_broken",
        }
    }
}

impl From<sqlx::Error> for JournalError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Broken(BrokenCommit::Refused(error))
        }
    }
}
