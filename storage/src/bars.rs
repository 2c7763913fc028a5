//! Table `bars`: closed bars, written in batches; strategies warm up from them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::StorageError;

/// A closed bar as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct BarRecord {
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Length of the bar in seconds.
    pub seconds: i32,
    /// Start of the bar, inclusive; stored to the microsecond.
    pub at: DateTime<Utc>,
    /// US dollars, first trade.
    pub open: f64,
    /// US dollars, highest trade.
    pub high: f64,
    /// US dollars, lowest trade.
    pub low: f64,
    /// US dollars, last trade.
    pub close: f64,
    /// Shares or coins traded.
    pub volume: f64,
    /// Number of trades.
    pub trades: i64,
}

/// Stores bars; one that is stored already is replaced (a venue corrects its history). Of several
/// records of one bar the last counts.
pub async fn upsert(connection: &mut PgConnection, bars: &[BarRecord]) -> Result<(), StorageError> {
    // A statement may change a row only once.
    let newest: BTreeMap<(&str, i32, DateTime<Utc>), &BarRecord> =
        bars.iter().map(|bar| ((bar.ticker.as_str(), bar.seconds, bar.at), bar)).collect();
    if newest.is_empty() {
        return Ok(());
    }
    let number =
        |of: fn(&BarRecord) -> f64| newest.values().map(|bar| of(bar)).collect::<Vec<f64>>();
    let tickers: Vec<&str> = newest.values().map(|bar| bar.ticker.as_str()).collect();
    sqlx::query!(
        r#"
        insert into bars
            (ticker, seconds, at, open, high, low, close, volume, trades)
        select *
        from unnest
            ($1::text[], $2::integer[], $3::timestamptz[], $4::double precision[],
             $5::double precision[], $6::double precision[], $7::double precision[],
             $8::double precision[], $9::bigint[])
        on conflict (ticker, seconds, at) do update set
            open = excluded.open,
            high = excluded.high,
            low = excluded.low,
            close = excluded.close,
            volume = excluded.volume,
            trades = excluded.trades
        "#,
        &tickers as &[&str],
        &newest.values().map(|bar| bar.seconds).collect::<Vec<_>>(),
        &newest.values().map(|bar| bar.at).collect::<Vec<_>>(),
        &number(|bar| bar.open),
        &number(|bar| bar.high),
        &number(|bar| bar.low),
        &number(|bar| bar.close),
        &number(|bar| bar.volume),
        &newest.values().map(|bar| bar.trades).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Bars that start from `start` until before `end`, oldest first.
pub async fn range(
    connection: &mut PgConnection,
    ticker: &str,
    seconds: i32,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<Vec<BarRecord>, StorageError> {
    Ok(sqlx::query_as!(
        BarRecord,
        r#"
        select
            ticker, seconds, at, open, high, low, close, volume, trades
        from bars
        where ticker = $1 and seconds = $2 and at >= $3 and at < $4
        order by at
        "#,
        ticker,
        seconds,
        start,
        end,
    )
    .fetch_all(connection)
    .await?)
}

/// The newest bars that start before `before` (or of all), oldest of them first: what a strategy
/// warms up from.
pub async fn newest(
    connection: &mut PgConnection,
    ticker: &str,
    seconds: i32,
    before: Option<DateTime<Utc>>,
    limit: u32,
) -> Result<Vec<BarRecord>, StorageError> {
    let mut bars = sqlx::query_as!(
        BarRecord,
        r#"
        select
            ticker, seconds, at, open, high, low, close, volume, trades
        from bars
        where ticker = $1 and seconds = $2 and ($3::timestamptz is null or at < $3)
        order by at desc
        limit $4
        "#,
        ticker,
        seconds,
        before,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    bars.reverse();
    Ok(bars)
}
