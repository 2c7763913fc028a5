//! Table `order_events`: reading, and the statements the commit is made of.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{NewEvent, StoredEvent};
use crate::error::StorageError;

/// The account's events after that number, in order; from the first with `-1`.
pub async fn load(
    connection: &mut PgConnection,
    user_id: Uuid,
    after_seq: i64,
) -> Result<Vec<StoredEvent>, StorageError> {
    let rows = sqlx::query!(
        r#"
        select seq, at, kind, version, client_order_id, config_id, payload, recorded_at
        from order_events
        where user_id = $1 and seq > $2
        order by seq
        "#,
        user_id,
        after_seq,
    )
    .fetch_all(connection)
    .await?;
    let stored = rows.into_iter().map(|row| StoredEvent {
        user_id,
        event: NewEvent {
            seq: row.seq,
            at: row.at,
            kind: row.kind,
            version: row.version,
            client_order_id: row.client_order_id,
            config_id: row.config_id,
            payload: row.payload,
        },
        recorded_at: row.recorded_at,
    });
    Ok(stored.collect())
}

/// Accounts that have a journal, by id.
pub async fn users_with_events(connection: &mut PgConnection) -> Result<Vec<Uuid>, StorageError> {
    Ok(sqlx::query_scalar!(
        r#"
        select id
        from users
        where exists (select from order_events where user_id = users.id)
        order by id
        "#,
    )
    .fetch_all(connection)
    .await?)
}

/// Number of the account's last event; `None`: it has none.
pub async fn last_seq(
    connection: &mut PgConnection,
    user_id: Uuid,
) -> Result<Option<i64>, StorageError> {
    Ok(last_seqs(connection, &[user_id]).await?.pop().map(|(_, seq)| seq))
}

/// Number of the last event of each account that has one.
pub(super) async fn last_seqs(
    connection: &mut PgConnection,
    user_ids: &[Uuid],
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    // One look into the index per account, however long its journal.
    let rows = sqlx::query!(
        r#"
        select u.user_id as "user_id!", newest.seq as "seq!"
        from unnest($1::uuid[]) as u (user_id)
        cross join lateral (
            select seq
            from order_events
            where user_id = u.user_id
            order by seq desc
            limit 1
        ) as newest
        "#,
        user_ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.seq)).collect())
}

/// The first of these events that is not stored just so.
pub(super) async fn first_difference(
    connection: &mut PgConnection,
    events: &Columns<'_>,
) -> Result<Option<(Uuid, i64)>, sqlx::Error> {
    // Compared by the server: it has its own idea of equal json and rounds times as it stored them.
    let row = sqlx::query!(
        r#"
        select given.user_id as "user_id!", given.seq as "seq!"
        from unnest
            ($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::smallint[], $6::text[],
             $7::uuid[], $8::jsonb[])
            as given (user_id, seq, at, kind, version, client_order_id, config_id, payload)
        left join order_events stored
            on stored.user_id = given.user_id and stored.seq = given.seq
        where
            (stored.at, stored.kind, stored.version, stored.client_order_id, stored.config_id,
             stored.payload)
            is distinct from
            (given.at, given.kind, given.version, given.client_order_id, given.config_id,
             given.payload)
        order by given.user_id, given.seq
        limit 1
        "#,
        &events.user_id,
        &events.seq,
        &events.at,
        &events.kind as &[&str],
        &events.version,
        &events.client_order_id as &[Option<&str>],
        &events.config_id as &[Option<Uuid>],
        &events.payload as &[&Value],
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.user_id, row.seq)))
}

/// Stores events; answers the first that another writer stored in the meantime.
pub(super) async fn insert(
    connection: &mut PgConnection,
    events: &Columns<'_>,
    recorded_at: DateTime<Utc>,
) -> Result<Option<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        insert into order_events
            (user_id, seq, at, kind, version, client_order_id, config_id, payload, recorded_at)
        select given.*, $9
        from unnest
            ($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::smallint[], $6::text[],
             $7::uuid[], $8::jsonb[]) as given
        on conflict (user_id, seq) do nothing
        returning user_id, seq
        "#,
        &events.user_id,
        &events.seq,
        &events.at,
        &events.kind as &[&str],
        &events.version,
        &events.client_order_id as &[Option<&str>],
        &events.config_id as &[Option<Uuid>],
        &events.payload as &[&Value],
        recorded_at,
    )
    .fetch_all(connection)
    .await?;
    if rows.len() == events.seq.len() {
        return Ok(None);
    }
    let stored: std::collections::BTreeSet<(Uuid, i64)> =
        rows.into_iter().map(|row| (row.user_id, row.seq)).collect();
    let mut given = events.user_id.iter().copied().zip(events.seq.iter().copied());
    Ok(given.find(|key| !stored.contains(key)))
}

/// Events turned on their side, for `unnest`.
#[derive(Default)]
pub(super) struct Columns<'a> {
    user_id: Vec<Uuid>,
    seq: Vec<i64>,
    at: Vec<DateTime<Utc>>,
    kind: Vec<&'a str>,
    version: Vec<i16>,
    client_order_id: Vec<Option<&'a str>>,
    config_id: Vec<Option<Uuid>>,
    payload: Vec<&'a Value>,
}

impl<'a> Columns<'a> {
    pub(super) fn push(&mut self, user_id: Uuid, event: &'a NewEvent) {
        self.user_id.push(user_id);
        self.seq.push(event.seq);
        self.at.push(event.at);
        self.kind.push(&event.kind);
        self.version.push(event.version);
        self.client_order_id.push(event.client_order_id.as_deref());
        self.config_id.push(event.config_id);
        self.payload.push(&event.payload);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seq.is_empty()
    }
}
