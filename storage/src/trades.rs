//! Table `trade_history`: fills as the user reads them, written by the journal.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint::can_be_stored;
use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};
use crate::side::Side;

/// A fill to show in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRecord {
    /// Key, from the id source.
    pub id: Uuid,
    /// Owner.
    pub user_id: Uuid,
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Strategy that traded, or `manual`.
    pub strategy_name: String,
    /// Buy or sell.
    pub side: Side,
    /// Shares or coins of this fill, above zero; nine decimals are kept.
    pub quantity: Decimal,
    /// US dollars per share or coin, above zero; nine decimals are kept.
    pub price: Decimal,
    /// What the strategy asked for: 1 buy, -1 sell, 0 no signal.
    pub signal: i32,
    /// `client_order_id` of the order; `None`: booked without one (an adjustment).
    pub order_id: Option<String>,
    /// Filled quantity of the order after this fill; `None`: booked without an order.
    pub cumulative_quantity: Option<Decimal>,
    /// Sub-account it is booked to; `None`: to no config.
    pub config_id: Option<Uuid>,
    /// When the venue executed it.
    pub executed_at: DateTime<Utc>,
}

/// A fill as shown in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// What was written.
    pub record: TradeRecord,
    /// US dollars of this fill, rounded to the cent by the database.
    pub total_value: Decimal,
}

/// Which trades are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeFilter {
    /// `None`: any.
    pub ticker: Option<String>,
    /// Executed then or later; `None`: since ever.
    pub start: Option<DateTime<Utc>>,
    /// Executed before; `None`: until now.
    pub end: Option<DateTime<Utc>>,
}

/// The user's trades, newest first.
pub async fn history(
    connection: &mut PgConnection,
    user_id: Uuid,
    filter: &TradeFilter,
    page: PageRequest,
) -> Result<Page<Trade>, StorageError> {
    if !filter.ticker.as_deref().is_none_or(can_be_stored) {
        return Ok(Page { items: Vec::new(), total: 0 });
    }
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from trade_history
        where user_id = $1
            and ($2::text is null or ticker = $2)
            and ($3::timestamptz is null or executed_at >= $3)
            and ($4::timestamptz is null or executed_at < $4)
        "#,
        user_id,
        filter.ticker,
        filter.start,
        filter.end,
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        TradeRow,
        r#"
        select
            id, user_id, ticker, strategy_name, action, quantity, price,
            total_value as "total_value!", signal, order_id, cumulative_quantity, config_id,
            executed_at
        from trade_history
        where user_id = $1
            and ($2::text is null or ticker = $2)
            and ($3::timestamptz is null or executed_at >= $3)
            and ($4::timestamptz is null or executed_at < $4)
        order by executed_at desc, id
        limit $5 offset $6
        "#,
        user_id,
        filter.ticker,
        filter.start,
        filter.end,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    Ok(Page { items, total: count(total) })
}

/// Adds trades; one whose fill is in the history already is left as it is.
pub(crate) async fn insert_new<'a>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = &'a TradeRecord>,
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(records);
    if columns.id.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into trade_history
            (id, user_id, ticker, strategy_name, action, quantity, price, signal, order_id,
             cumulative_quantity, config_id, executed_at)
        select *
        from unnest
            ($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[],
             $7::numeric[], $8::integer[], $9::text[], $10::numeric[], $11::uuid[],
             $12::timestamptz[])
        on conflict do nothing
        "#,
        &columns.id,
        &columns.user_id,
        &columns.ticker as &[&str],
        &columns.strategy_name as &[&str],
        &columns.action as &[&str],
        &columns.quantity,
        &columns.price,
        &columns.signal,
        &columns.order_id as &[Option<&str>],
        &columns.cumulative_quantity as &[Option<Decimal>],
        &columns.config_id as &[Option<Uuid>],
        &columns.executed_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The records turned on their side, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    id: Vec<Uuid>,
    user_id: Vec<Uuid>,
    ticker: Vec<&'a str>,
    strategy_name: Vec<&'a str>,
    action: Vec<&'a str>,
    quantity: Vec<Decimal>,
    price: Vec<Decimal>,
    signal: Vec<i32>,
    order_id: Vec<Option<&'a str>>,
    cumulative_quantity: Vec<Option<Decimal>>,
    config_id: Vec<Option<Uuid>>,
    executed_at: Vec<DateTime<Utc>>,
}

impl<'a> Columns<'a> {
    fn of(trades: impl Iterator<Item = &'a TradeRecord>) -> Self {
        let mut columns = Self::default();
        for trade in trades {
            columns.id.push(trade.id);
            columns.user_id.push(trade.user_id);
            columns.ticker.push(&trade.ticker);
            columns.strategy_name.push(&trade.strategy_name);
            columns.action.push(trade.side.action());
            columns.quantity.push(trade.quantity);
            columns.price.push(trade.price);
            columns.signal.push(trade.signal);
            columns.order_id.push(trade.order_id.as_deref());
            columns.cumulative_quantity.push(trade.cumulative_quantity);
            columns.config_id.push(trade.config_id);
            columns.executed_at.push(trade.executed_at);
        }
        columns
    }
}

struct TradeRow {
    id: Uuid,
    user_id: Uuid,
    ticker: String,
    strategy_name: String,
    action: String,
    quantity: Decimal,
    price: Decimal,
    total_value: Decimal,
    signal: i32,
    order_id: Option<String>,
    cumulative_quantity: Option<Decimal>,
    config_id: Option<Uuid>,
    executed_at: DateTime<Utc>,
}

impl TryFrom<TradeRow> for Trade {
    type Error = StorageError;

    fn try_from(row: TradeRow) -> Result<Self, StorageError> {
        let side = Side::from_name(&row.action).ok_or_else(|| StorageError::Inconsistent {
            table: "trade_history",
            column: "action",
            row: row.id.to_string(),
            detail: format!("unknown action `{}`", row.action),
        })?;
        Ok(Self {
            record: TradeRecord {
                id: row.id,
                user_id: row.user_id,
                ticker: row.ticker,
                strategy_name: row.strategy_name,
                side,
                quantity: row.quantity,
                price: row.price,
                signal: row.signal,
                order_id: row.order_id,
                cumulative_quantity: row.cumulative_quantity,
                config_id: row.config_id,
                executed_at: row.executed_at,
            },
            total_value: row.total_value,
        })
    }
}
