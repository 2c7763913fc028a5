-- What the evaluation of strategies found.

create table strategy_evaluations (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    config_id uuid references trading_configs (id) on delete cascade,
    ticker varchar(20) not null,
    strategy_name varchar(100) not null,
    metrics jsonb not null,
    score numeric(10, 4) not null,
    metric_name varchar(50) not null,
    evaluated_at timestamptz not null,
    constraint strategy_evaluations_subject_key
        unique nulls not distinct (user_id, config_id, ticker, strategy_name, metric_name)
);

create index idx_strategy_eval_user on strategy_evaluations (user_id);
create index idx_strategy_eval_ticker on strategy_evaluations (user_id, ticker);
create index idx_strategy_eval_score on strategy_evaluations (ticker, score desc);

comment on table strategy_evaluations is 'Newest result of one strategy on one ticker, by one metric.';
comment on column strategy_evaluations.id is 'Given by the engine''s id source.';
comment on column strategy_evaluations.user_id is 'Who asked for the evaluation.';
comment on column strategy_evaluations.config_id is 'The config it was run for. Null: run by hand, for no config.';
comment on column strategy_evaluations.ticker is 'Symbol evaluated.';
comment on column strategy_evaluations.strategy_name is 'Name in the strategy registry, such as sma_cross.';
comment on column strategy_evaluations.metrics is 'All metrics of the run by name; fractions, not percent.';
comment on column strategy_evaluations.score is 'Value of metric_name, by which strategies are ranked; more is better.';
comment on column strategy_evaluations.metric_name is 'Metric the score is taken from, such as sharpe_ratio.';
comment on column strategy_evaluations.evaluated_at is 'When the run ended.';

create table best_strategies (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    ticker varchar(20) not null,
    strategy_name varchar(100) not null,
    score numeric(10, 4) not null,
    metric_name varchar(50) not null,
    selected_at timestamptz not null,
    constraint best_strategies_user_id_ticker_key unique (user_id, ticker)
);

create index idx_best_strategies_user on best_strategies (user_id);

comment on table best_strategies is 'The strategy a config falls back on for a ticker it names no strategy for.';
comment on column best_strategies.id is 'Given by the engine''s id source.';
comment on column best_strategies.user_id is 'Whose choice.';
comment on column best_strategies.ticker is 'Symbol the choice is for.';
comment on column best_strategies.strategy_name is 'Name in the strategy registry, such as sma_cross.';
comment on column best_strategies.score is 'Score it won with.';
comment on column best_strategies.metric_name is 'Metric the score is taken from.';
comment on column best_strategies.selected_at is 'When it was chosen.';
