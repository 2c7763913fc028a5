//! Table `users`: people who may log in.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint;
use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Trades on their own account.
    User,
    /// Also sees the actor tree, metrics and audit log; may restart actors and engage the firm
    /// kill switch.
    Operator,
    /// Also manages users.
    Admin,
}

/// A user as stored. Secrets are redacted by `Debug`.
#[derive(Debug, Clone)]
pub struct User {
    /// Key.
    pub id: Uuid,
    /// Login name and address for mail, as typed.
    pub email: String,
    /// Login name shown to others, as typed.
    pub username: String,
    /// Argon2id in PHC string format.
    pub password_hash: SecretString,
    /// `None`: not told.
    pub first_name: Option<String>,
    /// `None`: not told.
    pub last_name: Option<String>,
    /// What the user may do.
    pub role: Role,
    /// False: may not log in, and no config of theirs trades.
    pub is_active: bool,
    /// The e-mail address has been confirmed.
    pub is_verified: bool,
    /// When the account was registered.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
    /// Last successful login; `None`: never.
    pub last_login: Option<DateTime<Utc>>,
    /// Sealed broker key id; `None`: none stored.
    pub alpaca_api_key_encrypted: Option<SecretString>,
    /// Sealed broker secret; `None`: none stored.
    pub alpaca_secret_key_encrypted: Option<SecretString>,
    /// US dollars the user starts with.
    pub initial_capital: Decimal,
    /// Share of equity at risk per trade, a fraction.
    pub risk_per_trade: Decimal,
    /// Most positions open at once, over all configs.
    pub max_positions: i32,
    /// Orders go to a paper account only.
    pub paper_trading: bool,
}

/// What is needed to register a user; the trading preferences start at the table's defaults.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Key, from the id source.
    pub id: Uuid,
    /// Must be an address and not taken, whatever its case.
    pub email: String,
    /// 3 to 50 of letters, digits, `_`, `.` and `-`; not taken, whatever its case.
    pub username: String,
    /// Argon2id in PHC string format.
    pub password_hash: SecretString,
    /// `None`: not told.
    pub first_name: Option<String>,
    /// `None`: not told.
    pub last_name: Option<String>,
    /// What the user may do.
    pub role: Role,
    /// The address needs no confirmation (the demo user, users added from the shell).
    pub is_verified: bool,
    /// When the account is registered.
    pub created_at: DateTime<Utc>,
}

/// Why a user was not inserted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsertUserError {
    /// Another user has this address.
    #[error("another user has this e-mail address")]
    EmailTaken,
    /// Another user has this name.
    #[error("another user has this user name")]
    UsernameTaken,
    /// A value broke the named check of the table.
    #[error("a value breaks the rule {constraint} of table users")]
    Invalid {
        /// Name of the constraint, such as `valid_email`.
        constraint: String,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl InsertUserError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::UsernameTaken => "username_taken",
            Self::Invalid { .. } => "user_invalid",
            Self::Storage(error) => error.code(),
        }
    }
}

