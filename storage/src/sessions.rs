//! Table `user_sessions`: refresh tokens, their families, and the detection of a stolen one.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::error::StorageError;

/// A refresh token as stored; the token itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Key.
    pub id: Uuid,
    /// Whose session.
    pub user_id: Uuid,
    /// Shared by all tokens that descend from one login.
    pub family_id: Uuid,
    /// SHA-256 of the token, lower-case hex.
    pub refresh_token_hash: String,
    /// After this moment the token is refused.
    pub expires_at: DateTime<Utc>,
    /// When the token was handed out.
    pub created_at: DateTime<Utc>,
    /// When it was exchanged for its successor; `None`: the live end of its family.
    pub used_at: Option<DateTime<Utc>>,
    /// When its family was revoked; `None`: it was not.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Where it was asked for from; `None`: not known.
    pub ip_address: Option<IpAddr>,
    /// What the client called itself; `None`: it did not say.
    pub user_agent: Option<String>,
}

/// A refresh token to store: the first of a family, at login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Key, from the id source.
    pub id: Uuid,
    /// Whose session.
    pub user_id: Uuid,
    /// A fresh id: this login's family.
    pub family_id: Uuid,
    /// SHA-256 of the token, 64 lower-case hex digits.
    pub refresh_token_hash: String,
    /// After this moment the token is refused; later than `created_at`.
    pub expires_at: DateTime<Utc>,
    /// When the token is handed out.
    pub created_at: DateTime<Utc>,
    /// Where it was asked for from; `None`: not known.
    pub ip_address: Option<IpAddr>,
    /// What the client called itself; `None`: it did not say.
    pub user_agent: Option<String>,
}

/// The token that takes the place of a presented one; user and family are inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// Key, from the id source.
    pub id: Uuid,
    /// SHA-256 of the new token, 64 lower-case hex digits.
    pub refresh_token_hash: String,
    /// After this moment the new token is refused.
    pub expires_at: DateTime<Utc>,
    /// Where the exchange was asked for from; `None`: not known.
    pub ip_address: Option<IpAddr>,
    /// What the client called itself; `None`: it did not say.
    pub user_agent: Option<String>,
}

/// Why a token was not exchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateError {
    /// Never handed out, or purged.
    #[error("no such refresh token")]
    Unknown,
    /// Too old.
    #[error("the refresh token has expired")]
    Expired,
    /// Its family was revoked: logout, password change, or an earlier re-use.
    #[error("the session was revoked")]
    Revoked,
    /// It was exchanged before, so two parties hold it. The family is revoked now; audit this.
    #[error("the refresh token was used before; its session is revoked")]
    Reused {
        /// Whose session.
        user_id: Uuid,
        /// The family that was revoked.
        family_id: Uuid,
    },
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl RotateError {
    /// Stable name for logs and API answers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "refresh_token_unknown",
            Self::Expired => "refresh_token_expired",
            Self::Revoked => "session_revoked",
            Self::Reused { .. } => "refresh_token_reused",
            Self::Storage(error) => error.code(),
        }
    }
}

impl From<sqlx::Error> for RotateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

