//! Table `orders`: the newest state of each order, written by the journal.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::constraint::can_be_stored;
use crate::error::StorageError;
use crate::page::{Page, PageRequest, count};
use crate::side::Side;

/// An order as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// Key within the user, made from user, config and signal.
    pub client_order_id: String,
    /// Owner.
    pub user_id: Uuid,
    /// Sub-account; `None`: placed by hand, or found at the broker.
    pub config_id: Option<Uuid>,
    /// Symbol as the broker writes it.
    pub ticker: String,
    /// Strategy whose signal made it; `None`: no strategy did.
    pub strategy_name: Option<String>,
    /// The signal that made it; `None`: no signal did.
    pub signal_id: Option<Uuid>,
    /// Id given by the venue; `None`: not accepted (yet).
    pub venue_order_id: Option<Uuid>,
    /// Buy or sell.
    pub side: Side,
    /// `market`, `limit`, `stop`, `stop_limit` or `trailing_stop`.
    pub order_type: String,
    /// `day`, `gtc`, `opg`, `cls`, `ioc` or `fok`.
    pub time_in_force: String,
    /// Shares or coins ordered, above zero.
    pub quantity: Decimal,
    /// US dollars; `None`: the order type has no limit.
    pub limit_price: Option<Decimal>,
    /// Status of the order table, `snake_case`.
    pub status: String,
    /// Shares or coins filled so far.
    pub filled_quantity: Decimal,
    /// US dollars, weighted over the fills; `None`: nothing filled.
    pub filled_average_price: Option<Decimal>,
    /// Why it was denied, rejected or cancelled, a stable code; `None`: it was not.
    pub reason: Option<String>,
    /// When the account decided on it.
    pub created_at: DateTime<Utc>,
    /// When it was sent; `None`: not sent.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it reached a final status; `None`: still open.
    pub closed_at: Option<DateTime<Utc>>,
    /// When its state last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which orders are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Open, closed, or both.
    pub state: OrderState,
    /// `None`: any.
    pub ticker: Option<String>,
    /// `None`: any, and those of no config.
    pub config_id: Option<Uuid>,
    /// Created then or later; `None`: since ever.
    pub after: Option<DateTime<Utc>>,
    /// Created before; `None`: until now.
    pub until: Option<DateTime<Utc>>,
}

/// Whether an order can still change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OrderState {
    /// Not in a final status.
    Open,
    /// In a final status.
    Closed,
    /// Either.
    #[default]
    All,
}

/// The user's orders, newest first.
pub async fn list(
    connection: &mut PgConnection,
    user_id: Uuid,
    filter: &OrderFilter,
    page: PageRequest,
) -> Result<Page<OrderRecord>, StorageError> {
    if !filter.ticker.as_deref().is_none_or(can_be_stored) {
        return Ok(Page { items: Vec::new(), total: 0 });
    }
    let open = match filter.state {
        OrderState::Open => Some(true),
        OrderState::Closed => Some(false),
        OrderState::All => None,
    };
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from orders
        where user_id = $1
            and ($2::boolean is null or (closed_at is null) = $2)
            and ($3::text is null or ticker = $3)
            and ($4::uuid is null or config_id = $4)
            and ($5::timestamptz is null or created_at >= $5)
            and ($6::timestamptz is null or created_at < $6)
        "#,
        user_id,
        open,
        filter.ticker,
        filter.config_id,
        filter.after,
        filter.until,
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows = sqlx::query_as!(
        OrderRow,
        r#"
        select
            client_order_id, user_id, config_id, ticker, strategy_name, signal_id, venue_order_id,
            side, order_type, time_in_force, quantity, limit_price, status, filled_quantity,
            filled_average_price, reason, created_at, submitted_at, closed_at, updated_at
        from orders
        where user_id = $1
            and ($2::boolean is null or (closed_at is null) = $2)
            and ($3::text is null or ticker = $3)
            and ($4::uuid is null or config_id = $4)
            and ($5::timestamptz is null or created_at >= $5)
            and ($6::timestamptz is null or created_at < $6)
        order by created_at desc, client_order_id
        limit $7 offset $8
        "#,
        user_id,
        open,
        filter.ticker,
        filter.config_id,
        filter.after,
        filter.until,
        page.sql_limit(),
        page.sql_offset(),
    )
    .fetch_all(connection)
    .await?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    Ok(Page { items, total: count(total) })
}

