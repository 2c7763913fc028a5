//! A user on the wire.

use chrono::{DateTime, Utc};
use serde::Serialize;
use storage::users::User;
use utoipa::ToSchema;
use uuid::Uuid;

use super::number::Number;

/// Who is logged in, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserSummary {
    /// Key.
    pub(crate) id: Uuid,
    /// Address, as typed at registration.
    #[schema(example = "user@example.com")]
    pub(crate) email: String,
    /// Name, as typed at registration.
    #[schema(example = "trader123")]
    pub(crate) username: String,
}

/// A user just registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegisteredUser {
    /// Key.
    pub(crate) id: Uuid,
    /// Address, as typed.
    #[schema(example = "user@example.com")]
    pub(crate) email: String,
    /// Name, as typed.
    #[schema(example = "trader123")]
    pub(crate) username: String,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// Everything users may know of themselves.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserProfile {
    /// Key.
    pub(crate) id: Uuid,
    /// Address, as typed at registration.
    #[schema(example = "user@example.com")]
    pub(crate) email: String,
    /// Name, as typed at registration.
    #[schema(example = "trader123")]
    pub(crate) username: String,
    /// Null: not told.
    pub(crate) first_name: Option<String>,
    /// Null: not told.
    pub(crate) last_name: Option<String>,
    /// `user`, `operator` or `admin`.
    #[schema(example = "user")]
    pub(crate) role: &'static str,
    /// The e-mail address has been confirmed.
    pub(crate) is_verified: bool,
    /// US dollars the user starts with.
    #[schema(example = 10000.00)]
    pub(crate) initial_capital: Number,
    /// Share of equity at risk per trade, a fraction.
    #[schema(example = 0.02)]
    pub(crate) risk_per_trade: Number,
    /// Most positions open at once, over all configs.
    #[schema(example = 5)]
    pub(crate) max_positions: i32,
    /// Orders go to a paper account only.
    pub(crate) paper_trading: bool,
    /// When the account was registered.
    pub(crate) created_at: DateTime<Utc>,
}

impl From<&User> for UserSummary {
    fn from(user: &User) -> Self {
        Self { id: user.id, email: user.email.clone(), username: user.username.clone() }
    }
}

impl From<User> for RegisteredUser {
    fn from(user: User) -> Self {
        let User { id, email, username, created_at, .. } = user;
        Self { id, email, username, created_at }
    }
}

impl From<User> for UserProfile {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            role: user.role.as_str(),
            is_verified: user.is_verified,
            initial_capital: Number(user.initial_capital),
            risk_per_trade: Number(user.risk_per_trade.normalize()),
            max_positions: user.max_positions,
            paper_trading: user.paper_trading,
            created_at: user.created_at,
        }
    }
}
