//! Table `audit_logs`: who did what. Written once, never changed.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Key, from the id source.
    pub id: Uuid,
    /// Who acted; `None`: nobody known, or the engine itself.
    pub user_id: Option<Uuid>,
    /// What was done, `snake_case` with dots: `auth.login_failed`.
    pub action: String,
    /// Kind of thing it was done to; `None`: to nothing in particular.
    pub resource_type: Option<String>,
    /// Which one; `None`: it has no uuid, or there is none.
    pub resource_id: Option<Uuid>,
    /// What else is worth knowing, never a secret; `None`: nothing.
    pub details: Option<Value>,
    /// Where the request came from; `None`: not from the network.
    pub ip_address: Option<IpAddr>,
    /// When it was done.
    pub created_at: DateTime<Utc>,
}

/// Writes an entry. A NUL in its details, which json in the database cannot hold, is replaced.
pub async fn insert(connection: &mut PgConnection, entry: &AuditEntry) -> Result<(), StorageError> {
    sqlx::query!(
        r#"
        insert into audit_logs
            (id, user_id, action, resource_type, resource_id, details, ip_address, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        entry.id,
        entry.user_id,
        entry.action,
        entry.resource_type,
        entry.resource_id,
        entry.details.as_ref().map(without_nul),
        entry.ip_address as Option<IpAddr>,
        entry.created_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All entries, newest first.
pub async fn list(
    connection: &mut PgConnection,
    page: PageRequest,
) -> Result<Page<AuditEntry>, StorageError> {
    let total = sqlx::query_scalar!(r#"select count(*) as "count!" from audit_logs"#)
        .fetch_one(&mut *connection)
        .await?;
    let items = sqlx::query_as!(
        AuditEntry,
        r#"
        select
            id, user_id, action, resource_type, resource_id, details,
            ip_address as "ip_address: IpAddr", created_at
        from audit_logs
        order by created_at desc, id
        limit $1 offset $2
        "#,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    Ok(Page { items, total: count(total) })
}

/// Details may quote what a stranger sent; an entry must not be lost over it.
fn without_nul(details: &Value) -> Value {
    match details {
        Value::String(text) => text.replace('\0', "\u{fffd}").into(),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('\0', "\u{fffd}"), without_nul(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => details.clone(),
    }
}
