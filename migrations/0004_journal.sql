-- The journal and what is read from it. order_events is the truth; orders, fills, positions and trade_history
-- are written in the same transaction and can be rebuilt from it.
-- None of them refers to trading_configs: a config may be deleted, its facts stay.

create table order_events (
    user_id uuid not null references users (id),
    seq bigint not null,
    at timestamptz not null,
    kind text not null,
    version smallint not null,
    client_order_id text,
    config_id uuid,
    payload jsonb not null,
    recorded_at timestamptz not null,
    constraint order_events_pkey primary key (user_id, seq),
    constraint valid_seq check (seq >= 0),
    constraint valid_version check (version > 0),
    constraint valid_kind check (kind <> '')
);

create index idx_order_events_client_order_id on order_events (client_order_id) where client_order_id is not null;

comment on table order_events is 'The journal: every fact of an account in order. An account''s state is the fold of its rows.';
comment on column order_events.user_id is 'The account; a user with a journal cannot be deleted.';
comment on column order_events.seq is 'Number within the account, without gaps. The key that lets only one writer win.';
comment on column order_events.at is 'When it happened, by the engine''s clock (simulated time in a replay).';
comment on column order_events.kind is 'Name of the event type, snake_case.';
comment on column order_events.version is 'Version of the payload''s shape for this kind, from 1.';
comment on column order_events.client_order_id is 'The order it is about. Null: about the account, not one order.';
comment on column order_events.config_id is 'The sub-account it is about. Null: about the whole account.';
comment on column order_events.payload is 'The event itself; amounts are decimal strings.';
comment on column order_events.recorded_at is 'When the engine handed it to the database, by the engine''s clock.';

create table orders (
    client_order_id text not null,
    user_id uuid not null,
    config_id uuid,
    ticker text not null,
    strategy_name text,
    signal_id uuid,
    venue_order_id uuid,
    side text not null,
    order_type text not null,
    time_in_force text not null,
    quantity numeric not null,
    limit_price numeric,
    status text not null,
    filled_quantity numeric not null,
    filled_average_price numeric,
    reason text,
    created_at timestamptz not null,
    submitted_at timestamptz,
    closed_at timestamptz,
    updated_at timestamptz not null,
    -- With the user: two users of one broker account both adopt an order placed there by hand.
    constraint orders_pkey primary key (user_id, client_order_id),
    constraint valid_side check (side in ('buy', 'sell')),
    constraint valid_quantity check (quantity > 0),
    constraint valid_filled_quantity check (filled_quantity >= 0)
);

create index idx_orders_user on orders (user_id, created_at desc);
create index idx_orders_open on orders (user_id) where closed_at is null;
create index idx_orders_venue_order_id on orders (venue_order_id) where venue_order_id is not null;

comment on table orders is 'Newest state of each order, folded from order_events.';
comment on column orders.client_order_id is 'Made from user, config and signal: the same signal can never make two orders.';
comment on column orders.user_id is 'Owner.';
comment on column orders.config_id is 'Sub-account it trades for. Null: placed by hand, or found at the broker.';
comment on column orders.ticker is 'Symbol as the broker writes it.';
comment on column orders.strategy_name is 'Strategy whose signal made it. Null: no strategy did.';
comment on column orders.signal_id is 'The signal that made it, a row of signals. Null: no signal did.';
comment on column orders.venue_order_id is 'Id given by the venue. Null: not accepted (yet).';
comment on column orders.side is 'buy or sell.';
comment on column orders.order_type is 'market, limit, stop, stop_limit or trailing_stop.';
comment on column orders.time_in_force is 'day, gtc, opg, cls, ioc or fok.';
comment on column orders.quantity is 'Shares or coins ordered.';
comment on column orders.limit_price is 'US dollars. Null: the order type has no limit.';
comment on column orders.status is 'Status of the order table, snake_case.';
comment on column orders.filled_quantity is 'Shares or coins filled so far.';
comment on column orders.filled_average_price is 'US dollars, weighted over the fills. Null: nothing filled.';
comment on column orders.reason is 'Why it was denied, rejected or cancelled, a stable code. Null: it was not.';
comment on column orders.created_at is 'When the account decided on it.';
comment on column orders.submitted_at is 'When it was sent to the venue. Null: not sent.';
comment on column orders.closed_at is 'When it reached a final status. Null: still open.';
comment on column orders.updated_at is 'When its state last changed.';