/// Stores the first token of a family.
pub async fn insert(
    connection: &mut PgConnection,
    session: &NewSession,
) -> Result<(), StorageError> {
    sqlx::query!(
        r#"
        insert into user_sessions
            (id, user_id, family_id, refresh_token_hash, expires_at, created_at, ip_address,
             user_agent)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        session.id,
        session.user_id,
        session.family_id,
        session.refresh_token_hash,
        session.expires_at,
        session.created_at,
        session.ip_address as Option<IpAddr>,
        session.user_agent,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The session of a presented token, used and revoked ones included.
pub async fn by_token_hash(
    connection: &mut PgConnection,
    refresh_token_hash: &str,
) -> Result<Option<Session>, StorageError> {
    Ok(sqlx::query_as!(
        Session,
        r#"
        select
            id, user_id, family_id, refresh_token_hash, expires_at, created_at, used_at, revoked_at,
            ip_address as "ip_address: IpAddr", user_agent
        from user_sessions
        where refresh_token_hash = $1
        "#,
        refresh_token_hash,
    )
    .fetch_optional(connection)
    .await?)
}

/// Exchanges the presented token for its successor, in one transaction. A token that was exchanged
/// before revokes its whole family.
pub async fn rotate(
    connection: &mut PgConnection,
    presented_hash: &str,
    successor: &Successor,
    at: DateTime<Utc>,
) -> Result<Session, RotateError> {
    let mut transaction = connection.begin().await?;
    // Locked: of two exchanges of one token at the same moment, the second must see the first.
    let presented = sqlx::query!(
        r#"
        select id, user_id, family_id, expires_at, used_at, revoked_at
        from user_sessions
        where refresh_token_hash = $1
        for update
        "#,
        presented_hash,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or(RotateError::Unknown)?;
    if presented.revoked_at.is_some() {
        return Err(RotateError::Revoked);
    }
    if presented.used_at.is_some() {
        revoke_family(&mut transaction, presented.family_id, at).await?;
        transaction.commit().await?;
        return Err(RotateError::Reused {
            user_id: presented.user_id,
            family_id: presented.family_id,
        });
    }
    if presented.expires_at <= at {
        return Err(RotateError::Expired);
    }
    sqlx::query!("update user_sessions set used_at = $2 where id = $1", presented.id, at)
        .execute(&mut *transaction)
        .await?;
    let next = NewSession {
        id: successor.id,
        user_id: presented.user_id,
        family_id: presented.family_id,
        refresh_token_hash: successor.refresh_token_hash.clone(),
        expires_at: successor.expires_at,
        created_at: at,
        ip_address: successor.ip_address,
        user_agent: successor.user_agent.clone(),
    };
    insert(&mut transaction, &next).await?;
    transaction.commit().await?;
    Ok(next.into())
}

/// Revokes every token of a login (logout). Answers how many were alive until now.
pub async fn revoke_family(
    connection: &mut PgConnection,
    family_id: Uuid,
    at: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let done = sqlx::query!(
        r#"
        update user_sessions
        set revoked_at = $2
        where family_id = $1 and revoked_at is null
        "#,
        family_id,
        at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Revokes every token of a user (password change, deactivation).
pub async fn revoke_user(
    connection: &mut PgConnection,
    user_id: Uuid,
    at: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let done = sqlx::query!(
        "update user_sessions set revoked_at = $2 where user_id = $1 and revoked_at is null",
        user_id,
        at,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The live end of each of the user's families, newest first.
pub async fn live(
    connection: &mut PgConnection,
    user_id: Uuid,
    at: DateTime<Utc>,
) -> Result<Vec<Session>, StorageError> {
    Ok(sqlx::query_as!(
        Session,
        r#"
        select
            id, user_id, family_id, refresh_token_hash, expires_at, created_at, used_at, revoked_at,
            ip_address as "ip_address: IpAddr", user_agent
        from user_sessions
        where user_id = $1 and used_at is null and revoked_at is null and expires_at > $2
        order by created_at desc, id
        "#,
        user_id,
        at,
    )
    .fetch_all(connection)
    .await?)
}

/// Deletes one of the user's sessions. False: the user has no such session.
pub async fn delete(
    connection: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
) -> Result<bool, StorageError> {
    let done =
        sqlx::query!("delete from user_sessions where user_id = $1 and id = $2", user_id, id)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes tokens that expired by then; what is gone can no longer be told from never handed out,
/// and both are refused. Answers how many.
pub async fn purge_expired(
    connection: &mut PgConnection,
    at: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let done = sqlx::query!("delete from user_sessions where expires_at <= $1", at)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

impl From<NewSession> for Session {
    fn from(new: NewSession) -> Self {
        Self {
            id: new.id,
            user_id: new.user_id,
            family_id: new.family_id,
            refresh_token_hash: new.refresh_token_hash,
            expires_at: new.expires_at,
            created_at: new.created_at,
            used_at: None,
            revoked_at: None,
            ip_address: new.ip_address,
            user_agent: new.user_agent,
        }
    }
}