impl Role {
    /// Name in the database, in tokens and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// Stores a new user and answers the whole row.
pub async fn insert(
    connection: &mut PgConnection,
    user: &NewUser,
) -> Result<User, InsertUserError> {
    let row = sqlx::query_as!(
        UserRow,
        r#"
        insert into users
            (id, email, username, password_hash, first_name, last_name, role, is_verified,
             created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        returning
            id, email, username, password_hash, first_name, last_name, role, is_active,
            is_verified, created_at, updated_at, last_login, alpaca_api_key_encrypted,
            alpaca_secret_key_encrypted, initial_capital, risk_per_trade, max_positions,
            paper_trading
        "#,
        user.id,
        user.email,
        user.username,
        user.password_hash.expose_secret(),
        user.first_name,
        user.last_name,
        user.role.as_str(),
        user.is_verified,
        user.created_at,
    )
    .fetch_one(connection)
    .await
    .map_err(insert_error)?;
    Ok(row.try_into()?)
}

/// The user with that key.
pub async fn by_id(connection: &mut PgConnection, id: Uuid) -> Result<Option<User>, StorageError> {
    sqlx::query_as!(
        UserRow,
        r#"
        select
            id, email, username, password_hash, first_name, last_name, role, is_active,
            is_verified, created_at, updated_at, last_login, alpaca_api_key_encrypted,
            alpaca_secret_key_encrypted, initial_capital, risk_per_trade, max_positions,
            paper_trading
        from users
        where id = $1
        "#,
        id,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// The user who logs in by that name or address, whatever its case. A name never holds an `@`, so
/// there is one at most.
pub async fn by_username_or_email(
    connection: &mut PgConnection,
    login: &str,
) -> Result<Option<User>, StorageError> {
    if !constraint::can_be_stored(login) {
        return Ok(None);
    }
    sqlx::query_as!(
        UserRow,
        r#"
        select
            id, email, username, password_hash, first_name, last_name, role, is_active,
            is_verified, created_at, updated_at, last_login, alpaca_api_key_encrypted,
            alpaca_secret_key_encrypted, initial_capital, risk_per_trade, max_positions,
            paper_trading
        from users
        where lower(username) = lower($1) or lower(email) = lower($1)
        "#,
        login,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// All users, oldest first.
pub async fn list(
    connection: &mut PgConnection,
    page: PageRequest,
) -> Result<Page<User>, StorageError> {
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from users"#)
        .fetch_one(&mut *connection)
        .await?;
    let rows = sqlx::query_as!(
        UserRow,
        r#"
        select
            id, email, username, password_hash, first_name, last_name, role, is_active,
            is_verified, created_at, updated_at, last_login, alpaca_api_key_encrypted,
            alpaca_secret_key_encrypted, initial_capital, risk_per_trade, max_positions,
            paper_trading
        from users
        order by created_at, id
        limit $1 offset $2
        "#,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    Ok(Page { items, total: count(total) })
}

/// Notes a successful login. False: no such user.
pub async fn record_login(
    connection: &mut PgConnection,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let done = sqlx::query!("update users set last_login = $2 where id = $1", id, at)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the user another role. False: no such user.
pub async fn set_role(
    connection: &mut PgConnection,
    id: Uuid,
    role: Role,
    at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let done = sqlx::query!(
        "update users set role = $2, updated_at = $3 where id = $1",
        id,
        role.as_str(),
        at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password. False: no such user.
pub async fn set_password_hash(
    connection: &mut PgConnection,
    id: Uuid,
    password_hash: &SecretString,
    at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let done = sqlx::query!(
        "update users set password_hash = $2, updated_at = $3 where id = $1",
        id,
        password_hash.expose_secret(),
        at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct UserRow {
    id: Uuid,
    email: String,
    username: String,
    password_hash: String,
    first_name: Option<String>,
    last_name: Option<String>,
    role: String,
    is_active: bool,
    is_verified: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
    alpaca_api_key_encrypted: Option<String>,
    alpaca_secret_key_encrypted: Option<String>,
    initial_capital: Decimal,
    risk_per_trade: Decimal,
    max_positions: i32,
    paper_trading: bool,
}

impl TryFrom<UserRow> for User {
    type Error = StorageError;

    fn try_from(row: UserRow) -> Result<Self, StorageError> {
        let role = Role::from_name(&row.role).ok_or_else(|| StorageError::Inconsistent {
            table: "users",
            column: "role",
            row: row.id.to_string(),
            detail: format!("unknown role `{}`", row.role),
        })?;
        Ok(Self {
            id: row.id,
            email: row.email,
            username: row.username,
            password_hash: row.password_hash.into(),
            first_name: row.first_name,
            last_name: row.last_name,
            role,
            is_active: row.is_active,
            is_verified: row.is_verified,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_login: row.last_login,
            alpaca_api_key_encrypted: row.alpaca_api_key_encrypted.map(Into::into),
            alpaca_secret_key_encrypted: row.alpaca_secret_key_encrypted.map(Into::into),
            initial_capital: row.initial_capital,
            risk_per_trade: row.risk_per_trade,
            max_positions: row.max_positions,
            paper_trading: row.paper_trading,
        })
    }
}

fn insert_error(error: sqlx::Error) -> InsertUserError {
    match constraint::broken(&error) {
        Some("users_email_key") => InsertUserError::EmailTaken,
        Some("users_username_key") => InsertUserError::UsernameTaken,
        // The key is from the id source: meeting it again is a defect, not the user's doing.
        Some("users_pkey") | None => InsertUserError::Storage(error.into()),
        Some(name) => InsertUserError::Invalid { constraint: name.to_owned() },
    }
}