create table fills (
    client_order_id text not null,
    cumulative_quantity numeric not null,
    user_id uuid not null,
    execution_id text,
    quantity numeric not null,
    price numeric not null,
    side text not null,
    ticker text not null,
    config_id uuid,
    executed_at timestamptz not null,
    seq bigint not null,
    constraint fills_pkey primary key (user_id, client_order_id, cumulative_quantity),
    constraint valid_side check (side in ('buy', 'sell')),
    constraint valid_quantity check (quantity > 0 and cumulative_quantity >= quantity),
    constraint valid_price check (price > 0)
);

create index idx_fills_user on fills (user_id, executed_at desc);

comment on table fills is 'Each execution once: an order can be filled up to a quantity only one time.';
comment on column fills.client_order_id is 'The order filled.';
comment on column fills.cumulative_quantity is 'Filled quantity of the order after this fill; with user and order it names the fill.';
comment on column fills.user_id is 'Owner.';
comment on column fills.execution_id is 'The venue''s id of the execution. Null: learned from a source that gives none (REST order, position difference).';
comment on column fills.quantity is 'Shares or coins of this fill.';
comment on column fills.price is 'US dollars per share or coin.';
comment on column fills.side is 'buy or sell.';
comment on column fills.ticker is 'Symbol as the broker writes it.';
comment on column fills.config_id is 'Sub-account it is booked to. Null: booked to no config.';
comment on column fills.executed_at is 'When the venue executed it.';
comment on column fills.seq is 'The journal event that booked it, order_events.seq of the same user.';

create table positions (
    user_id uuid not null,
    config_id uuid not null,
    ticker text not null,
    quantity numeric not null,
    average_price numeric not null,
    realized_profit numeric not null,
    updated_at timestamptz not null,
    constraint positions_pkey primary key (user_id, config_id, ticker)
);

comment on table positions is 'What each sub-account holds. A closed position stays with quantity zero and its profit.';
comment on column positions.user_id is 'Owner.';
comment on column positions.config_id is 'Sub-account; the nil uuid is the part of the account that no config trades.';
comment on column positions.ticker is 'Symbol as the broker writes it.';
comment on column positions.quantity is 'Shares or coins; negative is short, zero is closed.';
comment on column positions.average_price is 'US dollars paid per share or coin of what is held; zero when nothing is.';
comment on column positions.realized_profit is 'US dollars won or lost by what has been closed.';
comment on column positions.updated_at is 'When its state last changed.';

create table trade_history (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    ticker varchar(20) not null,
    strategy_name varchar(100) not null,
    action varchar(10) not null,
    quantity numeric(20, 9) not null,
    price numeric(24, 9) not null,
    total_value numeric(28, 2) generated always as (quantity * price) stored,
    signal integer not null,
    order_id varchar(128),
    cumulative_quantity numeric(20, 9),
    config_id uuid,
    executed_at timestamptz not null,
    constraint valid_action check (action in ('BUY', 'SELL')),
    constraint valid_quantity check (quantity > 0),
    constraint valid_price check (price > 0),
    constraint trade_history_fill_key unique (user_id, order_id, cumulative_quantity)
);

create index idx_trade_history_user on trade_history (user_id);
create index idx_trade_history_ticker on trade_history (user_id, ticker);
create index idx_trade_history_time on trade_history (executed_at desc);
create index idx_trade_history_user_time on trade_history (user_id, executed_at desc);

comment on table trade_history is 'Fills as the user reads them. trade_history_fill_key keeps a fill from being booked twice.';
comment on column trade_history.id is 'Given by the engine''s id source.';
comment on column trade_history.user_id is 'Owner.';
comment on column trade_history.ticker is 'Symbol as the broker writes it.';
comment on column trade_history.strategy_name is 'Strategy that traded, or manual.';
comment on column trade_history.action is 'BUY or SELL.';
comment on column trade_history.quantity is 'Shares or coins of this fill.';
comment on column trade_history.price is 'US dollars per share or coin.';
comment on column trade_history.total_value is 'Computed: US dollars of this fill, rounded to the cent.';
comment on column trade_history.signal is 'What the strategy asked for: 1 buy, -1 sell, 0 no signal (by hand).';
comment on column trade_history.order_id is 'client_order_id of the order. Null: booked without an order (an adjustment).';
comment on column trade_history.cumulative_quantity is 'Filled quantity of the order after this fill. Null: booked without an order.';
comment on column trade_history.config_id is 'Sub-account it is booked to. Null: booked to no config.';
comment on column trade_history.executed_at is 'When the venue executed it.';
