-- What a user wants traded. Each config is a sub-account with its own positions and profit.

create table trading_configs (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    name varchar(100) not null,
    tickers text[] not null,
    check_interval integer not null default 300,
    strategies jsonb,
    capital_share numeric(5, 4) not null default 1,
    is_active boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint trading_configs_user_id_name_key unique (user_id, name),
    constraint valid_name check (length(trim(name)) > 0),
    constraint valid_tickers check (cardinality(tickers) > 0 and array_position(tickers, null) is null),
    constraint valid_check_interval check (check_interval between 1 and 86400),
    constraint valid_strategies check (strategies is null or jsonb_typeof(strategies) = 'object'),
    constraint valid_capital_share check (capital_share > 0 and capital_share <= 1)
);

create index idx_trading_configs_user on trading_configs (user_id);
create index idx_trading_configs_active on trading_configs (user_id, is_active);

comment on table trading_configs is 'A sub-account: tickers, the strategies that trade them, and a share of the user''s capital.';
comment on column trading_configs.id is 'Given by the engine''s id source.';
comment on column trading_configs.user_id is 'Owner; the rows go with the user.';
comment on column trading_configs.name is 'Chosen by the user, unique among the user''s configs.';
comment on column trading_configs.tickers is 'Symbols traded, at least one, as the broker writes them: AAPL, BTC/USD.';
comment on column trading_configs.check_interval is 'Seconds: the length of the bar its strategies decide on, 1 to 86400.';
comment on column trading_configs.strategies is 'Per ticker {"AAPL": {"strategy": "sma_cross", "params": {"fast": 10, "slow": 20}}}. A ticker not named, or null for all: the default (best evaluated) strategy.';
comment on column trading_configs.capital_share is 'Fraction of the user''s capital this config may use, above 0 up to 1.';
comment on column trading_configs.is_active is 'True: its strategies run and may place orders.';
comment on column trading_configs.created_at is 'When the config was made.';
comment on column trading_configs.updated_at is 'When any column of this row last changed.';
