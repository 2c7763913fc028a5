//! Table `signals`: each change of mind of a strategy, with the values that made it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StorageError;

/// A signal as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalRecord {
    /// Key, a pure function of instance and time.
    pub id: Uuid,
    /// Key of the shared strategy instance.
    pub instance: String,
    /// Name in the strategy registry.
    pub strategy_name: String,
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Length in seconds of the bars it decides on.
    pub bar_seconds: i32,
    /// What it now wants: `long`, `flat` or `short`.
    pub stance: String,
    /// End of the bar that changed its mind.
    pub at: DateTime<Utc>,
    /// US dollars, close of that bar.
    pub price: f64,
    /// Indicator values by name at that bar.
    pub indicators: Value,
}

/// Stores signals; one that is stored already is left as it is. Answers how many were new.
pub async fn insert_new(
    connection: &mut PgConnection,
    signals: &[SignalRecord],
) -> Result<u64, StorageError> {
    if signals.is_empty() {
        return Ok(0);
    }
    let text = |of: fn(&SignalRecord) -> &str| signals.iter().map(of).collect::<Vec<&str>>();
    let done = sqlx::query!(
        r#"
        insert into signals
            (id, instance, strategy_name, ticker, bar_seconds, stance, at, price, indicators)
        select *
        from unnest
            ($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[],
             $7::timestamptz[], $8::double precision[], $9::jsonb[])
        on conflict (id) do nothing
        "#,
        &signals.iter().map(|signal| signal.id).collect::<Vec<_>>(),
        &text(|signal| &signal.instance) as &[&str],
        &text(|signal| &signal.strategy_name) as &[&str],
        &text(|signal| &signal.ticker) as &[&str],
        &signals.iter().map(|signal| signal.bar_seconds).collect::<Vec<_>>(),
        &text(|signal| &signal.stance) as &[&str],
        &signals.iter().map(|signal| signal.at).collect::<Vec<_>>(),
        &signals.iter().map(|signal| signal.price).collect::<Vec<_>>(),
        &signals.iter().map(|signal| &signal.indicators).collect::<Vec<_>>() as &[&Value],
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The newest signals of a ticker, newest first.
pub async fn newest(
    connection: &mut PgConnection,
    ticker: &str,
    limit: u32,
) -> Result<Vec<SignalRecord>, StorageError> {
    Ok(sqlx::query_as!(
        SignalRecord,
        r#"
        select
            id, instance, strategy_name, ticker, bar_seconds, stance, at, price, indicators
        from signals
        where ticker = $1
        order by at desc, id
        limit $2
        "#,
        ticker,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?)
}

/// The signal that made an order.
pub async fn by_id(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<SignalRecord>, StorageError> {
    Ok(sqlx::query_as!(
        SignalRecord,
        r#"
        select
            id, instance, strategy_name, ticker, bar_seconds, stance, at, price, indicators
        from signals
        where id = $1
        "#,
        id,
    )
    .fetch_optional(connection)
    .await?)
}
