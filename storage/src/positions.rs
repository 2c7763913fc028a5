//! Table `positions`: what each sub-account holds, written by the journal.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StorageError;

/// A position as stored. A closed one stays, with quantity zero and its profit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionRecord {
    /// Owner.
    pub user_id: Uuid,
    /// Sub-account; the nil uuid is the part of the account that no config trades.
    pub config_id: Uuid,
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Shares or coins; negative is short, zero is closed.
    pub quantity: Decimal,
    /// US dollars paid per share or coin of what is held; zero when nothing is.
    pub average_price: Decimal,
    /// US dollars won or lost by what has been closed.
    pub realized_profit: Decimal,
    /// When its state last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which positions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Those with a quantity.
    Open,
    /// Closed ones too.
    All,
}

/// The user's positions, by config and ticker.
pub async fn list(
    connection: &mut PgConnection,
    user_id: Uuid,
    holding: Holding,
) -> Result<Vec<PositionRecord>, StorageError> {
    Ok(sqlx::query_as!(
        PositionRecord,
        r#"
        select
            user_id, config_id, ticker, quantity, average_price, realized_profit, updated_at
        from positions
        where user_id = $1 and ($2 or quantity <> 0)
        order by config_id, ticker
        "#,
        user_id,
        holding == Holding::All,
    )
    .fetch_all(connection)
    .await?)
}

/// Writes the newest state of each position; of several records of one position the last counts.
pub(crate) async fn upsert<'a>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = &'a PositionRecord>,
) -> Result<(), sqlx::Error> {
    // A statement may change a row only once.
    let newest: BTreeMap<(Uuid, Uuid, &str), &PositionRecord> = records
        .map(|position| {
            ((position.user_id, position.config_id, position.ticker.as_str()), position)
        })
        .collect();
    if newest.is_empty() {
        return Ok(());
    }
    let of = || newest.values();
    let tickers: Vec<&str> = of().map(|position| position.ticker.as_str()).collect();
    sqlx::query!(
        r#"
        insert into positions
            (user_id, config_id, ticker, quantity, average_price, realized_profit, updated_at)
        select *
        from unnest
            ($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[],
             $7::timestamptz[])
        on conflict (user_id, config_id, ticker) do update set
            quantity = excluded.quantity,
            average_price = excluded.average_price,
            realized_profit = excluded.realized_profit,
            updated_at = excluded.updated_at
        "#,
        &of().map(|position| position.user_id).collect::<Vec<_>>(),
        &of().map(|position| position.config_id).collect::<Vec<_>>(),
        &tickers as &[&str],
        &of().map(|position| position.quantity).collect::<Vec<_>>(),
        &of().map(|position| position.average_price).collect::<Vec<_>>(),
        &of().map(|position| position.realized_profit).collect::<Vec<_>>(),
        &of().map(|position| position.updated_at).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
