-- Prices and what strategies made of them. Doubles: indicators compute on doubles.

create table price_data_cache (
    id uuid primary key,
    ticker varchar(20) not null,
    date date not null,
    open numeric(15, 4) not null,
    high numeric(15, 4) not null,
    low numeric(15, 4) not null,
    close numeric(15, 4) not null,
    volume bigint not null,
    created_at timestamptz not null,
    constraint price_data_cache_ticker_date_key unique (ticker, date)
);

create index idx_price_cache_ticker on price_data_cache (ticker, date desc);

comment on table price_data_cache is 'Daily prices of the published contract; the engine''s own bars are in bars.';
comment on column price_data_cache.id is 'Given by the engine''s id source.';
comment on column price_data_cache.ticker is 'Symbol as the broker writes it.';
comment on column price_data_cache.date is 'Trading day, in the exchange''s time zone.';
comment on column price_data_cache.open is 'US dollars, first trade of the day.';
comment on column price_data_cache.high is 'US dollars, highest trade of the day.';
comment on column price_data_cache.low is 'US dollars, lowest trade of the day.';
comment on column price_data_cache.close is 'US dollars, last trade of the day.';
comment on column price_data_cache.volume is 'Shares traded in the day.';
comment on column price_data_cache.created_at is 'When the row was fetched.';

create table bars (
    ticker text not null,
    seconds integer not null,
    at timestamptz not null,
    open double precision not null,
    high double precision not null,
    low double precision not null,
    close double precision not null,
    volume double precision not null,
    trades bigint not null,
    constraint bars_pkey primary key (ticker, seconds, at),
    constraint valid_seconds check (seconds > 0)
);

comment on table bars is 'Closed bars, written in batches by the recorder; strategies warm up from them.';
comment on column bars.ticker is 'Symbol as the broker writes it.';
comment on column bars.seconds is 'Length of the bar in seconds.';
comment on column bars.at is 'Start of the bar (inclusive); it ends, exclusive, one length later.';
comment on column bars.open is 'US dollars, first trade.';
comment on column bars.high is 'US dollars, highest trade.';
comment on column bars.low is 'US dollars, lowest trade.';
comment on column bars.close is 'US dollars, last trade.';
comment on column bars.volume is 'Shares or coins traded.';
comment on column bars.trades is 'Number of trades.';

create table signals (
    id uuid primary key,
    instance text not null,
    strategy_name text not null,
    ticker text not null,
    bar_seconds integer not null,
    stance text not null,
    at timestamptz not null,
    price double precision not null,
    indicators jsonb not null,
    constraint valid_bar_seconds check (bar_seconds > 0)
);

create index idx_signals_ticker on signals (ticker, at desc);

comment on table signals is 'Each change of mind of a strategy instance, with the values that made it.';
comment on column signals.id is 'A pure function of instance and time: the same change of mind is one row, however often it is computed.';
comment on column signals.instance is 'Key of the shared strategy instance: strategy, parameters, ticker, bar length.';
comment on column signals.strategy_name is 'Name in the strategy registry, such as sma_cross.';
comment on column signals.ticker is 'Symbol as the broker writes it.';
comment on column signals.bar_seconds is 'Length in seconds of the bars it decides on.';
comment on column signals.stance is 'What it now wants: long, flat or short.';
comment on column signals.at is 'End of the bar that changed its mind, by the venue''s clock.';
comment on column signals.price is 'US dollars, close of that bar.';
comment on column signals.indicators is 'Indicator values by name at that bar.';