/// One of the user's orders; another user's is not there.
pub async fn get(
    connection: &mut PgConnection,
    user_id: Uuid,
    client_order_id: &str,
) -> Result<Option<OrderRecord>, StorageError> {
    if !can_be_stored(client_order_id) {
        return Ok(None);
    }
    sqlx::query_as!(
        OrderRow,
        r#"
        select
            client_order_id, user_id, config_id, ticker, strategy_name, signal_id, venue_order_id,
            side, order_type, time_in_force, quantity, limit_price, status, filled_quantity,
            filled_average_price, reason, created_at, submitted_at, closed_at, updated_at
        from orders
        where user_id = $1 and client_order_id = $2
        "#,
        user_id,
        client_order_id,
    )
    .fetch_optional(connection)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Writes the newest state of each order; of several records of one order the last counts.
pub(crate) async fn upsert<'a>(
    connection: &mut PgConnection,
    records: impl Iterator<Item = &'a OrderRecord>,
) -> Result<(), sqlx::Error> {
    // A statement may change a row only once.
    let newest: BTreeMap<(Uuid, &str), &OrderRecord> =
        records.map(|order| ((order.user_id, order.client_order_id.as_str()), order)).collect();
    if newest.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(newest.values().copied());
    sqlx::query!(
        r#"
        insert into orders
            (client_order_id, user_id, config_id, ticker, strategy_name, signal_id, venue_order_id,
             side, order_type, time_in_force, quantity, limit_price, status, filled_quantity,
             filled_average_price, reason, created_at, submitted_at, closed_at, updated_at)
        select *
        from unnest
            ($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
             $8::text[], $9::text[], $10::text[], $11::numeric[], $12::numeric[], $13::text[],
             $14::numeric[], $15::numeric[], $16::text[], $17::timestamptz[], $18::timestamptz[],
             $19::timestamptz[], $20::timestamptz[])
        on conflict (user_id, client_order_id) do update set
            venue_order_id = excluded.venue_order_id,
            quantity = excluded.quantity,
            limit_price = excluded.limit_price,
            status = excluded.status,
            filled_quantity = excluded.filled_quantity,
            filled_average_price = excluded.filled_average_price,
            reason = excluded.reason,
            submitted_at = excluded.submitted_at,
            closed_at = excluded.closed_at,
            updated_at = excluded.updated_at
        "#,
        &columns.client_order_id as &[&str],
        &columns.user_id,
        &columns.config_id as &[Option<Uuid>],
        &columns.ticker as &[&str],
        &columns.strategy_name as &[Option<&str>],
        &columns.signal_id as &[Option<Uuid>],
        &columns.venue_order_id as &[Option<Uuid>],
        &columns.side as &[&str],
        &columns.order_type as &[&str],
        &columns.time_in_force as &[&str],
        &columns.quantity,
        &columns.limit_price as &[Option<Decimal>],
        &columns.status as &[&str],
        &columns.filled_quantity,
        &columns.filled_average_price as &[Option<Decimal>],
        &columns.reason as &[Option<&str>],
        &columns.created_at,
        &columns.submitted_at as &[Option<DateTime<Utc>>],
        &columns.closed_at as &[Option<DateTime<Utc>>],
        &columns.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The records turned on their side, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    client_order_id: Vec<&'a str>,
    user_id: Vec<Uuid>,
    config_id: Vec<Option<Uuid>>,
    ticker: Vec<&'a str>,
    strategy_name: Vec<Option<&'a str>>,
    signal_id: Vec<Option<Uuid>>,
    venue_order_id: Vec<Option<Uuid>>,
    side: Vec<&'a str>,
    order_type: Vec<&'a str>,
    time_in_force: Vec<&'a str>,
    quantity: Vec<Decimal>,
    limit_price: Vec<Option<Decimal>>,
    status: Vec<&'a str>,
    filled_quantity: Vec<Decimal>,
    filled_average_price: Vec<Option<Decimal>>,
    reason: Vec<Option<&'a str>>,
    created_at: Vec<DateTime<Utc>>,
    submitted_at: Vec<Option<DateTime<Utc>>>,
    closed_at: Vec<Option<DateTime<Utc>>>,
    updated_at: Vec<DateTime<Utc>>,
}

impl<'a> Columns<'a> {
    fn of(orders: impl Iterator<Item = &'a OrderRecord>) -> Self {
        let mut columns = Self::default();
        for order in orders {
            columns.client_order_id.push(&order.client_order_id);
            columns.user_id.push(order.user_id);
            columns.config_id.push(order.config_id);
            columns.ticker.push(&order.ticker);
            columns.strategy_name.push(order.strategy_name.as_deref());
            columns.signal_id.push(order.signal_id);
            columns.venue_order_id.push(order.venue_order_id);
            columns.side.push(order.side.as_str());
            columns.order_type.push(&order.order_type);
            columns.time_in_force.push(&order.time_in_force);
            columns.quantity.push(order.quantity);
            columns.limit_price.push(order.limit_price);
            columns.status.push(&order.status);
            columns.filled_quantity.push(order.filled_quantity);
            columns.filled_average_price.push(order.filled_average_price);
            columns.reason.push(order.reason.as_deref());
            columns.created_at.push(order.created_at);
            columns.submitted_at.push(order.submitted_at);
            columns.closed_at.push(order.closed_at);
            columns.updated_at.push(order.updated_at);
        }
        columns
    }
}

struct OrderRow {
    client_order_id: String,
    user_id: Uuid,
    config_id: Option<Uuid>,
    ticker: String,
    strategy_name: Option<String>,
    signal_id: Option<Uuid>,
    venue_order_id: Option<Uuid>,
    side: String,
    order_type: String,
    time_in_force: String,
    quantity: Decimal,
    limit_price: Option<Decimal>,
    status: String,
    filled_quantity: Decimal,
    filled_average_price: Option<Decimal>,
    reason: Option<String>,
    created_at: DateTime<Utc>,
    submitted_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<OrderRow> for OrderRecord {
    type Error = StorageError;

    fn try_from(row: OrderRow) -> Result<Self, StorageError> {
        let side = Side::from_name(&row.side).ok_or_else(|| StorageError::Inconsistent {
            table: "orders",
            column: "side",
            row: row.client_order_id.clone(),
            detail: format!("unknown side `{}`", row.side),
        })?;
        Ok(Self {
            client_order_id: row.client_order_id,
            user_id: row.user_id,
            config_id: row.config_id,
            ticker: row.ticker,
            strategy_name: row.strategy_name,
            signal_id: row.signal_id,
            venue_order_id: row.venue_order_id,
            side,
            order_type: row.order_type,
            time_in_force: row.time_in_force,
            quantity: row.quantity,
            limit_price: row.limit_price,
            status: row.status,
            filled_quantity: row.filled_quantity,
            filled_average_price: row.filled_average_price,
            reason: row.reason,
            created_at: row.created_at,
            submitted_at: row.submitted_at,
            closed_at: row.closed_at,
            updated_at: row.updated_at,
        })
    }
}
