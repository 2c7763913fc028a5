//! Table `fills`: each execution once, written by the journal.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StorageError;
use crate::side::Side;

/// An execution as stored. An order can be filled up to a quantity only once, so user, order and
/// cumulative quantity name it, whichever way the engine learned of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillRecord {
    /// The order filled.
    pub client_order_id: String,
    /// Filled quantity of the order after this fill.
    pub cumulative_quantity: Decimal,
    /// Owner.
    pub user_id: Uuid,
    /// The venue's id; `None`: learned from a source that gives none.
    pub execution_id: Option<String>,
    /// Shares or coins of this fill, above zero.
    pub quantity: Decimal,
    /// US dollars per share or coin, above zero.
    pub price: Decimal,
    /// Buy or sell.
    pub side: Side,
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Sub-account it is booked to; `None`: to no config.
    pub config_id: Option<Uuid>,
    /// When the venue executed it.
    pub executed_at: DateTime<Utc>,
    /// The journal event that booked it.
    pub seq: i64,
}

/// The fills of one of the user's orders, oldest first.
pub async fn of_order(
    connection: &mut PgConnection,
    user_id: Uuid,
    client_order_id: &str,
) -> Result<Vec<FillRecord>, StorageError> {
    sqlx::query_as!(
        FillRow,
        r#"
        select
            client_order_id, cumulative_quantity, user_id, execution_id, quantity, price, side,
            ticker, config_id, executed_at, seq
        from fills
        where user_id = $1 and client_order_id = $2
        order by cumulative_quantity
        "#,
        user_id,
        client_order_id,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

/// Books fills; one that is booked already is left as it is.
pub(crate) async fn insert_new<'a>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = &'a FillRecord>,
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(records);
    if columns.seq.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into fills
            (client_order_id, cumulative_quantity, user_id, execution_id, quantity, price, side,
             ticker, config_id, executed_at, seq)
        select *
        from unnest
            ($1::text[], $2::numeric[], $3::uuid[], $4::text[], $5::numeric[], $6::numeric[],
             $7::text[], $8::text[], $9::uuid[], $10::timestamptz[], $11::bigint[])
        on conflict do nothing
        "#,
        &columns.client_order_id as &[&str],
        &columns.cumulative_quantity,
        &columns.user_id,
        &columns.execution_id as &[Option<&str>],
        &columns.quantity,
        &columns.price,
        &columns.side as &[&str],
        &columns.ticker as &[&str],
        &columns.config_id as &[Option<Uuid>],
        &columns.executed_at,
        &columns.seq,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The records turned on their side, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    client_order_id: Vec<&'a str>,
    cumulative_quantity: Vec<Decimal>,
    user_id: Vec<Uuid>,
    execution_id: Vec<Option<&'a str>>,
    quantity: Vec<Decimal>,
    price: Vec<Decimal>,
    side: Vec<&'a str>,
    ticker: Vec<&'a str>,
    config_id: Vec<Option<Uuid>>,
    executed_at: Vec<DateTime<Utc>>,
    seq: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(fills: impl Iterator<Item = &'a FillRecord>) -> Self {
        let mut columns = Self::default();
        for fill in fills {
            columns.client_order_id.push(&fill.client_order_id);
            columns.cumulative_quantity.push(fill.cumulative_quantity);
            columns.user_id.push(fill.user_id);
            columns.execution_id.push(fill.execution_id.as_deref());
            columns.quantity.push(fill.quantity);
            columns.price.push(fill.price);
            columns.side.push(fill.side.as_str());
            columns.ticker.push(&fill.ticker);
            columns.config_id.push(fill.config_id);
            columns.executed_at.push(fill.executed_at);
            columns.seq.push(fill.seq);
        }
        columns
    }
}

struct FillRow {
    client_order_id: String,
    cumulative_quantity: Decimal,
    user_id: Uuid,
    execution_id: Option<String>,
    quantity: Decimal,
    price: Decimal,
    side: String,
    ticker: String,
    config_id: Option<Uuid>,
    executed_at: DateTime<Utc>,
    seq: i64,
}

impl TryFrom<FillRow> for FillRecord {
    type Error = StorageError;

    fn try_from(row: FillRow) -> Result<Self, StorageError> {
        let side = Side::from_name(&row.side).ok_or_else(|| StorageError::Inconsistent {
            table: "fills",
            column: "side",
            row: format!("{} {}", row.client_order_id, row.cumulative_quantity),
            detail: format!("unknown side `{}`", row.side),
        })?;
        Ok(Self {
            client_order_id: row.client_order_id,
            cumulative_quantity: row.cumulative_quantity,
            user_id: row.user_id,
            execution_id: row.execution_id,
            quantity: row.quantity,
            price: row.price,
            side,
            ticker: row.ticker,
            config_id: row.config_id,
            executed_at: row.executed_at,
            seq: row.seq,
        })
    }
}
